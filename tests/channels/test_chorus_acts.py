"""Recycle, complete, acknowledge: three different acts, each admitted at one status, none done twice (A11, A12)."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from faitfoi.channels.chorus_pro import ChorusPro
from faitfoi.channels.chorus_pro_acts import tell_act
from faitfoi.channels.chorus_pro_codes import status_event
from faitfoi.channels.contract import (
    Act,
    Acting,
    Attachment,
    CannotTell,
    Found,
    NotFound,
    NotSent,
    OutcomeUnknown,
    Parcel,
    Refused,
    RemoteEvent,
)
from faitfoi.simulators.chorus_fields import Field
from faitfoi.simulators.chorus_shapes import REQUESTS
from tests.channels.chorus_documents import TOWN, Bill
from tests.channels.chorus_official import definitions, validate
from tests.channels.chorus_rig import Chorus, parcel

SHAPES = {
    "factures/v1/recycler": ("RecyclerFactureParam", "WsRetourRecyclerFacture"),
    "factures/v1/completer": ("CompleterFactureParam", "WsRetourCompleterFacture"),
    "factures/v1/traiterRejet": ("TraiterFacturesRejeteesParam", "WsRetour"),
}
ASKED = datetime(2026, 11, 21, 10, tzinfo=UTC)
SIGNED = Attachment(filename="bon-signe.pdf", media_type="application/pdf", content=b"%PDF-1.7 bon")


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """One act: the amount due that leads to its status, that status, what it takes, and where it leads."""

    kind: str
    due: str
    halt: str
    after: str
    values: Mapping[str, str] = field(default_factory=dict)
    files: tuple[Attachment, ...] = ()


CASES = (
    Case(
        kind="recycler",
        due="120.44",
        halt="A_RECYCLER",
        after="MISE_A_DISPOSITION",
        values={"code_service": "VOIRIE", "engagement": "EJ-9"},
    ),
    Case(
        kind="completer",
        due="120.13",
        halt="SUSPENDUE",
        after="COMPLETEE",
        values={"type": "bon de livraison", "commentaire": "Le voici."},
        files=(SIGNED,),
    ),
    Case(kind="traiterRejet", due="120.66", halt="REJETEE", after="REJETEE"),
)
each_case = pytest.mark.parametrize("case", CASES, ids=lambda case: case.kind)


@pytest.fixture
def chorus() -> Iterator[Chorus]:
    rig = Chorus()
    rig.command(
        "structures",
        structures=[{"siret": TOWN, "services": [{"code": "VOIRIE"}, {"code": "CLOS", "active": False}]}],
    )
    yield rig
    rig.stop()


def standing(chorus: Chorus, due: str) -> tuple[ChorusPro, Parcel]:
    """An invoice that has come to its first halt, two hours after its deposit."""
    channel = chorus.channel()
    one = parcel(Bill(due=due))
    one = replace(one, references=channel.send(one).references)
    chorus.advance(hours=2)
    return channel, one


def act(chorus: Chorus, kind: str, values: Mapping[str, str] = {}, files: tuple[Attachment, ...] = ()) -> Act:
    at = datetime.fromisoformat(chorus.control.get("/control/health").json()["now"])
    return Act(key=f"k:{kind}:1", kind=kind, at=at.astimezone(UTC), values=dict(values), attachments=files)


def told(chorus: Chorus) -> list[dict[str, Any]]:
    """What the simulator's own books say was done."""
    return list(chorus.control.get("/control/records").json()["told"])


@each_case
def test_each_act_moves_the_invoice_on_by_its_own_number(chorus: Chorus, case: Case) -> None:
    channel, one = standing(chorus, case.due)
    assert isinstance(channel, Acting)
    assert channel.poll(one)[-1].code == case.halt

    receipt = channel.act(one, act(chorus, case.kind, case.values, case.files))
    chorus.advance(minutes=10)

    assert receipt.references["identifiantFactureCPP"].isdigit()
    assert [(each["kind"], each["number"], each["files"]) for each in told(chorus)] == [
        (case.kind, one.number, len(case.files))
    ]
    statuses = [event.code for event in channel.poll(one) if event.identity.startswith("facture:")]
    assert statuses[-1] == case.after
    assert len(chorus.deposits) == 1


