"""Verifies a dossier from its files alone, as `verify.sh` does, and names each file that lies.

What it adds to the script: every fault is told, not the first one, and the seal is judged by our own reader.
"""

import hashlib
import io
import re
import zipfile
import zlib
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from ssl import DER_cert_to_PEM_cert, PEM_cert_to_DER_cert

from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from faitfoi.evidence.checkpoint import Checkpoint, open_checkpoint
from faitfoi.evidence.dossier import (
    CERTIFICATE,
    CHECKPOINT,
    ENTRY,
    EVIDENCE,
    LOG_KEY,
    ORIGIN,
    PDF,
    PROOF,
    ROOTS,
    VERSIONS,
    WITNESS_KEY,
    XML,
    XML_VERSIONS,
)
from faitfoi.evidence.ers import EvidenceRecord
from faitfoi.evidence.ers_check import EvidenceRefused, check_evidence
from faitfoi.evidence.leaves import NotCanonical, leaf_hash, read_canonical
from faitfoi.evidence.note import KeyType, NoteRefused, Verifier
from faitfoi.evidence.seal_check import SealState, check_seal
from faitfoi.evidence.stamps import StampRefused, check_stamp, load_roots
from faitfoi.evidence.tlog_proof import TlogProof

MOST_FILES = 20_000
MOST_BYTES = 500_000_000
MOST_MOVES = 8
"""How often an archive may have been imported somewhere: each time, its dossiers hold one more within."""
LISTS = ("tagmanifest-sha256.txt", "manifest-sha256.txt")
_NOT_NAMED = "ce n’est pas le fichier que l’écriture nomme"
_WITNESS = re.compile(r"data/cles/temoin(-[0-9]+)?\.(pem|nom)")
_KNOWN = re.compile(
    r"(tag)?manifest-sha256\.txt|bagit\.txt|bag-info\.txt|LISEZMOI\.txt|verify\.sh|verifier\.html"
    r"|data/(chorus\.(pdf|xml)|plateforme\.xml|copie\.pdf|facture\.pdf|factur-x\.xml|original\.[A-Za-z0-9]+|entry\.json|proof\.tlog-proof|checkpoint|evidence\.ers|origine\.zip"
    r"|cles/journal\.pem|cles/temoin(-[0-9]+)?\.(pem|nom)|journal/[0-9]{12}\.(json|tlog-proof)|certificats/cachet\.pem"
    r"|horodatage/racines\.pem|horodatage/[A-Za-z0-9.-]+\.tst)"
)
_LISTED = re.compile(r"([0-9a-f]{64})  (\S.*)")


@dataclass(frozen=True, slots=True, kw_only=True)
class Lie:
    """A file of the dossier that is not what it should be, and a French sentence saying why."""

    file: str
    sentence: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Verified:
    """What was found: nothing wrong when `lies` is empty.

    `fingerprints` are the SHA-256 (hex) of the keys and of the seal's certificate, to compare with what the issuer
    publishes; `seen_at` the second (since 1970) at which the first witness saw the journal, `size` how long that was.
    """

    lies: tuple[Lie, ...]
    fingerprints: Mapping[str, str]
    size: int = 0
    seen_at: int = 0

    @property
    def sound(self) -> bool:
        """True when every file is what it should be."""
        return not self.lies


def verify_dossier(
    files: Mapping[str, bytes], *, pins: Sequence[str] = (), known: Collection[str] | None = None
) -> Verified:
    """Judge the files of a dossier, named as in its folder (`data/facture.pdf`…). Never raises for what they hold.

    Each of `pins` (SHA-256 in hex) must be the fingerprint of a key or certificate of the dossier; with `known`, each
    of the dossier's must be among these.
    """
    return _judged(files, pins=pins, known=known, moves=MOST_MOVES)


def _judged(
    files: Mapping[str, bytes], *, pins: Sequence[str] = (), known: Collection[str] | None = None, moves: int
) -> Verified:
    """The same, for an invoice whose archive has moved so many times at most."""
    lies = [*_lists(files)]
    fingerprints: dict[str, str] = {}
    try:
        log, witnesses = _keys(files, fingerprints)
        checkpoint, seen_at = _checkpoint(files, log, witnesses)
    except _Lying as error:
        return Verified(lies=(*lies, error.lie), fingerprints=fingerprints)
    lies += _entries(files, log, [*witnesses.values()])
    lies += _named(files)
    lies += _stamps(files, fingerprints)
    if CERTIFICATE in files:
        lies += _seal(files, fingerprints)
    if ORIGIN in files:
        lies += _origin(files, fingerprints, moves=moves)
    lies += pinned(fingerprints, pins, known)
    return Verified(lies=tuple(lies), fingerprints=fingerprints, size=checkpoint.size, seen_at=seen_at)


