"""What a customer's page foretells is what the next invoice does: the same decision, told beforehand."""

from datetime import date

import pytest

from faitfoi.accounts.models import ChannelKey, Organisation
from faitfoi.pipeline.outlook import Outlook, look_ahead
from faitfoi.records.models import Customer

BEFORE, AFTER = date(2026, 11, 21), date(2027, 9, 1)
ALL = frozenset({ChannelKey.EMAIL.value, ChannelKey.CHORUS_PRO.value})


def ahead(day: date = BEFORE, configured: frozenset[str] = ALL, copies: str = "", **fields: object) -> Outlook:
    """Look ahead for a customer who has an e-mail address and a SIRET, with `fields` in place of its own."""
    given = {"name": "Client", "nature": "taxable", "billing_email": "a@b.example", "siret": "00026411900017", **fields}
    organisation = Organisation(name="CUMA", copy_channel=copies)
    return look_ahead(organisation, Customer(**given), day=day, configured=configured)


def test_the_usual_channel_is_told_with_its_address_and_the_law_behind_it() -> None:
    told = ahead()
    assert (told.channel, told.address, told.missing) == (ChannelKey.EMAIL, "a@b.example", "")
    assert "01/09/2027" in told.why
    assert told.notes == ()


def test_the_day_the_law_changes_changes_the_channel() -> None:
    told = ahead(AFTER)
    assert told.channel is ChannelKey.PLATEFORME_AGREEE
    assert "pas encore réglé" in told.missing
    assert not told.record_lacks, "no record can mend the settings"


def test_what_is_missing_is_a_sentence_of_its_own_without_an_invoice() -> None:
    told = ahead(billing_email="")
    assert told.record_lacks
    assert told.missing.startswith("La fiche de Client n’a pas d’adresse e-mail")
    assert "facture  " not in told.missing
    assert told.why


def test_what_each_invoice_brings_along_is_asked_for_not_told_as_missing() -> None:
    told = ahead(nature="public", code_service_required=True, engagement_required=True)
    assert (told.channel, told.missing) == (ChannelKey.CHORUS_PRO, "")
    assert any("code service" in note for note in told.notes)
    assert any("BT-13" in note for note in told.notes)
    assert len(ahead(nature="public", code_service_required=True, code_service="X").notes) == 0


def test_a_choice_against_the_law_is_said_not_to_be_followed() -> None:
    told = ahead(nature="public", channel="email")
    assert told.channel is ChannelKey.CHORUS_PRO
    assert any("n’est pas suivi" in note for note in told.notes)


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"billing_email": ""}, "pas d’adresse e-mail"),
        ({"copy_channel": "post"}, "seulement par e-mail"),
        ({"configured": frozenset({"chorus_pro"})}, "pas encore réglé"),
    ],
)
def test_a_copy_that_will_not_leave_is_said(fields: dict[str, object], words: str) -> None:
    told = ahead(nature="public", copies="email", **fields)  # type: ignore[arg-type]
    assert told.copy is None
    assert any(words in note for note in told.notes)


def test_a_copy_that_leaves_is_told_with_its_address() -> None:
    told = ahead(nature="public", copies="email")
    assert told.copy is not None
    assert told.copy.address == "a@b.example"
    assert told.notes == ()