@each_case
@pytest.mark.parametrize("fault", ["lose_answer", "garbage", "down"])
def test_a_lost_answer_to_an_act_is_asked_about_and_never_repeated(chorus: Chorus, fault: str, case: Case) -> None:
    channel, one = standing(chorus, case.due)
    wanted = act(chorus, case.kind, case.values, case.files)
    assert isinstance(channel.acted(one, wanted), NotFound)
    chorus.fault(fault, on=case.kind, code="500" if fault == "down" else "")
    with pytest.raises(OutcomeUnknown):
        channel.act(one, wanted)
    chorus.advance(minutes=15)

    answer = channel.acted(one, wanted)
    if fault == "down":  # a 500 before anything was done
        assert isinstance(answer, NotFound)
        assert answer.conclusive is (case.kind == "traiterRejet")  # done twice, the others would not be the same
    else:
        assert isinstance(answer, Found)
        assert len(told(chorus)) == 1


def test_a_second_suspension_is_completed_anew(chorus: Chorus) -> None:
    channel, one = standing(chorus, "120.13")
    channel.act(one, act(chorus, "completer", {"commentaire": "Voici."}))
    chorus.advance(hours=1)
    flow = one.references["numeroFluxDepot"]
    chorus.command("state", flow=flow, status="SUSPENDUE", comment="Il manque encore le procès-verbal.")
    chorus.advance(hours=1)
    again = act(chorus, "completer", {"commentaire": "Le voici aussi."})

    assert isinstance(channel.acted(one, again), NotFound)
    channel.act(one, again)
    assert isinstance(channel.acted(one, again), Found)
    assert len(told(chorus)) == 2


def test_what_another_has_moved_on_meanwhile_is_for_a_person(chorus: Chorus) -> None:
    channel, one = standing(chorus, "120.13")
    wanted = act(chorus, "completer", {"commentaire": "Voici."})
    chorus.command("state", flow=one.references["numeroFluxDepot"], status="MANDATEE")
    answer = channel.acted(one, wanted)
    assert isinstance(answer, CannotTell)
    assert not answer.ask_again


@pytest.mark.parametrize(
    ("kind", "due", "values", "words"),
    [
        ("recycler", "120.00", {}, "statut"),
        ("recycler", "120.44", {"code_service": "CLOS"}, "actif"),
        ("recycler", "120.44", {"code_service": "RIEN"}, "RIEN"),
        ("completer", "120.13", {}, "commentaire"),
        ("traiterRejet", "120.13", {}, "statut"),
        ("inventer", "120.13", {}, "inventer"),
    ],
)
def test_what_chorus_does_not_admit_is_refused_with_its_words(
    chorus: Chorus, kind: str, due: str, values: dict[str, str], words: str
) -> None:
    channel, one = standing(chorus, due)
    with pytest.raises(Refused, match=words):
        channel.act(one, act(chorus, kind, values))
    assert told(chorus) == []


@pytest.mark.parametrize(
    ("filename", "content", "words"),
    [
        ("a" * 47 + ".pdf", b"x", "51 caractères"),
        ("macro.exe", b"x", "macro.exe"),
        ("sans-extension", b"x", "sans-extension"),
        ("vide.pdf", b"", "vide"),
        ("gros.pdf", b"x" * (10 * 1024 * 1024 + 1), "10,0 Mo"),
    ],
)
def test_a_file_that_is_not_admitted_never_touches_the_wire(
    chorus: Chorus, filename: str, content: bytes, words: str
) -> None:
    channel, one = standing(chorus, "120.13")
    chorus.fault("down", on="*", times=None)  # nobody may be asked anything but the search
    chorus.command("reset")
    one = replace(one, references={**one.references, "identifiantFactureCPP": "1"})
    file = Attachment(filename=filename, media_type="application/pdf", content=content)
    with pytest.raises(Refused, match=words):
        channel.act(one, act(chorus, "completer", {}, (file,)))
    assert chorus.simulator.state.files == {}