class _Lying(Exception):
    def __init__(self, file: str, sentence: str) -> None:
        super().__init__(sentence)
        self.lie = Lie(file=file, sentence=sentence)


def _lists(files: Mapping[str, bytes]) -> Iterator[Lie]:
    listed = set(LISTS[:1])
    for name in LISTS:
        if name not in files:
            yield Lie(file=name, sentence="il manque")
            continue
        written = files[name].decode(errors="replace")
        for line in written.removesuffix("\n").split("\n"):
            found = _LISTED.fullmatch(line)
            if found is None:
                yield Lie(file=name, sentence="une de ses lignes n’est pas une empreinte et un nom")
                continue
            listed.add(found[2])
            if found[2] not in files:
                yield Lie(file=found[2], sentence=f"il manque, et {name} le nomme")
            elif hashlib.sha256(files[found[2]]).hexdigest() != found[1]:
                yield Lie(file=found[2], sentence=f"son empreinte n’est pas celle que dit {name}")
    for name in sorted(files):
        if name not in listed:
            yield Lie(file=name, sentence="aucune liste du dossier ne le nomme")
        elif not _KNOWN.fullmatch(name):
            yield Lie(file=name, sentence="ce n’est pas une pièce d’un dossier : rien ne la prouve")


def _keys(files: Mapping[str, bytes], fingerprints: dict[str, str]) -> tuple[Verifier, dict[str, Verifier]]:
    origin = _text(files, CHECKPOINT).partition("\n")[0]
    log = Verifier(name=origin, public=_public(files, LOG_KEY, fingerprints), kind=KeyType.LOG)
    witnesses: dict[str, Verifier] = {}
    found = {name.rpartition(".")[0] + ".pem" for name in files if _WITNESS.fullmatch(name)} | {WITNESS_KEY}
    for key in sorted(found, key=_in_order):
        public = _public(files, key, fingerprints)
        name, *rest = _text(files, _naming(key)).split("\n")
        if rest != [""]:
            raise _Lying(_naming(key), "ce n’est pas le nom d’un témoin, sur une ligne")
        witnesses[key] = Verifier(name=name, public=public, kind=KeyType.WITNESS)
    return log, witnesses


def _in_order(name: str) -> tuple[int, str]:
    return len(name), name


def _naming(key: str) -> str:
    """The file that says the name of a witness whose key is in this one."""
    return key.removesuffix("pem") + "nom"


def _public(files: Mapping[str, bytes], name: str, fingerprints: dict[str, str]) -> bytes:
    try:
        key = serialization.load_pem_public_key(_bytes(files, name))
    except (ValueError, UnsupportedAlgorithm) as error:
        raise _Lying(name, "ce n’est pas une clé publique") from error
    if not isinstance(key, Ed25519PublicKey):
        raise _Lying(name, "ce n’est pas une clé Ed25519")
    pem = key.public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
    if pem != files[name]:
        raise _Lying(name, "elle n’est pas écrite comme nous l’écrivons")
    der = key.public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
    fingerprints[name] = hashlib.sha256(der).hexdigest()
    return key.public_bytes_raw()


def _checkpoint(files: Mapping[str, bytes], log: Verifier, witnesses: Mapping[str, Verifier]) -> tuple[Checkpoint, int]:
    note = _bytes(files, CHECKPOINT)
    try:
        checkpoint, signed = open_checkpoint(note, log)
    except NoteRefused as error:
        raise _Lying(CHECKPOINT, f"il ne se vérifie pas avec la clé {LOG_KEY} ({error})") from error
    seen_at: list[int] = []
    for key, witness in witnesses.items():
        with_key = f"avec la clé {key}, au nom que dit {_naming(key)}"
        try:
            seconds = signed.verified_by(witness)
        except NoteRefused as error:
            raise _Lying(CHECKPOINT, f"il ne se vérifie pas {with_key} ({error})") from error
        if seconds is None:
            raise _Lying(CHECKPOINT, f"le témoin « {witness.name} » ne l’a pas signé {with_key}")
        seen_at.append(seconds)
    return checkpoint, seen_at[0]


def _entries(files: Mapping[str, bytes], log: Verifier, witnesses: Sequence[Verifier]) -> Iterator[Lie]:
    proofs = {ENTRY: PROOF}
    told = {name.rpartition(".")[0] for name in files if name.startswith("data/journal/")}
    proofs |= {f"{name}.json": f"{name}.tlog-proof" for name in sorted(told)}
    for entry, proof in proofs.items():
        try:
            _prove(files, entry, proof, log, witnesses)
        except _Lying as error:
            yield error.lie


