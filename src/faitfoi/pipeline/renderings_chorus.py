"""What Chorus Pro is given: the sealed Factur-X, or plain CII or UBL where the channel's settings ask for it.

The XML is written from the very invoice that the Factur-X would hold, read again, and judged before anything leaves.
"""

from faitfoi.accounts.models import ChannelKey, Organisation
from faitfoi.accounts.tenancy import acting_for
from faitfoi.channels.chorus_pro_settings import FlowFormat, read_format
from faitfoi.channels.chorus_pro_submission import FRAMEWORKS, Mode, read_mode
from faitfoi.einvoice.chorus import for_chorus
from faitfoi.einvoice.conversion import Target
from faitfoi.einvoice.model import Invoice
from faitfoi.einvoice.rules.chorus_pack import check_chorus
from faitfoi.pipeline.customers import seller_siret, service_code
from faitfoi.pipeline.installation import today
from faitfoi.pipeline.judging import Refusal, Verdict
from faitfoi.pipeline.renderings_xml import whole_xml
from faitfoi.pipeline.sealing import CannotSeal
from faitfoi.records.models import Customer
from faitfoi.records.vault import VaultClosed, channel_settings

TARGETS = {FlowFormat.CII: Target.CII, FlowFormat.UBL: Target.UBL}


def format_for(organisation: Organisation, customer: Customer) -> FlowFormat:
    """Return how the invoice is written for Chorus Pro: XML alone only where it goes as flow.

    Raises CannotSeal while the settings cannot be opened: the seal key is under the same lock, so the line waits.
    """
    return _set_up_for(organisation, customer)[1]


def _set_up_for(organisation: Organisation, customer: Customer) -> tuple[Mode, FlowFormat]:
    """Return how the customer's invoices are deposited, and written. Raises CannotSeal, as `format_for`."""
    try:
        with acting_for(organisation.id):
            settings = channel_settings(ChannelKey.CHORUS_PRO) or {}
        mode = read_mode(customer.chorus_deposit or settings.get("depot", ""))
        return mode, read_format(settings.get("format_flux", "")) if mode is Mode.FLOW else FlowFormat.FACTURX
    except (ValueError, VaultClosed) as error:
        raise CannotSeal(str(error)) from error


def invoice_for_chorus(organisation: Organisation, verdict: Verdict) -> Invoice:
    """Return the same invoice with the identifiers that legacy Chorus expects (SIRET as legal identifier).

    Raises Refusal for what Chorus Pro is known to refuse, CannotSeal as `format_for`.
    """
    customer = verdict.customer
    assert customer is not None  # noqa: S101  # a Decision needs a customer
    _check_framework(verdict.invoice, mode=_set_up_for(organisation, customer)[0])
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


def _check_framework(invoice: Invoice, *, mode: Mode) -> None:
    """Raise Refusal for an invoice of which `soumettre` would have to name the validating structure."""
    process = invoice.process.business_process
    if mode is not Mode.FLOW and (framework := FRAMEWORKS.get(process)):
        raise Refusal(
            f"La facture {invoice.number} est au cadre {framework} (BT-23 « {process} ») : le dépôt « {mode.value} » "
            "de Chorus Pro veut la structure qui la valide (codeStructureValideur), qu’aucun terme de la facture ne "
            "dit. Choisissez le dépôt « flux » sur la fiche du client ou dans les réglages de Chorus Pro, puis "
            "envoyez-la de nouveau ; ou déposez-la sur le portail."
        )


def xml_for_chorus(invoice: Invoice, form: FlowFormat) -> bytes:
    """Write the invoice as plain CII or UBL. Raises Refusal when it would lose something, or would not be valid."""
    otherwise = "le canal Chorus Pro sur format_flux=facturx"
    return whole_xml(invoice, TARGETS[form], br_fr=False, otherwise=otherwise)
