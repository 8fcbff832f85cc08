"""Every command, typed for the other organisation: nothing of Alice's is said, and nothing of hers is changed."""

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
import typer

from faitfoi.accounts.models import ChannelKey, Organisation
from faitfoi.accounts.tenancy import acting_for
from faitfoi.cli.main import app
from faitfoi.pipeline.sealing import known_certificates
from faitfoi.pipeline.worker import work
from faitfoi.records.models import (
    Attempt,
    Batch,
    ChannelSettings,
    Customer,
    Delivery,
    Document,
    Event,
    JournalEntry,
    SealCertificate,
    SealChoices,
    Series,
)
from faitfoi.records.vault import save_channel_settings
from tests.pipeline.cast import ACTOR, EVERYBODY, FARMER, SILENT, TOWN, Scene, channel_settings, file, invoice, register
from tests.pipeline.typist import Typist

pytestmark = pytest.mark.django_db(transaction=True)

OTHER = "val-clair"
HOLD = "01a20000-0000-7000-8000-000000000000"
KNOWN_FROM_THE_FILE = ("TV-SECRET-1", "CUMA des Trois Vallées")
CHANGEABLE = (
    Attempt,
    Batch,
    ChannelSettings,
    Customer,
    Delivery,
    Document,
    Event,
    JournalEntry,
    SealCertificate,
    SealChoices,
    Series,
)
HERS = ("TV-SECRET-1", "TV-SECRET-2", "TV-SECRET-3")


def leaves(command: Any, name: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], Any]]:
    """Every command that does something, with the words that call it."""
    inner = getattr(command, "commands", None)
    if inner is None:
        yield name, command
        return
    for part, each in inner.items():
        yield from leaves(each, (*name, part))


def commands_for_one_organisation() -> set[tuple[str, ...]]:
    """Every command that takes --organisation."""
    whole = typer.main.get_command(app)
    return {
        name for name, command in leaves(whole) if any("--organisation" in option.opts for option in command.params)
    }


def seller_of_the_other() -> dict[str, object]:
    seller = invoice("x")["seller"]
    return {
        **seller,
        "name": "Coopérative du Val Clair",
        "identifiers": [{"value": "00000002600011", "scheme": "0009"}],
        "legal_registration": {"value": "000000026", "scheme": "0002"},
        "vat_identifier": "FR90000000026",
        "electronic_address": {"value": "000000026", "scheme": "0225"},
    }


@pytest.fixture
def two(scene: Scene, rival: Organisation) -> Scene:
    """Alice's documents at three stages, and Charlie's own: one sent, one waiting; the same customers for both."""
    scene.send(file(HERS[0]), file(HERS[1], TOWN), file(HERS[2], SILENT))
    theirs = Scene(organisation=rival, smtp=scene.smtp, chorus=scene.chorus)
    theirs.set_up()
    theirs.send(file("VC-1", seller=seller_of_the_other()), file("VC-2", SILENT, seller=seller_of_the_other()))
    work(wait=False)  # what both and the timetable have made due: nothing is left for the commands to do
    return scene


BY_THE_HOUSE = ("audit_trail_written", "control_run", "integrity_checked", "objects_kept")
"""What the timetable writes for everybody: a worker that a command has started may be at it."""


def picture(organisation: Organisation) -> Mapping[str, list[tuple[object, ...]]]:
    """Return every row of an organisation that a command could have changed."""
    with acting_for(organisation.id):
        told = {model.__name__: model.objects.all() for model in CHANGEABLE if model is not JournalEntry}
        told["JournalEntry"] = JournalEntry.objects.exclude(kind__in=BY_THE_HOUSE)
        return {name: sorted(rows.values_list(), key=str) for name, rows in told.items()}


def secrets_of(scene: Scene) -> set[str]:
    """Return what would tell something of Alice's: numbers, digests, references."""
    with acting_for(scene.organisation.id):
        told = {*HERS, scene.organisation.name, str(scene.organisation.id)}
        told |= set(Document.objects.values_list("original_sha256", flat=True))
        told |= {str(pk) for pk in Document.objects.values_list("id", flat=True)}
        told |= set(Delivery.objects.values_list("message_ref", flat=True))
    return told


