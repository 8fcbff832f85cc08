"""The words that go with an organisation's mail: ours, or its own; and how they will look."""

from collections.abc import Mapping, Sequence

from faitfoi.accounts.models import ChannelKey, Organisation
from faitfoi.accounts.tenancy import require_organisation
from faitfoi.channels.texts.catalogue import KINDS, LANGUAGES, TEXTS
from faitfoi.channels.texts.wording import BadText, Facts, Words, check_text, word
from faitfoi.pipeline.mail_languages import language_of, texts_of
from faitfoi.pipeline.parcels import written_amount
from faitfoi.pipeline.routing import PLATFORMS
from faitfoi.records.journal import write_entry
from faitfoi.records.models import Document, MailText
from faitfoi.records.stages import Purpose
from faitfoi.records.storable import storable

__all__ = ["CHOICES", "BadText", "check_text", "preview", "reset_text", "save_text", "text_in_use"]

CHOICES = [
    (f"{language}-{kind}", f"{KINDS[kind]}, en {LANGUAGES[language]}".capitalize())
    for language in LANGUAGES
    for kind in KINDS
]
"""Every text that can be changed, and its name."""


def text_in_use(language: str, kind: str) -> tuple[str, str, bool]:
    """Return the object, the text, and whether they are the organisation's own. Runs inside `acting_for`.

    Raises BadText for a language or a kind that has no words.
    """
    check_text(language, kind, "x", "x")
    own = texts_of(language).get(kind)
    subject, body = own or TEXTS[language, kind]
    return subject, body, own is not None


def save_text(language: str, kind: str, *, subject: str, body: str, actor: str) -> None:
    """Keep the organisation's own words, once they can be used. Runs inside `acting_for`. Raises BadText."""
    subject, body = storable(subject).strip(), storable(body).replace("\r\n", "\n").strip()
    check_text(language, kind, subject, body)
    row, _ = MailText.objects.update_or_create(
        organisation_id=require_organisation(),
        language=language,
        kind=kind,
        defaults={"subject": subject, "body": body},
    )
    write_entry("mail_text_changed", actor=actor, rows=[row], language=language, text=kind)


def reset_text(language: str, kind: str, *, actor: str) -> bool:
    """Go back to our words; False when they were in use already. Runs inside `acting_for`."""
    row = MailText.objects.filter(language=language, kind=kind).first()
    if row is None:
        return False
    write_entry("mail_text_changed", actor=actor, gone=[row], language=language, text=kind)
    row.delete()
    return True


def preview(
    organisation: Organisation,
    document: Document,
    *,
    language: str = "",
    purpose: str = "legal",
    others: Sequence[Document] = (),
    texts: Mapping[str, tuple[str, str]] | None = None,
) -> tuple[Words, str]:
    """Return the words that would go with a document, and a French sentence on their language. Inside `acting_for`.

    `others` are in the same message; `texts` are tried in the place of those that are kept.
    """
    wanted = language or language_of(document.customer)
    own = texts_of(wanted) if texts is None else texts
    told = [_facts(organisation, each, language=wanted, purpose=purpose, texts=own) for each in (document, *others)]
    words = word(told[0], told[1:])
    if words.language != wanted:
        return words, (
            f"Il n’y a pas de textes dans la langue « {wanted} » de ce client : le message part en "
            f"{LANGUAGES[words.language]}."
        )
    return words, f"Le message part en {LANGUAGES[wanted]}."


def _facts(
    organisation: Organisation,
    document: Document,
    *,
    language: str,
    purpose: str,
    texts: Mapping[str, tuple[str, str]],
) -> Facts:
    return Facts(
        document_kind=document.kind,
        purpose=purpose,
        number=document.number,
        issue_date=document.issue_date,
        seller_name=document.seller_name,
        seller_siret=organisation.siret,
        payable=written_amount(document.due, document.currency),
        annexes=("conditions-generales-de-vente.pdf",) if organisation.terms_sha256 and purpose == "legal" else (),
        can_answer=True,
        buyer_name=document.buyer_name,
        place=_place_of(document) if purpose == "notice" else "",
        language=language,
        texts=texts,
    )


def _place_of(document: Document) -> str:
    """Return by which platform a document went or, before any did, the one that most notices will name."""
    went = document.deliveries.filter(purpose=Purpose.LEGAL, channel__in=PLATFORMS).order_by("-sequence").first()
    return went.channel if went else ChannelKey.CHORUS_PRO
