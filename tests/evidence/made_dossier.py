"""Whole dossiers made without a database: a real page with its XML, sealed, journalled, witnessed and time-stamped."""

import hashlib
import shutil
import subprocess
import zipfile
from dataclasses import dataclass
from datetime import UTC, datetime
from io import BytesIO
from pathlib import Path
from ssl import DER_cert_to_PEM_cert

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from faitfoi.einvoice.cii import write_cii
from faitfoi.einvoice.page import Look, render_page
from faitfoi.evidence.checkpoint import Checkpoint
from faitfoi.evidence.dossier import Dossier, ProvedEntry
from faitfoi.evidence.ers import ArchiveTimeStamp, EvidenceRecord, Hash
from faitfoi.evidence.leaves import canonical, leaf_hash
from faitfoi.evidence.note import KeyType, Signer, write_note
from faitfoi.evidence.seal import SealKey, seal
from faitfoi.evidence.stamps import ask_stamp, load_roots
from faitfoi.evidence.tiles import TiledTree
from faitfoi.evidence.tlog_proof import TlogProof
from tests.einvoice import pages
from tests.evidence.conftest import AT
from tests.evidence.rows import Rows
from tests.evidence.tsa import Authority

ORIGIN = "faitfoi.invalid/essai"
LOG = Signer(name=ORIGIN, key=Ed25519PrivateKey.from_private_bytes(bytes([1]) * 32), kind=KeyType.LOG)
WITNESSES = tuple(
    Signer(name=f"temoin-{n}", key=Ed25519PrivateKey.from_private_bytes(bytes([n]) * 32), kind=KeyType.WITNESS)
    for n in (2, 3, 4)
)
ENTRIES = 300
SEALED_AT, STORY = 137, (138, 141, 299)


@dataclass(frozen=True, slots=True, kw_only=True)
class Made:
    """A dossier as it is handed out: the name of its folder, its files, its ZIP, and what it was written from."""

    name: str
    files: dict[str, bytes]
    archive: bytes
    source: Dossier

    def unpack(self, into: Path) -> Path:
        """Its folder, as whoever receives it has it."""
        with zipfile.ZipFile(BytesIO(self.archive)) as archive:
            archive.extractall(into)
        return into / self.name


def make(
    key: SealKey,
    *,
    number: str = "F-2026-117",
    authority: Authority | None = None,
    witnesses: int = 1,
    extensions: tuple[str, ...] = (),
    others: tuple[str, ...] = (),
) -> Made:
    """A dossier of invoice `number`; `others` are signature lines that strangers put on the checkpoint too."""
    xml = write_cii(pages.invoice(3))
    page = render_page(pages.invoice(3), look=Look(), created=AT, xml=xml)
    pdf, original = seal(page, key, at=AT), f'{{"number":"{number}"}}'.encode()
    facts = {
        "sha256_legal": _hex("sha256", pdf),
        "sha512_legal": _hex("sha512", pdf),
        "xml_sha256": _hex("sha256", xml),
    }
    facts |= {"sha256_original": _hex("sha256", original), "sha512_original": _hex("sha512", original)}
    bodies = [canonical({"kind": "act", "place": place}) for place in range(ENTRIES)]
    bodies[SEALED_AT] = canonical({"kind": "document_sealed", "document": number, **facts})
    for place in STORY:
        bodies[place] = canonical({"kind": "delivery_moved", "document": number, "actor": "essai", "place": place})
    tree = TiledTree(ENTRIES, Rows([leaf_hash(body) for body in bodies]).row)
    text = Checkpoint(origin=ORIGIN, size=ENTRIES, root=tree.root(), extensions=extensions).text
    signers = (LOG, *WITNESSES[:witnesses])
    note = write_note(text, [*others, *(signer.line(text, at=AT) for signer in signers)])

    def proved(place: int) -> ProvedEntry:
        proof = TlogProof(index=place, path=tuple(tree.inclusion(place)), checkpoint=note)
        return ProvedEntry(body=bodies[place], proof=proof)

    token = _stamp(note, authority) if authority else b""
    first = ArchiveTimeStamp(algorithm=Hash.SHA512, branch=(), token=token)
    dossier = Dossier(
        number=number,
        pdf=pdf,
        xml=xml,
        original=original,
        original_extension="json",
        sealed=proved(SEALED_AT),
        story=[proved(place) for place in STORY],
        log=LOG.verifier,
        witnesses=[signer.verifier for signer in signers[1:]],
        certificate=DER_cert_to_PEM_cert(key.certificate),
        stamps={"horloge.example": token} if authority else {},
        evidence=EvidenceRecord(chains=((first,),)).dump() if authority else b"",
        stamp_roots=authority.roots.read_bytes() if authority else b"",
    )
    archive = dossier.write(at=AT)
    with zipfile.ZipFile(BytesIO(archive)) as read:
        files = {name.partition("/")[2]: read.read(name) for name in read.namelist()}
    return Made(name=dossier.name, files=files, archive=archive, source=dossier)


def write(files: dict[str, bytes], folder: Path) -> Path:
    """The files as a folder, made anew."""
    shutil.rmtree(folder, ignore_errors=True)
    for name, content in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    return folder


def refreshed(files: dict[str, bytes]) -> dict[str, bytes]:
    """The files with lists that say what they are now, as a forger would write them."""
    payload = {name: content for name, content in files.items() if name.startswith("data/")}
    changed = {**files, "manifest-sha256.txt": _manifest(payload)}
    tags = {name: content for name, content in changed.items() if not name.startswith(("data/", "tagmanifest"))}
    return {**changed, "tagmanifest-sha256.txt": _manifest(tags)}


def shell(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """What verify.sh says, with nothing of ours on its path."""
    return subprocess.run(
        ["sh", "verify.sh", *arguments],
        cwd=folder,
        env={"PATH": "/usr/bin:/bin", "LC_ALL": "C.UTF-8"},
        capture_output=True,
        encoding="utf-8",
        errors="replace",
        check=False,
    )


def _manifest(content: dict[str, bytes]) -> bytes:
    return "".join(f"{_hex('sha256', data)}  {name}\n" for name, data in content.items()).encode()


def _hex(kind: str, data: bytes) -> str:
    return hashlib.new(kind, data).hexdigest()


def _stamp(note: bytes, authority: Authority) -> bytes:
    now = datetime.now(UTC)  # noqa: TID251  # the authority stamps the real hour
    return ask_stamp(note, url=authority.url, roots=load_roots(authority.roots.read_bytes()), now=now).token