def _prove(files: Mapping[str, bytes], entry: str, proof: str, log: Verifier, witnesses: Sequence[Verifier]) -> None:
    try:
        parsed = TlogProof.parse(_bytes(files, proof))
    except NoteRefused as error:
        raise _Lying(proof, f"ce n’est pas une preuve ({error})") from error
    if parsed.checkpoint != files[CHECKPOINT]:
        raise _Lying(proof, f"elle n’est pas sous le point de contrôle du dossier ({CHECKPOINT})")
    try:
        parsed.verify(leaf_hash(_bytes(files, entry)), log=log, witnesses=witnesses)
    except NoteRefused as error:
        raise _Lying(entry, f"cette écriture n’est pas au journal à la place que dit {proof}") from error
    if parsed.dump() != files[proof]:
        raise _Lying(proof, "elle n’est pas écrite comme nous l’écrivons")
    if _document(files, entry) != _document(files, ENTRY):
        raise _Lying(entry, f"cette écriture est d’un autre document que {ENTRY}")


def _document(files: Mapping[str, bytes], name: str) -> object:
    try:
        return read_canonical(_bytes(files, name)).get("document")
    except NotCanonical as error:
        raise _Lying(name, "ce n’est pas une écriture du journal") from error


def _named(files: Mapping[str, bytes]) -> Iterator[Lie]:
    """The entry names the invoice, its data and the original, byte for byte."""
    try:
        entry = read_canonical(_bytes(files, ENTRY))
    except (NotCanonical, _Lying):
        yield Lie(file=ENTRY, sentence="ce n’est pas une écriture du journal")
        return
    originals = [name for name in files if name.startswith("data/original.")] or ["data/original"]
    roles = {PDF: "legal", **dict.fromkeys(originals, "original")}
    roles |= {name: role for each in (VERSIONS, XML_VERSIONS) for role, name in each.items() if name in files}
    for name, role in roles.items():
        content = files.get(name, b"")
        digests = hashlib.sha256(content).hexdigest(), hashlib.sha512(content).hexdigest()
        if digests != (entry.get(f"sha256_{role}"), entry.get(f"sha512_{role}")):
            yield Lie(file=name, sentence=_NOT_NAMED)
    if XML not in files and entry.get("xml_sha256"):
        yield Lie(file=XML, sentence="il manque, et l’écriture le nomme")
    if XML in files and hashlib.sha256(files[XML]).hexdigest() != entry.get("xml_sha256"):
        yield Lie(file=XML, sentence=_NOT_NAMED)


def _stamps(files: Mapping[str, bytes], fingerprints: dict[str, str]) -> Iterator[Lie]:
    tokens = [name for name in files if name.startswith("data/horodatage/") and name.endswith(".tst")]
    if not tokens:
        return
    try:
        roots = load_roots(_bytes(files, ROOTS))
    except (StampRefused, _Lying):
        yield Lie(file=ROOTS, sentence="il n’y a pas de racine d’horodatage")
        return
    pem = b"".join(root.public_bytes(serialization.Encoding.PEM) for root in roots)
    if pem != files[ROOTS]:
        yield Lie(file=ROOTS, sentence="il n’est pas écrit comme nous l’écrivons")
    for place, root in enumerate(roots, start=1):
        digest = hashlib.sha256(root.public_bytes(serialization.Encoding.DER)).hexdigest()
        fingerprints[f"{ROOTS} ({place})" if len(roots) > 1 else ROOTS] = digest
        if root.issuer == root.subject and not _signs_itself(root):
            yield Lie(file=ROOTS, sentence="une racine n’est pas signée d’elle-même : elle a été changée")
    held = True
    for name in tokens:
        try:
            check_stamp(files[name], files[CHECKPOINT], roots=roots)
        except StampRefused as error:
            held = False
            yield Lie(file=name, sentence=f"ce n’est pas l’horodatage de {CHECKPOINT} par {ROOTS} ({error})")
    if EVIDENCE in files and held:
        yield from _evidence(files, roots, tokens)


def _signs_itself(root: x509.Certificate) -> bool:
    try:
        root.verify_directly_issued_by(root)
    except (InvalidSignature, UnsupportedAlgorithm, TypeError, ValueError):
        return False
    return True


