"""What the operator sets up: organisations, accounts, channels, customers; journalled, and nothing is sent."""

import csv
import secrets
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from uuid import UUID

from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction
from stdnum.exceptions import ValidationError as BadNumber
from stdnum.fr import siren as siren_number
from stdnum.fr import siret as siret_number

from faitfoi.accounts.models import ChannelKey, Membership, Organisation, Role, User
from faitfoi.accounts.tenancy import acting_for
from faitfoi.channels.chorus_pro_submission import Mode
from faitfoi.channels.registry import CHANNELS, open_channel
from faitfoi.intake.imap_returns import read_mailbox_settings
from faitfoi.pipeline.customers import fold
from faitfoi.pipeline.due import channel_changed_later
from faitfoi.pipeline.seal_keys import ensure_seal_key
from faitfoi.records.journal import shares, write_entry
from faitfoi.records.models import Customer, Document
from faitfoi.records.stages import GroupingWish, Nature, NoticeWish
from faitfoi.records.vault import channel_settings, save_channel_settings

COLUMNS = (
    "reference",
    "name",
    "nature",
    "siren",
    "siret",
    "vat_number",
    "country",
    "billing_email",
    "electronic_address",
    "channel",
    "copy_channel",
    "code_service",
    "code_service_required",
    "engagement_required",
    "language",
    "notice",
    "grouping",
    "chorus_deposit",
)
REQUIRED = ("reference", "name", "nature")
ASKED = {
    "reference": "Donnez-lui une référence, par exemple son numéro de compte client.",
    "name": "Donnez le nom du client, tel qu’il figure sur ses factures.",
    "nature": "Dites ce qu’est ce client : la loi en fait dépendre l’envoi.",
}
FLAGS = frozenset({"code_service_required", "engagement_required"})
KEPT = ("dkim", "dkim_key", "dkim_selector")
YES, NO = frozenset({"oui", "1", "true", "vrai"}), frozenset({"non", "0", "false", "faux", ""})


class CannotSetUp(ValueError):
    """What was given does not serve; the text is a French sentence that names the field, the value and the remedy.

    `problems` holds one such sentence by field of the record, for a form that shows each beside its field.
    """

    def __init__(self, text: str, *, problems: Mapping[str, str] | None = None) -> None:
        super().__init__(text)
        self.problems = dict(problems or {})


@dataclass(frozen=True, slots=True, kw_only=True)
class Imported:
    """How many customers a file created and updated."""

    created: int
    updated: int


def create_organisation(fields: Mapping[str, object], *, actor: str) -> Organisation:
    """Create an organisation and its seal key. Raises CannotSetUp."""
    organisation = Organisation(**fields)
    check_siren(organisation.siren)
    if organisation.siret:
        check_siret(organisation.siret, siren=organisation.siren)
    with acting_for(organisation.id):
        try:
            organisation.full_clean(validate_unique=False, validate_constraints=False)
            with transaction.atomic():
                organisation.save(force_insert=True)
        except ValidationError as error:
            name, messages = next(iter(error.message_dict.items()))
            raise CannotSetUp(f"L’organisation ne peut pas être créée — {name} : {' '.join(messages)}") from error
        except IntegrityError as error:
            raise CannotSetUp(
                f"Le nom court « {organisation.slug} » est déjà pris : choisissez-en un autre."
            ) from error
        write_entry("organisation_created", actor=actor, rows=[organisation])
    ensure_seal_key(organisation)
    return organisation


def add_account(organisation: Organisation, email: str, *, name: str, role: Role, actor: str) -> str | None:
    """Give a person access to an organisation; returns the password made for a new account, None for a known one."""
    address = email.strip().lower()
    if address.count("@") != 1:
        raise CannotSetUp(f"« {email} » n’est pas une adresse e-mail : donnez-en une de la forme nom@domaine.")
    if role is Role.AUDITOR:
        raise CannotSetUp(
            "Un auditeur reçoit un accès à certains exercices, pour un temps : faitfoi auditor invite ADRESSE "
            "--year AAAA --until AAAA-MM-JJ"
        )
    with acting_for(organisation.id):
        user, password = account_of(address, name=name)
        membership, _ = Membership.objects.update_or_create(
            organisation=organisation, user=user, defaults={"role": role}
        )
        write_entry("account_added", actor=actor, rows=[user, membership], user=str(user.id), role=role.value)
    return password


def account_of(address: str, *, name: str) -> tuple[User, str | None]:
    """Return whose account has this address, and the password made for it when it is new. Runs inside `acting_for`."""
    known = User.objects.filter(email=address).first()
    if known is not None:
        return known, None
    password = secrets.token_urlsafe(12)
    return User.objects.create_user(address, password, name=name), password


