"""What Chorus Pro is given: the sealed Factur-X, or plain CII or UBL where the channel's settings ask for it.

The XML is written from the very invoice that the Factur-X would hold, read again, and judged before anything leaves.
"""

from faitfoi.accounts.models import ChannelKey, Organisation
from faitfoi.accounts.tenancy import acting_for
from faitfoi.channels.chorus_pro_settings import FlowFormat, read_format
from faitfoi.channels.chorus_pro_submission import Mode, read_mode
from faitfoi.einvoice.checking import check
from faitfoi.einvoice.chorus import for_chorus
from faitfoi.einvoice.conversion import Target, convert
from faitfoi.einvoice.findings import Severity
from faitfoi.einvoice.model import Invoice
from faitfoi.einvoice.rules.chorus_pack import check_chorus
from faitfoi.pipeline.customers import seller_siret, service_code
from faitfoi.pipeline.installation import today
from faitfoi.pipeline.judging import Refusal, Verdict
from faitfoi.pipeline.sealing import CannotSeal
from faitfoi.records.models import Customer
from faitfoi.records.vault import VaultClosed, channel_settings

TARGETS = {FlowFormat.CII: Target.CII, FlowFormat.UBL: Target.UBL}


def format_for(organisation: Organisation, customer: Customer) -> FlowFormat:
    """Return how the invoice is written for Chorus Pro: XML alone only where it goes as flow.

    Raises CannotSeal while the settings cannot be opened: the seal key is under the same lock, so the line waits.
    """
    try:
        with acting_for(organisation.id):
            settings = channel_settings(ChannelKey.CHORUS_PRO) or {}
        mode = read_mode(customer.chorus_deposit or settings.get("depot", ""))
        return read_format(settings.get("format_flux", "")) if mode is Mode.FLOW else FlowFormat.FACTURX
    except (ValueError, VaultClosed) as error:
        raise CannotSeal(str(error)) from error


def invoice_for_chorus(organisation: Organisation, verdict: Verdict) -> Invoice:
    """Return the same invoice with the identifiers that legacy Chorus expects (SIRET as legal identifier).

    Raises Refusal for what Chorus Pro is known to refuse.
    """
    customer = verdict.customer
    assert customer is not None  # noqa: S101  # a Decision needs a customer
    try:
        invoice = for_chorus(
            verdict.invoice,
            seller_siret=seller_siret(verdict.invoice) or organisation.siret,
            buyer_siret=customer.siret,
            service_code=service_code(customer, verdict.invoice),
            engagement=verdict.engagement or verdict.invoice.purchase_order_reference,
        )
    except ValueError as error:
        raise Refusal(str(error)) from error
    if findings := check_chorus(invoice, day=today(organisation)):
        said = f"{findings[0].message_fr} {findings[0].remedy_fr} ({findings[0].source.rstrip('.')})"
        raise Refusal(f"Chorus Pro refuserait la facture {invoice.number}. {said}", findings=findings)
    return invoice


def xml_for_chorus(invoice: Invoice, form: FlowFormat) -> bytes:
    """Write the invoice as plain CII or UBL. Raises Refusal when it would lose something, or would not be valid."""
    made = convert(invoice, TARGETS[form])
    name = form.value.upper()
    if made.lost:
        terms = ", ".join(dict.fromkeys(each.term or each.field for each in made.lost))
        raise Refusal(
            f"La facture {invoice.number} ne tient pas entière en {name} : {terms} n’y a pas de place. Retirez-le de "
            "la facture, ou réglez le canal Chorus Pro sur format_flux=facturx, puis relancez.",
            findings=made.lost,
        )
    fatal = tuple(each for each in check(made.content, br_fr=False).findings if each.severity is Severity.FATAL)
    if fatal:
        said = f"{fatal[0].message_fr or fatal[0].message} {fatal[0].remedy_fr}".strip()
        raise Refusal(f"La facture {invoice.number}, écrite en {name}, n’est pas valide. {said}", findings=fatal)
    return made.content