def pinned(fingerprints: Mapping[str, str], pins: Sequence[str], known: Collection[str] | None) -> Iterator[Lie]:
    """The pins that no key or certificate has, and the fingerprints that are not among the known ones."""
    for pin in pins:
        if pin not in fingerprints.values():
            yield Lie(file=f"sha256={pin}", sentence="aucune clé du dossier n’a cette empreinte")
    for name, digest in fingerprints.items() if known is not None else ():
        if digest not in (known or ()):
            yield Lie(file=name, sentence="son empreinte n’est pas une de celles qui sont attendues")


def _evidence(files: Mapping[str, bytes], roots: Sequence[x509.Certificate], tokens: Sequence[str]) -> Iterator[Lie]:
    """The record is of the checkpoint, and begins with one of the dossier's own tokens."""
    try:
        check_evidence(files[EVIDENCE], {CHECKPOINT: files[CHECKPOINT]}, roots=roots)
    except EvidenceRefused as error:
        yield Lie(file=EVIDENCE, sentence=f"ce n’est pas la preuve d’ancienneté de {CHECKPOINT} ({error})")
        return
    first = EvidenceRecord.parse(files[EVIDENCE]).chains[0][0].token
    if first not in (files[name] for name in tokens):
        yield Lie(file=EVIDENCE, sentence=f"elle ne commence pas par un horodatage du dossier ({', '.join(tokens)})")


def _seal(files: Mapping[str, bytes], fingerprints: dict[str, str]) -> Iterator[Lie]:
    try:
        certificate = PEM_cert_to_DER_cert(_text(files, CERTIFICATE))
    except (ValueError, _Lying):
        yield Lie(file=CERTIFICATE, sentence="ce n’est pas un certificat")
        return
    # Many texts are read as one certificate; only one of them was handed out.
    if DER_cert_to_PEM_cert(certificate).encode() != files[CERTIFICATE]:
        yield Lie(file=CERTIFICATE, sentence="il n’est pas écrit comme nous l’écrivons")
    fingerprints[CERTIFICATE] = hashlib.sha256(certificate).hexdigest()
    try:
        state = check_seal(files.get(PDF, b""), [certificate])
    except ValueError:
        yield Lie(file=CERTIFICATE, sentence="ce n’est pas un certificat")
        return
    if state is SealState.UNKNOWN_CERTIFICATE:
        yield Lie(file=CERTIFICATE, sentence="ce n’est pas le certificat du cachet de la facture")
    elif state is not SealState.INTACT:
        yield Lie(file=PDF, sentence=f"son cachet ne tient pas ({state.value})")


def _origin(files: Mapping[str, bytes], fingerprints: dict[str, str], *, moves: int) -> Iterator[Lie]:
    """The dossier of where the document came from holds by itself, and is of the same bytes."""
    try:
        inner = unzipped(files[ORIGIN])
    except (zipfile.BadZipFile, ValueError, RuntimeError, NotImplementedError, zlib.error) as error:
        yield Lie(file=ORIGIN, sentence=f"ce n’est pas un dossier de preuve ({error})")
        return
    if moves == 0:
        yield Lie(file=ORIGIN, sentence="il en contient un autre, et ainsi de suite, plus qu’une facture n’a voyagé")
        return
    found = _judged(inner, moves=moves - 1)
    for lie in found.lies:
        yield Lie(file=f"{ORIGIN}:{lie.file}", sentence=lie.sentence)
    fingerprints |= {f"{ORIGIN}:{name}": digest for name, digest in found.fingerprints.items()}
    if inner.get(PDF) != files.get(PDF):
        yield Lie(file=ORIGIN, sentence="ce n’est pas le dossier de la même facture")


def unzipped(content: bytes) -> dict[str, bytes]:
    """The files of a zipped dossier by their names in its folder. Raises BadZipFile, ValueError and what zlib does."""
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        members = [member for member in archive.infolist() if not member.is_dir()]
        refuse_too_much(len(members), sum(member.file_size for member in members))
        names = [member.filename.partition("/")[2] for member in members]
        if len(set(names)) != len(names):
            raise ValueError("deux de ses fichiers ont le même nom")
        return {name: archive.read(member) for name, member in zip(names, members, strict=True)}


def refuse_too_much(count: int, octets: int) -> None:
    """Raise ValueError for more files or bytes than a dossier has."""
    if count > MOST_FILES or octets > MOST_BYTES:
        raise ValueError(f"{count} fichiers, {octets} octets : un dossier en a bien moins.")


def _bytes(files: Mapping[str, bytes], name: str) -> bytes:
    if name not in files:
        raise _Lying(name, "il manque")
    return files[name]


def _text(files: Mapping[str, bytes], name: str) -> str:
    try:
        return _bytes(files, name).decode()
    except UnicodeDecodeError as error:
        raise _Lying(name, "ce n’est pas du texte") from error