def set_channel(organisation: Organisation, channel: str, values: dict[str, str], *, actor: str) -> None:
    """Keep a channel's settings, once the channel itself finds them usable. Raises CannotSetUp.

    The key that signs mail is not typed: it stays unless another is given.
    """
    if channel not in CHANNELS:
        raise CannotSetUp(f"Le canal « {channel} » n’existe pas encore : choisissez parmi {', '.join(CHANNELS)}.")
    try:
        open_channel(channel, values).close()
        read_mailbox_settings(values)
    except ValueError as error:
        raise CannotSetUp(str(error)) from error
    with acting_for(organisation.id):
        known = channel_settings(channel) or {}
        kept = {name: known[name] for name in KEPT if name in known}
        save_channel_settings(ChannelKey(channel), kept | values, actor=actor)
        channel_changed_later(organisation.id, channel, actor=actor)


def import_customers(organisation: Organisation, lines: Iterable[str], *, actor: str) -> Imported:
    """Create or update customers from CSV lines (header of COLUMNS, `;` or `,`): all of them, or none.

    Raises CannotSetUp naming the line, the column, the value and the remedy.
    """
    text = list(lines)
    if not text:
        raise CannotSetUp(f"Le fichier est vide : sa première ligne doit nommer les colonnes ({', '.join(COLUMNS)}).")
    delimiter = ";" if text[0].count(";") >= text[0].count(",") else ","
    reader = csv.DictReader([text[0].lstrip("\ufeff"), *text[1:]], delimiter=delimiter)
    unknown = set(reader.fieldnames or ()) - set(COLUMNS)
    absent = set(REQUIRED) - set(reader.fieldnames or ())
    if unknown or absent:
        raise CannotSetUp(
            f"Colonnes : il manque {', '.join(sorted(absent)) or 'rien'} ; inconnues : "
            f"{', '.join(sorted(unknown)) or 'aucune'}. Les colonnes possibles sont {', '.join(COLUMNS)}."
        )
    created = updated = 0
    written: list[Customer] = []
    with acting_for(organisation.id):
        for number, row in enumerate(reader, start=2):
            fields = _customer_fields(organisation, row, line=number)
            customer, is_new = Customer.objects.update_or_create(
                organisation=organisation, reference=fields.pop("reference"), defaults=fields
            )
            created, updated = created + is_new, updated + (not is_new)
            written.append(customer)
        for some in shares(written):
            write_entry("customers_imported", actor=actor, rows=some, customers=len(some))
    return Imported(created=created, updated=updated)


def create_customer(customer: Customer, *, actor: str, document_id: UUID | None = None) -> None:
    """Write a new customer's record, also that of the document named. Runs inside `acting_for`. Raises CannotSetUp."""
    _keep_customer(customer)
    write_entry("customer_created", actor=actor, rows=[customer], customer=str(customer.id))
    if document_id is not None:
        choose_customer(document_id, customer, actor=actor)


def change_customer(customer_id: UUID, fields: Mapping[str, object], *, actor: str) -> None:
    """Change fields of one customer's record. Runs inside `acting_for`. Raises CannotSetUp."""
    customer = Customer.objects.get(id=customer_id)
    for name, value in fields.items():
        setattr(customer, name, value)
    _keep_customer(customer)
    write_entry("customer_changed", actor=actor, rows=[customer], customer=str(customer_id), fields=sorted(fields))


def choose_customer(document_id: UUID, customer: Customer, *, actor: str) -> bool:
    """Say whose a waiting document is, when nobody matched; False when it has its customer. Runs inside `acting_for`.

    Nothing is sent: the document goes on waiting until somebody routes it again.
    """
    nobody = Document.objects.filter(id=document_id, customer=None).exclude(waiting_for="")
    if not nobody.update(customer=customer):
        return False
    document = Document.objects.get(id=document_id)
    write_entry("customer_chosen", actor=actor, document_id=document_id, rows=[document], customer=str(customer.id))
    return True


def check_customer(customer: Customer) -> None:
    """Raise CannotSetUp when a record cannot be right: its text is the first problem, `problems` has them all."""
    problems = _problems(customer)
    if problems:
        name, sentence = next(iter(problems.items()))
        raise CannotSetUp(f"{customer.name or 'Ce client'} — {name} : {sentence}", problems=problems)


