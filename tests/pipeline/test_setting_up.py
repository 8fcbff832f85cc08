"""What the operator sets up is checked, journalled, and all or nothing."""

import pytest

from faitfoi.accounts.models import Organisation, Role, User
from faitfoi.accounts.tenancy import acting_for
from faitfoi.pipeline.setting_up import (
    CannotSetUp,
    add_account,
    change_customer,
    create_customer,
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
    assert add_account(rival, "nouvelle@trois-vallees.example", name="N", role=Role.MANAGER, actor="test") is None
    with pytest.raises(CannotSetUp, match="auditor invite"):
        add_account(rival, "edith@cabinet.example", name="E", role=Role.AUDITOR, actor="test")
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


def record(organisation: Organisation, **fields: object) -> Customer:
    """Return an unsaved record that can be right, with `fields` in place of its own."""
    return Customer(
        organisation=organisation, **{"reference": "C1", "name": "EARL Dupré", "nature": "taxable", **fields}
    )


def test_a_record_is_tidied_kept_and_journalled_without_its_contents(cooperative: Organisation) -> None:
    with acting_for(cooperative.id):
        made = record(
            cooperative, name=" EARL  Dupré ", siret="000 264 119 00017", country="fr", billing_email="a@b.example"
        )
        create_customer(made, actor="user:1")
        kept = Customer.objects.get()
        assert (kept.name, kept.search_key, kept.country) == ("EARL Dupré", "earl dupre", "FR")
        assert (kept.siren, kept.siret) == ("000264119", "00026411900017")
        change_customer(kept.id, {"billing_email": "c@d.example"}, actor="user:1")
        told = list(JournalEntry.objects.order_by("id").values_list("kind", "body"))
    assert [kind for kind, _ in told] == ["customer_created", "customer_changed"]
    assert "billing_email" in told[1][1]
    assert not any("@" in body or "Dupr" in body for _, body in told), "the journal must not know people"


@pytest.mark.parametrize(
    ("fields", "wrong"),
    [
        ({"name": " ", "reference": "", "nature": ""}, {"name", "reference", "nature"}),
        ({"siren": "000264110"}, {"siren"}),
        ({"siren": "000264119", "siret": "00000071100010"}, {"siret"}),
        ({"siret": "123"}, {"siret"}),
        ({"billing_email": "pas une adresse"}, {"billing_email"}),
        ({"country": "F"}, {"country"}),
        ({"nature": "foreign"}, {"country"}),
        ({"siren": "000264119", "vat_number": "FR66000000018"}, {"vat_number"}),
        ({"siren": "1", "country": "", "billing_email": "x"}, {"siren", "country", "billing_email"}),
    ],
)
def test_every_wrong_field_is_named_with_its_sentence_and_nothing_is_kept(
    cooperative: Organisation, fields: dict[str, object], wrong: set[str]
) -> None:
    with acting_for(cooperative.id):
        with pytest.raises(CannotSetUp) as refused:
            create_customer(record(cooperative, **fields), actor="test")
        assert set(refused.value.problems) == wrong
        assert all(refused.value.problems.values())
        assert not Customer.objects.exists()
        assert not JournalEntry.objects.exists()


def test_a_reference_is_one_customers_only(cooperative: Organisation) -> None:
    with acting_for(cooperative.id):
        create_customer(record(cooperative), actor="test")
        other = record(cooperative, name="GAEC du Lac", reference="C2")
        create_customer(other, actor="test")
        with pytest.raises(CannotSetUp, match="EARL Dupré") as refused:
            change_customer(other.id, {"reference": "C1"}, actor="test")
        assert set(refused.value.problems) == {"reference"}
        assert Customer.objects.get(id=other.id).reference == "C2"
