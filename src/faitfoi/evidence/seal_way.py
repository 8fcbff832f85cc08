"""Which of the law's ways of securing an invoice a seal's certificate gives: only the certificate can say "qualified".

CGI art. 289 VII, since 1 September 2026 in the CIBS (art. L. 216-33 and following): audit trail (1°), qualified
signature (2°), EDI (3°), qualified seal (4°). Read from qcStatements (RFC 3739 §3.2.6, ETSI EN 319 412-5 §4).
"""

from dataclasses import dataclass
from enum import StrEnum

from cryptography import x509

from faitfoi.evidence import der

QC_STATEMENTS = x509.ObjectIdentifier("1.3.6.1.5.5.7.1.3")
COMPLIANCE = der.oid("0.4.0.1862.1.1")
DEVICE = der.oid("0.4.0.1862.1.4")
TYPE = der.oid("0.4.0.1862.1.6")
FOR_SIGNATURES = der.oid("0.4.0.1862.1.6.1")
FOR_SEALS = der.oid("0.4.0.1862.1.6.2")


class Way(StrEnum):
    """One of the ways the law knows; EDI is a way of exchanging, which no certificate can say."""

    AUDIT_TRAIL = "audit_trail"
    QUALIFIED_SIGNATURE = "qualified_signature"
    EDI = "edi"
    QUALIFIED_SEAL = "qualified_seal"


@dataclass(frozen=True, slots=True, kw_only=True)
class LegalWay:
    """The way, a French sentence that says it to whoever must account for it, and the source of the rule."""

    way: Way
    sentence: str
    source: str

    @property
    def qualified(self) -> bool:
        """True when the certificate itself says so."""
        return self.way in {Way.QUALIFIED_SEAL, Way.QUALIFIED_SIGNATURE}


_CODE = "CGI art. 289 VII (repris au CIBS, art. L. 216-33 et suivants, depuis le 1er septembre 2026)"
_AUDIT_TRAIL = LegalWay(
    way=Way.AUDIT_TRAIL,
    sentence=(
        "Vos factures sont sécurisées par la piste d’audit fiable. Votre cachet n’est pas qualifié : il est un "
        "contrôle de cette piste, il ne la remplace pas."
    ),
    source=f"{_CODE}, 1° ; BOI-TVA-DECLA-30-20-30-20",
)
_SEAL = LegalWay(
    way=Way.QUALIFIED_SEAL,
    sentence=(
        "Vos factures sont sécurisées par un cachet électronique qualifié : votre certificat le dit. Vérifiez une fois "
        "que son autorité figure sur la liste de confiance européenne : un certificat ne peut pas le prouver seul."
    ),
    source=f"{_CODE}, 4° ; annexe III au CGI, art. 96 F à 96 F quater ; règlement (UE) 910/2014, art. 38",
)
_SIGNATURE = LegalWay(
    way=Way.QUALIFIED_SIGNATURE,
    sentence=(
        "Vos factures sont sécurisées par une signature électronique qualifiée : le certificat le dit. Vérifiez une "
        "fois que son autorité figure sur la liste de confiance européenne : un certificat ne peut pas le prouver seul."
    ),
    source=f"{_CODE}, 2° ; annexe III au CGI, art. 96 F ; règlement (UE) 910/2014, art. 28",
)


def legal_way(certificate: bytes) -> LegalWay:
    """The way that a seal certificate (DER) gives: qualified only when it states compliance, a device and its type.

    A certificate that signed itself states nothing about anybody, and one whose statements cannot be read neither: the
    audit trail then. Which authority may make such statements (trusted lists) is not looked up.
    """
    read = x509.load_der_x509_certificate(certificate)
    if read.issuer == read.subject:
        return _AUDIT_TRAIL
    said = _statements(read)
    if COMPLIANCE not in said or DEVICE not in said:
        return _AUDIT_TRAIL
    types = said.get(TYPE, ())
    if FOR_SEALS in types:
        return _SEAL
    return _SIGNATURE if FOR_SIGNATURES in types else _AUDIT_TRAIL


def _statements(certificate: x509.Certificate) -> dict[bytes, tuple[bytes, ...]]:
    """Each statement's identifier and what it lists (types only)."""
    try:
        extension = certificate.extensions.get_extension_for_oid(QC_STATEMENTS).value
        assert isinstance(extension, x509.UnrecognizedExtension)  # noqa: S101  # the library does not know this one
        found: dict[bytes, tuple[bytes, ...]] = {}
        for statement in der.children(der.contents(extension.value, der.SEQUENCE)):
            identifier, *values = der.children(der.contents(statement, der.SEQUENCE))
            listed = tuple(der.children(der.contents(values[0], der.SEQUENCE))) if identifier == TYPE and values else ()
            found[identifier] = listed
    except (x509.ExtensionNotFound, ValueError):
        return {}
    return found
