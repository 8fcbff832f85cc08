"""What is handed to Chorus Pro, and what is refused before the wire is touched."""

from collections.abc import Iterator
from dataclasses import replace

import pytest

from faitfoi.channels.chorus_pro import ChorusPro
from faitfoi.channels.contract import Attachment, Refused
from faitfoi.channels.http_wire import Environment
from tests.channels.chorus_documents import Bill
from tests.channels.chorus_rig import Chorus, parcel


@pytest.fixture
def chorus() -> Iterator[Chorus]:
    rig = Chorus()
    yield rig
    rig.stop()


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"client_secret": ""}, "client_secret"),
        ({"api_url": "https://api.piste.gouv.fr/cpro"}, "ne vont pas ensemble"),
        ({"api_url": "http://api.piste.gouv.fr/cpro"}, "n’est pas une adresse de Chorus Pro connue"),
        ({"token_url": "https://pirate.example/api/oauth/token"}, "n’est pas une adresse de Chorus Pro connue"),
        ({"avec_signature": "peut-être"}, "true ou false"),
        ({"timeout": "dix"}, "des secondes"),
    ],
)
def test_impossible_settings_are_named_in_french(chorus: Chorus, settings: dict[str, str], words: str) -> None:
    """Complaint B25."""
    with pytest.raises(ValueError, match=words):
        ChorusPro(chorus.settings(**settings))


@pytest.mark.parametrize(
    ("api", "token", "environment"),
    [
        ("https://api.piste.gouv.fr/cpro", "https://oauth.piste.gouv.fr/api/oauth/token", Environment.PRODUCTION),
        (
            "https://sandbox-api.piste.gouv.fr/cpro",
            "https://sandbox-oauth.piste.gouv.fr/api/oauth/token",
            Environment.QUALIFICATION,
        ),
        ("http://127.0.0.1:1/cpro", "http://127.0.0.1:1/api/oauth/token", Environment.SIMULATOR),
    ],
)
def test_the_environment_is_read_from_the_addresses(
    chorus: Chorus, api: str, token: str, environment: Environment
) -> None:
    """Complaint B25."""
    assert chorus.channel(api_url=api, token_url=token).environment is environment


def test_too_big_a_file_never_touches_the_wire(chorus: Chorus) -> None:
    with pytest.raises(Refused, match=r"10,0 Mo .* admet 10"):
        chorus.channel().send(parcel(content=b"%PDF-" + bytes(10 * 1024 * 1024)))
    assert chorus.deposits == []


def test_a_file_of_the_largest_size_is_taken(chorus: Chorus) -> None:
    chorus.channel().send(parcel(content=b"%PDF-" + bytes(10 * 1024 * 1024 - 5)))
    assert chorus.deposits[0]["size"] == 10 * 1024 * 1024


def test_a_document_of_another_kind_is_refused_before_the_wire(chorus: Chorus) -> None:
    for media_type, content in (("text/plain", b"Facture"), ("application/xml", b"<facture/>"), ("text/xml", b"<")):
        with pytest.raises(Refused, match="il lui faut un PDF Factur-X"):
            chorus.channel().send(parcel(content=content, media_type=media_type))
    assert chorus.deposits == []


@pytest.mark.parametrize(
    ("filename", "name"),
    [
        ("F-2026-117.pdf", "F-2026-117.pdf"),
        ("Fromagerie « L’Étoile » " + "x" * 80 + ".pdf", "Fromagerie_L_toile_" + "x" * 27 + ".pdf"),
        ("..\\..\\a.pdf", "a.pdf"),
        ("é.pdf", "F-2026-117.pdf"),
        ("facture." + "p" * 60, "facture.pdf"),
    ],
)
def test_the_deposited_file_has_a_plain_name_of_50_characters_at_most(chorus: Chorus, filename: str, name: str) -> None:
    one = parcel()
    chorus.channel().send(replace(one, artefact=replace(one.artefact, filename=filename)))
    assert chorus.deposits[0]["name"] == name
    assert len(name) <= 50


def test_annexes_that_were_not_carried_are_told(chorus: Chorus) -> None:
    terms = Attachment(filename="cgv.pdf", media_type="application/pdf", content=b"%PDF-")
    receipt = chorus.channel().send(parcel(annexes=(terms,)))
    assert "Les pièces jointes n’ont pas été transmises" in receipt.detail


def test_a_sealed_deposit_is_announced_only_when_the_setting_says_so(chorus: Chorus) -> None:
    chorus.channel(avec_signature="true").send(parcel())
    chorus.channel().send(parcel(Bill(number="F-2026-118")))
    assert [deposit["signed"] for deposit in chorus.deposits] == [True, False]