def test_a_silent_chorus_leaves_the_act_to_be_done(chorus: Chorus) -> None:
    channel, one = standing(chorus, "120.13")
    for where in ("rechercher/fournisseur", "recuperer/typespj", "ajouter/fichier"):
        chorus.fault("down", on=where)
        with pytest.raises(NotSent):
            channel.act(one, act(chorus, "completer", {}, (SIGNED,)))
    assert told(chorus) == []


def test_requests_and_answers_of_acts_keep_to_the_official_description(chorus: Chorus) -> None:
    official = definitions()["definitions"]
    seen = chorus.listen()
    for case in CASES:
        channel = chorus.channel()
        one = parcel(Bill(number=f"F-{case.kind}", due=case.due))
        one = replace(one, references=channel.send(one).references)
        chorus.advance(hours=2)
        channel.act(one, act(chorus, case.kind, case.values, case.files))

    for operation, (request, response) in SHAPES.items():
        ((_, body, said),) = [each for each in seen if each[0] == operation]
        validate(request, body)
        validate(response, said)
        assert set(body) <= set(official[request]["properties"])


def test_our_copy_of_the_fields_of_acts_is_the_official_one() -> None:
    official = definitions()["definitions"]

    def compare(ours: Mapping[str, Field], name: str) -> None:
        properties = official[name]["properties"]
        assert set(ours) <= set(properties)
        for name_, expected in ours.items():
            described = properties[name_]
            assert set(expected.values) <= set(described.get("enum", ()))
            inner = described.get("$ref") or described.get("items", {}).get("$ref")
            if inner:
                compare(expected.fields or {}, inner.rpartition("/")[2])

    for operation, (request, _) in SHAPES.items():
        compare(REQUESTS[operation], request)
    compare(REQUESTS["factures/v1/soumettre"], "SoumettreFactureParam")
    compare(REQUESTS["factures/v1/deposer/pdf"], "DeposerPdfFactureParam")


def history(*passed: tuple[str, int], by: str = "") -> list[RemoteEvent]:
    """An invoice's statuses, each so many seconds after the act was asked for; `by` did the last."""
    last = len(passed) - 1
    return [
        status_event(
            {"histoStatutUtilisateurEmail": by} if rank == last else {},
            invoice="7",
            code=code,
            at=ASKED + timedelta(seconds=seconds),
            comment="",
            issued=ASKED.date(),
        )
        for rank, (code, seconds) in enumerate(passed)
    ]


@pytest.mark.parametrize(
    ("kind", "passed", "by", "answer"),
    [
        ("recycler", [("MISE_A_DISPOSITION", -90), ("A_RECYCLER", -30)], "", NotFound),
        ("recycler", [("A_RECYCLER", -30), ("MISE_A_DISPOSITION", 30)], "", Found),
        ("recycler", [("A_RECYCLER", -30), ("MISE_A_DISPOSITION", 30)], "Tech@cpro.example", Found),
        ("recycler", [("A_RECYCLER", -30), ("MISE_A_DISPOSITION", 30)], "collegue@cooperative.example", CannotTell),
        ("recycler", [("A_RECYCLER", -30), ("ABANDONNEE", 30)], "", CannotTell),
        ("completer", [("SUSPENDUE", -99), ("COMPLETEE", -80), ("SUSPENDUE", -20)], "", NotFound),
        ("completer", [("SUSPENDUE", -20), ("COMPLETEE", 20), ("SUSPENDUE", 200)], "", Found),
        ("completer", [("SUSPENDUE", -20), ("MANDATEE", 20)], "", CannotTell),
    ],
)
def test_only_what_the_act_leads_to_after_its_halt_shows_that_it_was_done(
    kind: str, passed: list[tuple[str, int]], by: str, answer: type
) -> None:
    wanted = Act(key="k", kind=kind, at=ASKED)
    told = tell_act(history(*passed, by=by), wanted, number="F-1", invoice="7", account="tech@cpro.example")
    assert isinstance(told, answer)
