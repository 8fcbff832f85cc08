"""Judges anybody's signatures in a PDF, and what was added to it afterwards: data, and a French sentence for each.

pyHanko reads and compares (extra `seal`): the signature's value, its digest, what it covers, and every object that a
later update changes. We are stricter where it is lenient, because an invoice is read, not filled in. The file is
hostile: only the limited child calls this. Who the signer is, and whether its authority is trusted, is not judged.
"""

import logging
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from enum import StrEnum
from io import BytesIO
from typing import Any

LONGEST_NAME = 200
MOST_SIGNATURES = 50
NOT_INSTALLED = "Il manque pyHanko pour juger une signature : installez « faitfoi[server,seal] »."


class CannotJudge(Exception):
    """No signature can be judged here; the message is a French sentence."""


class Mark(StrEnum):
    """What is wrong with a signature, or `GOOD`; the value is stable."""

    GOOD = "good"
    EXTENDED = "extended"
    NOT_SIGNED = "not_signed"
    UNREADABLE = "unreadable"
    ALTERED = "altered"
    WEAK = "weak"
    COVERAGE = "coverage"
    CHANGED_AFTER = "changed_after"
    FILLED_AFTER = "filled_after"


SENTENCES: Mapping[Mark, str] = {
    Mark.GOOD: "La signature tient, et couvre tout le fichier.",
    Mark.EXTENDED: "La signature tient ; le fichier n’a reçu depuis que d’autres signatures et leurs preuves.",
    Mark.NOT_SIGNED: "Ce fichier ne porte pas de signature.",
    Mark.UNREADABLE: "La signature n’est pas lisible, ou sa structure n’est pas celle d’une signature : elle ne prouve "
    "rien. Demandez un autre fichier à son émetteur.",
    Mark.ALTERED: "Le contenu signé a changé, ou la signature n’est pas celle du certificat : elle ne prouve rien. "
    "Demandez l’original à son émetteur.",
    Mark.WEAK: "La signature emploie un procédé qui n’est plus admis, ou son certificat ne peut pas signer : elle ne "
    "prouve rien. Demandez un fichier signé autrement.",
    Mark.COVERAGE: "La signature ne couvre pas ce qu’elle dit couvrir : des octets du fichier lui échappent. "
    "Ne vous y fiez pas, demandez l’original.",
    Mark.CHANGED_AFTER: "Le fichier a été modifié après la signature : ce qui se lit n’est pas ce qui a été signé. "
    "Demandez l’original à son émetteur.",
    Mark.FILLED_AFTER: "Un formulaire a été rempli ou une annotation ajoutée après la dernière signature : ce qui se "
    "lit n’est pas ce qui a été signé. Demandez l’original à son émetteur.",
}
HOLDS = frozenset({Mark.GOOD, Mark.EXTENDED})


@dataclass(frozen=True, slots=True, kw_only=True)
class Judged:
    """One signature: the field's name, who says to have signed and when (claims, both), and the mark it gets."""

    field: str
    signer: str
    claimed_at: str
    mark: Mark

    @property
    def sentence(self) -> str:
        """The mark as a French sentence."""
        return SENTENCES[self.mark]


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """All the signatures of a PDF in their order; `mark` is the worst of them, or why there is none."""

    mark: Mark
    signatures: tuple[Judged, ...] = ()

    @property
    def sound(self) -> bool:
        """True when there is a signature, and what a reader shows is what was signed."""
        return self.mark in HOLDS

    @property
    def sentence(self) -> str:
        """The mark as a French sentence."""
        return SENTENCES[self.mark]

    def facts(self) -> dict[str, object]:
        """The verdict as JSON values."""
        return {"mark": self.mark.value, "signatures": [asdict(each) for each in self.signatures]}


def verdict_from(facts: Mapping[str, Any]) -> Verdict:
    """The verdict whose `facts` these are. Raises KeyError, ValueError or TypeError."""
    return Verdict(
        mark=Mark(facts["mark"]),
        signatures=tuple(
            Judged(
                field=str(each["field"]),
                signer=str(each["signer"]),
                claimed_at=str(each["claimed_at"]),
                mark=Mark(each["mark"]),
            )
            for each in facts["signatures"]
        ),
    )


