"""What a plateforme agréée is handed where its settings ask for XML alone, in the place of the sealed Factur-X.

XML that came in that syntax leaves as it came; what is written here is checked as it will be read there.
"""

from faitfoi.channels.afnor_settings import CII, UBL
from faitfoi.einvoice.conversion import Target
from faitfoi.einvoice.reading import Format
from faitfoi.pipeline.judging import Verdict
from faitfoi.pipeline.renderings_xml import whole_xml

SAME = {
    UBL: frozenset({Format.UBL_INVOICE, Format.UBL_CREDIT_NOTE}),
    CII: frozenset({Format.CII, Format.FACTURX}),
}
"""What comes in with the very bytes that a platform is handed, by its syntax."""


def xml_for_platform(verdict: Verdict, syntax: str) -> bytes:
    """Return the invoice in the syntax. Raises Refusal, also when a term would be lost on the way."""
    if verdict.reading.format in SAME[syntax]:
        return verdict.reading.xml
    target = Target.UBL if syntax == UBL else Target.CII
    otherwise = "le canal « plateforme agréée » sur flow_syntax=Factur-X"
    return whole_xml(verdict.invoice, target, br_fr=True, otherwise=otherwise)
