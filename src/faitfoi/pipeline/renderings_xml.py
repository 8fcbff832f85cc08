"""An invoice written as plain CII or UBL for a platform: whole, and judged as it will be read there, or not at all."""

from faitfoi.einvoice.checking import check
from faitfoi.einvoice.conversion import Target, convert
from faitfoi.einvoice.findings import Severity
from faitfoi.einvoice.model import Invoice
from faitfoi.pipeline.judging import Refusal


def whole_xml(invoice: Invoice, target: Target, *, br_fr: bool, otherwise: str) -> bytes:
    """Write an invoice as CII or UBL. Raises Refusal when it would lose something, or would not be valid.

    `otherwise` names in French the setting by which it need not be XML; `br_fr` lets the French rules stop it.
    """
    made = convert(invoice, target)
    name = target.value.upper()
    if made.lost:
        terms = ", ".join(dict.fromkeys(each.term or each.field for each in made.lost))
        raise Refusal(
            f"La facture {invoice.number} ne tient pas entière en {name} : {terms} n’y a pas de place. Retirez-le de "
            f"la facture, ou réglez {otherwise}, puis relancez.",
            findings=made.lost,
        )
    fatal = tuple(each for each in check(made.content, br_fr=br_fr).findings if each.severity is Severity.FATAL)
    if fatal:
        said = f"{fatal[0].message_fr or fatal[0].message} {fatal[0].remedy_fr}".strip()
        raise Refusal(f"La facture {invoice.number}, écrite en {name}, n’est pas valide. {said}", findings=fatal)
    return made.content