def tried(tmp_path: Path, *, her_certificate: str) -> dict[tuple[str, ...], list[list[str]]]:
    """What is typed for each command, beside --organisation."""
    hers = tmp_path / "hers.json"
    hers.write_bytes(file(HERS[0]))  # her very file, which Charlie has got hold of
    folder = tmp_path / "watched"
    folder.mkdir()
    table = tmp_path / "customers.csv"
    table.write_text(f"reference,name,nature\n{FARMER.reference},Autre nom,taxable\nX-1,Nouveau,consumer\n")
    return {
        ("send",): [[str(hers)]],
        ("documents",): [[]],
        ("follow",): [[]],
        ("route",): [[HERS[2]], ["--batch", "1", "--on", "2027-09-01"]],
        ("returned",): [["-o", str(tmp_path / "retours.csv")]],
        ("auditor", "invite"): [["edith@cabinet.example", "--year", "2026", "--until", "2027-11-01"]],
        ("auditor", "revoke"): [["alice@trois-vallees.example"]],
        ("auditor", "list"): [[]],
        ("chain",): [[HERS[0]]],
        ("paf",): [["--output", str(tmp_path / "paf.pdf")]],
        ("controls",): [[], ["--run"], ["--json"]],
        ("integrity",): [[], ["--all"]],
        ("dossier",): [[HERS[0], "-o", str(tmp_path / "hers.zip")]],
        ("attest",): [["deposit", HERS[0], "-o", str(tmp_path / "hers.pdf")]],
        ("rebuild",): [["--check"]],
        ("series", "add"): [["F", "F-{year}-{n:05d}"]],
        ("series", "list"): [[]],
        ("payment", "add"): [[HERS[0], "--amount", "1.00", "--on", "2026-11-05", "--yes"]],
        ("token", "add"): [["banque"]],
        ("token", "list"): [[]],
        ("token", "revoke"): [["banque"], ["banque-a-elle"]],
        ("directory",): [["000000000"]],
        ("webhook", "add"): [["https://faitfoi.example"]],
        ("webhook", "list"): [[]],
        ("webhook", "remove"): [["00000000-0000-7000-8000-000000000000"]],
        ("payment", "list"): [[HERS[0]]],
        ("payment", "reverse"): [["00000000-0000-7000-8000-000000000000", "--yes"]],
        ("chorus", "structure"): [["00000000000000"], [TOWN.siret, "--service", "X"]],
        ("retention",): [[], ["invoice", "12"]],
        ("mail", "dkim"): [[]],
        ("mail", "preview"): [[HERS[0]]],
        ("mail", "notices"): [[], ["on"], ["off"]],
        ("mail", "webhook"): [["brevo"]],
        ("mail", "webhooks"): [[], ["--revoke", "00000000-0000-7000-8000-000000000000"]],
        ("mail", "pace"): [[]],
        ("mail", "files"): [[], ["--remove", "00000000-0000-7000-8000-000000000000"]],
        ("mail", "check"): [[]],
        ("mail", "attach"): [[str(table), "--customer", FARMER.reference], [str(table), "--batch", "1"]],
        ("mail", "addresses"): [[], ["--good", FARMER.email]],
        ("hold", "place"): [["--document", HERS[0], "--reason", "x"], ["--reason", "x"]],
        ("hold", "list"): [[]],
        ("hold", "lift"): [[HOLD, "--reason", "x", "--by", "charlie@val-clair.example"]],
        ("eliminate", "request"): [[HERS[0], "--reason", "x"], ["--reason", "x"]],
        ("eliminate", "list"): [[]],
        ("eliminate", "refuse"): [
            [HOLD, "--reason", "x"],
            [HOLD, "--reason", "x", "--by", "charlie@val-clair.example"],
        ],
        ("eliminate", "approve"): [[HOLD, "--by", "charlie@val-clair.example"]],
        ("watch",): [[str(folder), "--once"]],
        ("account", "add"): [["charlie2@val-clair.example"]],
        ("channel", "set"): [
            ["email", *(f"{k}={v}" for k, v in channel_settings(smtp_port=9, chorus_url="x")[ChannelKey.EMAIL].items())]
        ],
        ("customers", "import"): [[str(table)]],
        ("seal", "status"): [[]],
        ("seal", "rotate"): [[]],
        ("seal", "import"): [[str(table), "--password-file", str(table)]],
        ("seal", "compromised"): [[her_certificate]],
        ("seal", "use"): [["csc", "url=http://127.0.0.1:9", "credential=x", "token=x"]],
        ("seal", "choose"): [["--level", "B-B"]],
    }


