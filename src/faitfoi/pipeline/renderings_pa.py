"""What a plateforme agréée is handed where its settings ask for XML alone, in the place of the sealed Factur-X.

XML that came in that syntax leaves as it came; what is written here is checked as it will be read there.
"""

from faitfoi.channels.afnor_settings import CII, UBL
from faitfoi.einvoice.checking import check
from faitfoi.einvoice.conversion import Target, convert
from faitfoi.einvoice.findings import Severity, is_valid
from faitfoi.einvoice.model import Invoice
from faitfoi.einvoice.reading import Format
from faitfoi.pipeline.judging import Refusal, Verdict

SAME = {
    UBL: frozenset({Format.UBL_INVOICE, Format.UBL_CREDIT_NOTE}),
    CII: frozenset({Format.CII, Format.FACTURX}),
}
"""What comes in with the very bytes that a platform is handed, by its syntax."""


def xml_for_platform(verdict: Verdict, syntax: str) -> bytes:
    """Return the invoice in the syntax. Raises Refusal, also when a term would be lost on the way."""
    if verdict.reading.format in SAME[syntax]:
        return verdict.reading.xml
    return _converted(verdict.invoice, Target.UBL if syntax == UBL else Target.CII)


def _converted(invoice: Invoice, target: Target) -> bytes:
    made = convert(invoice, target)
    syntax = target.value.upper()
    if made.lost:
        terms = ", ".join(dict.fromkeys(each.term or each.path for each in made.lost))
        raise Refusal(
            f"La facture {invoice.number} ne se dit pas toute en {syntax} : {terms} s’y perdrait. Laissez ce terme, ou "
            "réglez le canal « plateforme agréée » sur une autre syntaxe (flow_syntax), puis envoyez-la de nouveau.",
            findings=made.lost,
        )
    findings = check(made.content, br_fr=True).findings
    if not is_valid(findings):
        rules = ", ".join(dict.fromkeys(each.rule for each in findings if each.severity is Severity.FATAL))
        raise Refusal(
            f"La facture {invoice.number}, écrite en {syntax}, ne serait pas conforme ({rules}). Corrigez-la dans "
            "votre logiciel, puis envoyez-la de nouveau.",
            findings=findings,
        )
    return made.content