def judge_signatures(pdf: bytes) -> Verdict:
    """Judge every signature of a PDF, and every change made to it since. Raises CannotJudge without pyHanko.

    Never raises for what the file holds. A change that pyHanko finds permitted counts as one all the same when no later
    signature covers it, unless it only keeps proofs (PAdES B-LTA).
    """
    try:
        from pyhanko.pdf_utils.reader import PdfFileReader
    except ImportError as error:
        raise CannotJudge(NOT_INSTALLED) from error
    logging.getLogger("pyhanko").setLevel(logging.CRITICAL)
    logging.getLogger("pyhanko_certvalidator").setLevel(logging.CRITICAL)
    try:
        signatures = list(PdfFileReader(BytesIO(pdf), strict=True).embedded_signatures)
    except _troubles():
        return Verdict(mark=Mark.UNREADABLE)
    if not signatures:
        return Verdict(mark=Mark.NOT_SIGNED)
    if len(signatures) > MOST_SIGNATURES:
        return Verdict(mark=Mark.UNREADABLE)
    last = len(signatures) - 1
    judged = tuple(_judged(each, is_last=place == last) for place, each in enumerate(signatures))
    if all(each.mark in HOLDS for each in judged):
        return Verdict(mark=judged[-1].mark, signatures=judged)
    return Verdict(mark=next(each.mark for each in judged if each.mark not in HOLDS), signatures=judged)


def _judged(signature: Any, *, is_last: bool) -> Judged:
    """One signature, and the updates made after it."""
    try:
        mark = _mark(signature, is_last=is_last)
        signer = str(signature.signer_cert.subject.human_friendly)[:LONGEST_NAME]
        claimed = signature.self_reported_timestamp
        return Judged(
            field=str(signature.field_name)[:LONGEST_NAME],
            signer=_plain(signer),
            claimed_at=claimed.isoformat() if claimed else "",
            mark=mark,
        )
    except _troubles():
        return Judged(field="", signer="", claimed_at="", mark=Mark.UNREADABLE)


def _mark(signature: Any, *, is_last: bool) -> Mark:
    from pyhanko.sign.diff_analysis import ModificationLevel
    from pyhanko.sign.validation.status import SignatureCoverageLevel

    status = _status(signature)
    if not (status.intact and status.valid):
        return Mark.ALTERED
    if status.coverage in {SignatureCoverageLevel.UNCLEAR, SignatureCoverageLevel.CONTIGUOUS_BLOCK_FROM_START}:
        return Mark.COVERAGE
    if status.modification_level is ModificationLevel.OTHER or status.docmdp_ok is False:
        return Mark.CHANGED_AFTER
    # Its own certificate is the only root: what is not trusted then is the algorithm, or what the key may do.
    if not status.trusted:
        return Mark.WEAK
    if status.coverage is SignatureCoverageLevel.ENTIRE_FILE:
        return Mark.GOOD
    if is_last and status.modification_level is not ModificationLevel.LTA_UPDATES:
        return Mark.FILLED_AFTER
    return Mark.EXTENDED


def _status(signature: Any) -> Any:
    from pyhanko.sign.validation import validate_pdf_signature, validate_pdf_timestamp
    from pyhanko_certvalidator import ValidationContext

    context = ValidationContext(
        trust_roots=[signature.signer_cert], allow_fetching=False, moment=signature.self_reported_timestamp
    )
    if signature.sig_object_type == "/DocTimeStamp":
        return validate_pdf_timestamp(signature, validation_context=context)
    # Tokens inside are those of somebody whom we do not judge either; no list of the machine is asked.
    stamps = ValidationContext(trust_roots=[signature.signer_cert], allow_fetching=False)
    return validate_pdf_signature(signature, context, ts_validation_context=stamps)


def _plain(text: str) -> str:
    """The name without what a terminal would obey."""
    return "".join(c if c.isprintable() else "�" for c in text)


def _troubles() -> tuple[type[Exception], ...]:
    """What pyHanko and the readers below it raise for files that are not what they should be."""
    import struct

    from pyhanko.pdf_utils.misc import PdfError
    from pyhanko.sign.general import SigningError
    from pyhanko.sign.validation.errors import SignatureValidationError
    from pyhanko_certvalidator.errors import PathError, ValidationError

    of_readers = (ArithmeticError, AssertionError, AttributeError, LookupError, TypeError, ValueError, struct.error)
    of_depth = (NotImplementedError, RecursionError)
    return (PdfError, SigningError, SignatureValidationError, PathError, ValidationError, *of_readers, *of_depth)
