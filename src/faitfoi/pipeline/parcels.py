"""What travels: the artefact's very bytes, the envelope, and the channel's settings."""

from collections.abc import Callable
from decimal import Decimal

from django.conf import settings
from django.utils.crypto import salted_hmac

from faitfoi.accounts.models import ChannelKey, Organisation
from faitfoi.channels.contract import NOTHING, Attachment, NotSent, Parcel
from faitfoi.evidence.shelf import ObjectAltered, ObjectMissing
from faitfoi.intake.bounces import signed_reference, verp_address
from faitfoi.pipeline.archive import fetch
from faitfoi.pipeline.mail_files import files_along
from faitfoi.pipeline.mail_languages import language_of, texts_of
from faitfoi.pipeline.notices import place_of_invoice
from faitfoi.pipeline.processing_rules import processing_rule
from faitfoi.records.models import Delivery
from faitfoi.records.stages import Purpose

PDF = "application/pdf"


def build_parcel(
    delivery: Delivery,
    channel_settings: dict[str, str],
    *,
    words: Callable[[str], dict[str, tuple[str, str]]] = texts_of,
) -> Parcel:
    """Gather all that the channel needs to carry this delivery once. Runs inside `acting_for`.

    `words` gives the organisation's own texts in a language, where they have been read already.
    Raises NotSent when the archive no longer gives the artefact's very bytes: nothing else may go in its place.
    """
    document, organisation = delivery.document, delivery.organisation
    try:
        artefact = _artefact(delivery)
        annexes = _annexes(organisation, delivery)
    except (ObjectMissing, ObjectAltered) as error:
        raise NotSent(
            f"L’archive ne rend plus le fichier à envoyer ({delivery.artefact.filename}) : lancez « faitfoi fsck ».",
            precondition=True,
        ) from error
    return Parcel(
        key=delivery.key,
        message_ref=delivery.message_ref,
        number=document.number,
        issue_date=document.issue_date,
        document_kind=document.kind,
        seller_name=document.seller_name,
        seller_siret=organisation.siret,
        seller_siren=document.seller_siren,
        buyer_name=document.buyer_name,
        address=delivery.address,
        artefact=artefact,
        annexes=annexes,
        settings=_settings_for(delivery, channel_settings),
        purpose=delivery.purpose,
        place=place_of_invoice(delivery) if delivery.purpose == Purpose.NOTICE else "",
        payable=written_amount(document.due, document.currency),
        return_path=_return_path(delivery, channel_settings),
        envelope_id=_envelope_id(delivery),
        references=dict(delivery.references),
        customer=str(document.customer_id or ""),
        language=language_of(document.customer),
        processing_rule=processing_rule(document) if delivery.channel == ChannelKey.PLATEFORME_AGREEE else "",
        texts=words(language_of(document.customer)) if delivery.channel == ChannelKey.EMAIL else {},
    )


def return_secret() -> bytes:
    """Return the secret that signs return addresses, derived from the installation's own."""
    return salted_hmac("faitfoi.returns", "verp", secret=settings.SECRET_KEY, algorithm="sha256").digest()


def _artefact(delivery: Delivery) -> Attachment:
    """The artefact's very bytes; nothing for a notice. Raises ObjectMissing or ObjectAltered."""
    if delivery.purpose == Purpose.NOTICE:
        return NOTHING
    named = delivery.artefact
    content = fetch(delivery.organisation_id, named.sha256)
    return Attachment(filename=named.filename, media_type=named.media_type, content=content)


def _settings_for(delivery: Delivery, channel_settings: dict[str, str]) -> dict[str, str]:
    """The channel's settings, the customer's own way of depositing over the organisation's (complaint A2)."""
    customer = delivery.document.customer
    if delivery.channel == ChannelKey.CHORUS_PRO and customer is not None and customer.chorus_deposit:
        return {**channel_settings, "depot": customer.chorus_deposit}
    return channel_settings


def _annexes(organisation: Organisation, delivery: Delivery) -> tuple[Attachment, ...]:
    """The terms of sale go with an e-mailed invoice, by themselves (mission A); what was joined, with its copy too."""
    if delivery.channel != ChannelKey.EMAIL or delivery.purpose == Purpose.NOTICE:
        return ()
    if not organisation.terms_sha256 or delivery.purpose != Purpose.LEGAL:
        return files_along(delivery)
    content = fetch(organisation.id, organisation.terms_sha256)
    terms = Attachment(filename="conditions-generales-de-vente.pdf", media_type=PDF, content=content)
    return (terms, *files_along(delivery))


def _return_path(delivery: Delivery, channel_settings: dict[str, str]) -> str:
    domain = channel_settings.get("return_domain", "")
    if delivery.channel != ChannelKey.EMAIL or not domain:
        return ""
    return verp_address(delivery.message_ref, domain=domain, secret=return_secret())


def _envelope_id(delivery: Delivery) -> str:
    if delivery.channel != ChannelKey.EMAIL:
        return ""
    return signed_reference(delivery.message_ref, secret=return_secret())


def written_amount(amount: Decimal, currency: str) -> str:
    """Write an amount as French does: « 1 234,56 € »."""
    grouped = f"{amount:,.2f}".replace(",", "\u202f").replace(".", ",")
    return f"{grouped}\u00a0{'€' if currency == 'EUR' else currency}"