def _problems(customer: Customer) -> dict[str, str]:
    """Return a French sentence for each field of a record that cannot be right."""
    found = {name: sentence for name, sentence in ASKED.items() if not getattr(customer, name)}
    try:
        customer.full_clean(exclude={"search_key"}, validate_unique=False, validate_constraints=False)
    except ValidationError as error:
        found = {name: " ".join(messages) for name, messages in error.message_dict.items()} | found
    if customer.billing_email and "billing_email" in found:
        found["billing_email"] = f"« {customer.billing_email} » n’est pas une adresse de la forme nom@domaine."
    for name, check in (("siren", check_siren), ("siret", check_siret)):
        number = getattr(customer, name)
        try:
            if number:
                check(number)
        except CannotSetUp as error:
            found[name] = str(error)
    if customer.siren and customer.siret and not found.keys() & {"siren", "siret"}:
        try:
            check_siret(customer.siret, siren=customer.siren)
        except CannotSetUp as error:
            found["siret"] = str(error)
    if "country" not in found and not (len(customer.country) == 2 and customer.country.isascii()):
        found["country"] = f"« {customer.country} » n’est pas un code de pays : deux lettres, FR ou BE par exemple."
    if customer.nature == Nature.FOREIGN and customer.country == "FR":
        found["country"] = "Un client établi à l’étranger a un autre pays que FR : donnez-le, ou changez sa nature."
    for name, known in (("notice", NoticeWish), ("grouping", GroupingWish), ("chorus_deposit", Mode)):
        words = [each.value for each in known if each.value]
        if getattr(customer, name) not in ("", *words):
            found[name] = f"« {getattr(customer, name)[:20]} » n’existe pas : écrivez {', '.join(words)}, ou rien."
    vat = customer.vat_number
    if customer.siren and vat.startswith("FR") and not vat.endswith(customer.siren):
        found["vat_number"] = f"Le numéro « {vat} » ne finit pas par le SIREN « {customer.siren} » : l’un est faux."
    return found


def _keep_customer(customer: Customer) -> None:
    """Tidy, check and save a record. Raises CannotSetUp."""
    customer.reference, customer.name = " ".join(customer.reference.split()), " ".join(customer.name.split())
    for name in ("siren", "siret", "vat_number", "country"):
        setattr(customer, name, "".join(getattr(customer, name).split()).upper())
    if len(customer.siret) == 14 and not customer.siren:
        customer.siren = customer.siret[:9]
    customer.search_key = fold(customer.name)[:200]
    check_customer(customer)
    try:
        with transaction.atomic():
            customer.save()
    except IntegrityError as error:
        holder = Customer.objects.exclude(id=customer.id).get(reference=customer.reference)
        sentence = f"La référence « {customer.reference} » est déjà celle de {holder.name} : donnez-en une autre."
        raise CannotSetUp(sentence, problems={"reference": sentence}) from error


def check_siren(siren: str) -> None:
    """Raise CannotSetUp when a SIREN is not nine digits with the right key."""
    try:
        siren_number.validate(siren)
    except BadNumber as error:
        raise CannotSetUp(
            f"Le SIREN « {siren} » n’est pas valable (9 chiffres, clé comprise). Vérifiez-le sur un extrait Kbis."
        ) from error


def check_siret(siret: str, *, siren: str = "") -> None:
    """Raise CannotSetUp when a SIRET is not fourteen digits with the right key, or belongs to another SIREN."""
    try:
        siret_number.validate(siret)
    except BadNumber as error:
        raise CannotSetUp(f"Le SIRET « {siret} » n’est pas valable (14 chiffres, clé comprise).") from error
    if siren and not siret.startswith(siren):
        raise CannotSetUp(f"Le SIRET « {siret} » n’est pas un établissement du SIREN « {siren} ».")


def _customer_fields(organisation: Organisation, row: Mapping[str, str | None], *, line: int) -> dict[str, object]:
    fields: dict[str, object] = {}
    for name, value in row.items():
        text = (value or "").strip()
        if name in REQUIRED and not text:
            raise CannotSetUp(f"Ligne {line}, colonne {name} : la valeur manque. Complétez-la.")
        if name in FLAGS:
            if text.lower() not in YES | NO:
                raise CannotSetUp(f"Ligne {line}, colonne {name} : « {text} » ; écrivez oui ou non.")
            fields[name] = text.lower() in YES
        elif text:
            fields[name] = "".join(text.split()) if name in {"siren", "siret", "vat_number"} else text
    fields["search_key"] = fold(str(fields["name"]))[:200]
    if fields["nature"] not in Nature.values:
        raise CannotSetUp(
            f"Ligne {line}, colonne nature : « {fields['nature']} » ; choisissez parmi {', '.join(Nature.values)}."
        )
    try:
        check_customer(Customer(organisation=organisation, **fields))
    except CannotSetUp as error:
        raise CannotSetUp(f"Ligne {line} : {error}") from error
    return fields