def test_no_command_for_the_other_tells_or_touches_anything_of_hers(two: Scene, typist: Typist, tmp_path: Path) -> None:
    typed = tried(tmp_path, her_certificate=known_certificates(two.organisation.id)[0].fingerprint)
    assert set(typed) == commands_for_one_organisation(), "a command has come: say here what is typed for it"
    hidden, before = secrets_of(two), picture(two.organisation)

    for name, variants in typed.items():
        for words in variants:
            done = typist.type(*name, *words, "--organisation", OTHER)
            said = done.stdout + done.stderr
            assert "Traceback" not in said, said
            quoted = {*words, *KNOWN_FROM_THE_FILE} if name == ("send",) else set(words)  # he has seen that himself
            assert "déjà" not in said.lower()
            leaked = {secret for secret in hidden - quoted if secret in said}
            assert leaked == set(), f"{name} {words}: {said}"
    after = picture(two.organisation)
    assert {name: list(set(rows) ^ set(before[name])) for name, rows in after.items() if rows != before[name]} == {}


def test_her_own_documents_are_told_to_her_alone_and_to_the_operator(two: Scene, typist: Typist) -> None:
    def numbers(*words: str) -> set[tuple[str, str]]:
        done = typist.type("documents", "--json", *words)
        assert done.returncode == 0, done.stderr
        return {(row["organisation"], row["number"]) for row in map(json.loads, done.stdout.splitlines())}

    hers = {(two.organisation.slug, number) for number in HERS}
    theirs = {(OTHER, "VC-1"), (OTHER, "VC-2")}
    assert numbers("--organisation", two.organisation.slug) == hers
    assert numbers("--organisation", OTHER) == theirs
    assert numbers() == hers | theirs


def test_her_number_is_unknown_to_the_other(two: Scene, typist: Typist) -> None:
    done = typist.type("route", HERS[2], "--organisation", OTHER)
    assert done.returncode == 2
    assert "Aucune facture" in done.stderr
    mine = typist.type("route", HERS[2], "--organisation", two.organisation.slug)
    assert SILENT.name in mine.stderr


def test_with_several_organisations_a_command_asks_which(two: Scene, typist: Typist) -> None:
    done = typist.type("follow")
    assert done.returncode == 2
    assert "--organisation" in done.stderr
    assert typist.type("documents", "--organisation", "personne").returncode == 2


def test_the_same_customer_references_and_numbers_live_side_by_side(scene: Scene, rival: Organisation) -> None:
    with acting_for(rival.id):
        for buyer in EVERYBODY:
            register(rival, buyer)
        settings = channel_settings(smtp_port=scene.smtp.port, chorus_url="x")
        save_channel_settings(ChannelKey.EMAIL, settings[ChannelKey.EMAIL], actor=ACTOR)
    theirs = Scene(organisation=rival, smtp=scene.smtp, chorus=scene.chorus)
    one = scene.send(file("F-1"))
    other = theirs.send(file("F-1", seller=seller_of_the_other()))
    assert scene.counts(one).sent == theirs.counts(other).sent == 1
    assert len(scene.mails()) == 2
