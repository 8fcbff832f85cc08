"""Verifies an evidence record (RFC 4998 §5.3) against the objects it vouches for, and says until when it holds."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from cryptography import x509

from faitfoi.evidence.der import NotDer
from faitfoi.evidence.ers import ArchiveTimeStamp, Chain, EvidenceRecord, Hash, climb
from faitfoi.evidence.stamps import StampRefused, TokenSigner, check_imprint, signer_of


class EvidenceRefused(Exception):
    """The record does not vouch for these objects; the message is a French sentence.

    `object` names the one that is not what the record stamped, empty when it is the record that does not hold.
    """

    def __init__(self, sentence: str, *, name: str = "") -> None:
        super().__init__(sentence)
        self.object = name


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """What a record shows: its objects existed at the first of `instants`; each other one is that of a renewal.

    `until` is when the certificate of the last time-stamp expires: before that, it wants renewing.
    """

    instants: tuple[datetime, ...]
    algorithm: Hash
    until: datetime


def check_evidence(record: bytes, objects: Mapping[str, bytes], *, roots: Sequence[x509.Certificate]) -> Evidence:
    """What the record shows about the objects (named for the messages), its tokens leading to `roots`.

    Raises EvidenceRefused for any other object, one too few or too many, and for a renewal that came too late.
    """
    try:
        read = EvidenceRecord.parse(record)
    except NotDer as error:
        raise EvidenceRefused(f"Ce n’est pas une preuve d’ancienneté (RFC 4998) : {error}") from error
    instants: list[datetime] = []
    until = None
    for place, chain in enumerate(read.chains):
        before = EvidenceRecord(chains=read.chains[:place]) if place else None
        _stamps_objects(chain[0], objects, before)
        for earlier, stamp in enumerate(chain):
            _stamps_tokens(chain, earlier)
            at, end = _checked(stamp, roots)
            if instants and not instants[-1] <= at:
                raise EvidenceRefused("Un renouvellement est daté d’avant ce qu’il renouvelle.")
            if until is not None and at > until:
                raise EvidenceRefused(
                    f"Le renouvellement du {at:%d/%m/%Y} est venu après l’expiration ({until:%d/%m/%Y})."
                )
            instants.append(at)
            until = end
    if until is None:
        raise EvidenceRefused("La preuve d’ancienneté n’a pas d’horodatage.")
    return Evidence(instants=tuple(instants), algorithm=read.chains[-1][0].algorithm, until=until)


def _stamps_objects(stamp: ArchiveTimeStamp, objects: Mapping[str, bytes], before: EvidenceRecord | None) -> None:
    """The first time-stamp of a chain has each object in its group, and in a group nothing else."""
    algorithm = stamp.algorithm
    chains = algorithm.of(before.sequence) if before else b""
    found = set()
    listed = set(stamp.branch[0]) if stamp.branch else None
    for name, content in objects.items():
        digest = algorithm.of(content)
        digest = algorithm.of(digest, chains) if before else digest
        if listed is not None and digest not in listed:
            raise EvidenceRefused("La preuve d’ancienneté est celle d’un autre fichier.", name=name)
        found.add(digest)
    if listed is None and len(found) != 1:
        raise EvidenceRefused("La preuve d’ancienneté est celle d’un seul fichier.")
    if listed is not None and len(objects) > 1 and found != listed:
        raise EvidenceRefused("La preuve d’ancienneté vaut pour d’autres fichiers encore, qui manquent.")
    if listed is None:
        _leads_to(stamp, found.pop())


def _stamps_tokens(chain: Chain, place: int) -> None:
    """A renewal has the token before it in its group."""
    stamp = chain[place]
    if place == 0:
        return
    renewed = stamp.algorithm.of(chain[place - 1].token)
    if not stamp.branch:
        _leads_to(stamp, renewed)
    elif renewed not in stamp.branch[0]:
        raise EvidenceRefused("Un renouvellement n’est pas celui de l’horodatage qui le précède.")


def _leads_to(stamp: ArchiveTimeStamp, digest: bytes) -> None:
    if digest != _signer(stamp).imprint:
        raise EvidenceRefused("L’horodatage est celui d’autre chose.")


def _signer(stamp: ArchiveTimeStamp) -> TokenSigner:
    try:
        return signer_of(stamp.token)
    except StampRefused as error:
        raise EvidenceRefused(f"Un horodatage de la preuve d’ancienneté ne se lit pas. {error}") from error


def _checked(stamp: ArchiveTimeStamp, roots: Sequence[x509.Certificate]) -> tuple[datetime, datetime]:
    signer = _signer(stamp)
    try:
        root = climb(stamp.branch, stamp.algorithm) if stamp.branch else signer.imprint
        at = check_imprint(stamp.token, root, algorithm=stamp.algorithm, roots=roots).at
    except StampRefused as error:
        raise EvidenceRefused(f"Un horodatage de la preuve d’ancienneté ne tient pas. {error}") from error
    return at, signer.until
