"""pyHanko's judgement of a sealed PDF."""

from dataclasses import dataclass
from datetime import datetime
from io import BytesIO

from asn1crypto import x509
from pyhanko.pdf_utils.reader import PdfFileReader
from pyhanko.sign.validation import validate_pdf_signature
from pyhanko.sign.validation.status import SignatureCoverageLevel
from pyhanko_certvalidator import ValidationContext


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    valid: bool
    intact: bool
    trusted: bool
    covers_all: bool
    claimed: datetime | None


def judge(pdf: bytes, certificate: bytes, *, at: datetime) -> Verdict:
    """What pyHanko says of the only signature, with the certificate as its one trust root."""
    (signature,) = PdfFileReader(BytesIO(pdf)).embedded_signatures
    context = ValidationContext(trust_roots=[x509.Certificate.load(certificate)], moment=at)
    status = validate_pdf_signature(signature, context)
    return Verdict(
        valid=status.bottom_line,
        intact=status.intact,
        trusted=status.trusted,
        covers_all=status.coverage is SignatureCoverageLevel.ENTIRE_FILE,
        claimed=status.signer_reported_dt,
    )
