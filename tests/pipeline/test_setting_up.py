"""What the operator sets up is checked, journalled, and all or nothing."""

import pytest

from faitfoi.accounts.models import Organisation, Role, User
from faitfoi.accounts.tenancy import acting_for
from faitfoi.pipeline.setting_up import (
    CannotSetUp,
    add_account,
    create_organisation,
    import_customers,
    set_channel,
)
from faitfoi.records.models import ChannelSettings, Customer, JournalEntry
from faitfoi.records.vault import channel_settings

pytestmark = pytest.mark.django_db
HEADER = "reference;name;nature;siren;billing_email;engagement_required"
MAIL = {"host": "127.0.0.1", "sender_address": "factures@trois-vallees.example", "password": "s3cret-of-the-relay"}


def test_an_organisation_needs_a_right_siren_and_a_free_name() -> None:
    made = create_organisation({"slug": "essai", "name": "Essai", "siren": "000261370"}, actor="test")
    with acting_for(made.id):
        assert Organisation.objects.get().name == "Essai"
        assert JournalEntry.objects.filter(kind="organisation_created").exists()
    with pytest.raises(CannotSetUp, match="000261371"):
        create_organisation({"slug": "autre", "name": "Autre", "siren": "000261371"}, actor="test")
    with pytest.raises(CannotSetUp, match="essai"):
        create_organisation({"slug": "essai", "name": "Bis", "siren": "000261370"}, actor="test")
    with pytest.raises(CannotSetUp, match="slug"):
        create_organisation({"slug": "pas un nom", "name": "Bis", "siren": "000261370"}, actor="test")


def test_a_new_account_gets_a_password_and_a_known_one_keeps_its_own(
    cooperative: Organisation, rival: Organisation
) -> None:
    password = add_account(cooperative, "Nouvelle@trois-vallees.example", name="N", role=Role.CLERK, actor="test")
    assert password
    assert User.objects.get(email="nouvelle@trois-vallees.example").check_password(password)
    assert add_account(rival, "nouvelle@trois-vallees.example", name="N", role=Role.AUDITOR, actor="test") is None
    with pytest.raises(CannotSetUp, match="adresse"):
        add_account(cooperative, "sans-arobase", name="", role=Role.CLERK, actor="test")


def test_channel_settings_are_tried_then_kept_encrypted(cooperative: Organisation) -> None:
    set_channel(cooperative, "email", MAIL, actor="test")
    with acting_for(cooperative.id):
        assert channel_settings("email") == MAIL
        assert b"s3cret-of-the-relay" not in bytes(ChannelSettings.objects.get().sealed_values)
        assert "s3cret" not in "".join(JournalEntry.objects.values_list("body", flat=True))
    with pytest.raises(CannotSetUp, match="host"):
        set_channel(cooperative, "email", {"sender_address": "a@b.example"}, actor="test")
    with pytest.raises(CannotSetUp, match="pigeon"):
        set_channel(cooperative, "pigeon", {}, actor="test")


def test_customers_come_from_a_file_and_again_update_them(cooperative: Organisation) -> None:
    lines = ["\ufeff" + HEADER, "C1;EARL Dupré;taxable;000264119;compta@dupre.example;non", "C2;Commune;public;;;oui"]
    assert import_customers(cooperative, lines, actor="test").created == 2
    again = import_customers(cooperative, [HEADER, "C1;EARL Dupré et fils;taxable;000264119;;"], actor="test")
    assert (again.created, again.updated) == (0, 1)
    with acting_for(cooperative.id):
        first = Customer.objects.get(reference="C1")
        assert (first.name, first.search_key) == ("EARL Dupré et fils", "earl dupre et fils")
        assert first.billing_email == "compta@dupre.example"
        assert Customer.objects.get(reference="C2").engagement_required


@pytest.mark.parametrize(
    ("lines", "words"),
    [
        ([], "vide"),
        (["reference;nom;nature"], "name"),
        ([HEADER, "C1;A;inconnue;;;"], "Ligne 3, colonne nature"),
        ([HEADER, "C1;A;taxable;000264110;;"], "000264110"),
        ([HEADER, "C1;A;taxable;;pas-une-adresse;"], "billing_email"),
        ([HEADER, "C1;A;taxable;;;peut-être"], "engagement_required"),
        ([HEADER, ";A;taxable;;;"], "colonne reference"),
    ],
)
def test_a_wrong_line_is_named_and_nothing_is_kept(cooperative: Organisation, lines: list[str], words: str) -> None:
    good = "C9;Bonne;consumer;;;"
    with pytest.raises(CannotSetUp, match=words):
        import_customers(cooperative, [lines[0], good, *lines[1:]] if len(lines) > 1 else lines, actor="test")
    with acting_for(cooperative.id):
        assert not Customer.objects.exists()
