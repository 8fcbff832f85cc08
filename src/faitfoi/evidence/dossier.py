"""The dossier of one invoice: everything that proves it, in a BagIt bag that openssl and sha256sum can check.

Source: RFC 8493 (BagIt); the layout is told to people in its LISEZMOI.txt.
"""

import hashlib
import io
import zipfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from importlib.resources import files

from cryptography import x509
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from faitfoi.evidence.note import Verifier
from faitfoi.evidence.tlog_proof import TlogProof
from faitfoi.evidence.verifier_page import PAGE, verifier_page

_EXECUTABLE, _PLAIN = 0o755, 0o644
_SCRIPT = "verify.sh"
CHECKPOINT, ENTRY, PDF, XML = "data/checkpoint", "data/entry.json", "data/facture.pdf", "data/factur-x.xml"
PROOF = "data/proof.tlog-proof"
VERSIONS = {"chorus": "data/chorus.pdf", "flow": "data/plateforme.xml", "copy": "data/copie.pdf"}
"""Other renderings of the document that its entry may name, by their role there."""
XML_VERSIONS = {"chorus": "data/chorus.xml"}
"""Where one of them is when it is no PDF."""
EVIDENCE = "data/evidence.ers"
ORIGIN = "data/origine.zip"
LOG_KEY, WITNESS_KEY = "data/cles/journal.pem", "data/cles/temoin.pem"
CERTIFICATE, ROOTS = "data/certificats/cachet.pem", "data/horodatage/racines.pem"


@dataclass(frozen=True, slots=True, kw_only=True)
class Fingerprint:
    """What tells whose a key is: the file of a dossier that holds it, what it is in French, its SHA-256 in hex."""

    file: str
    what: str
    sha256: str


def fingerprints(
    *, log: Verifier, witnesses: Sequence[Verifier] = (), certificate: str = "", stamp_roots: bytes = b""
) -> tuple[Fingerprint, ...]:
    """The fingerprints to print where a dossier's reader finds them apart from it: on attestations, on a site.

    Of keys, the SHA-256 of the SubjectPublicKeyInfo; of certificates, that of their DER, as `openssl x509 -fingerprint
    -sha256` says it. `certificate` (of the seal) and `stamp_roots` are PEM; ValueError when they are not.
    """
    found = [Fingerprint(file=LOG_KEY, what="clé du journal", sha256=_key_digest(log))]
    for place, witness in enumerate(witnesses, start=1):
        what = f"clé du témoin « {witness.name} »"
        found.append(Fingerprint(file=witness_file(place), what=what, sha256=_key_digest(witness)))
    if certificate:
        seal = x509.load_pem_x509_certificate(certificate.encode())
        found.append(Fingerprint(file=CERTIFICATE, what="certificat du cachet", sha256=_certificate_digest(seal)))
    roots = x509.load_pem_x509_certificates(stamp_roots) if stamp_roots else []
    of_roots = (Fingerprint(file=ROOTS, what="racine d’horodatage", sha256=_certificate_digest(root)) for root in roots)
    return (*found, *of_roots)


def witness_file(place: int) -> str:
    """The file of the key of the first, second… witness; its name is beside it, in the same name with `.nom`."""
    return WITNESS_KEY if place == 1 else WITNESS_KEY.replace(".pem", f"-{place}.pem")


def version_file(role: str, content: bytes) -> str:
    """Name the file of another rendering in the dossier, by its role and by whether it is a PDF."""
    return VERSIONS[role] if content.startswith(b"%PDF") else XML_VERSIONS.get(role, VERSIONS[role])


@dataclass(frozen=True, slots=True, kw_only=True)
class ProvedEntry:
    """One journal entry as it is hashed, and the proof of its place."""

    body: bytes
    proof: TlogProof


@dataclass(frozen=True, slots=True, kw_only=True)
class Dossier:
    """What goes in: the sealed PDF, its XML, the file as received, its entry and those of its story, keys and seal.

    All proofs stand under one checkpoint, which the log and each of `witnesses` have signed; `stamps` vouch for its
    time (RFC 3161 tokens by authority), and `stamp_roots` are their roots in PEM. `certificate` is the PEM of the
    seal, empty when somebody else had signed; `versions` are other renderings, by their role (a key of VERSIONS).
    `evidence` is the evidence record of the checkpoint (RFC 4998), if there is one. `origin` is, for a document that
    another installation had sealed, the dossier by the journal of that place, whole; `sealed` then tells the import.
    """

    number: str
    pdf: bytes = field(repr=False)
    xml: bytes = field(repr=False)
    original: bytes = field(repr=False)
    original_extension: str
    sealed: ProvedEntry
    story: Sequence[ProvedEntry]
    log: Verifier
    witnesses: Sequence[Verifier]
    certificate: str = ""
    stamps: Mapping[str, bytes] = field(default_factory=dict)
    stamp_roots: bytes = b""
    versions: Mapping[str, bytes] = field(default_factory=dict, repr=False)
    evidence: bytes = field(default=b"", repr=False)
    origin: bytes = field(default=b"", repr=False)

    @property
    def name(self) -> str:
        """The folder that the archive holds."""
        return dossier_name(self.number)

    def write(self, *, at: datetime) -> bytes:
        """The bag as a ZIP archive, the same bytes for the same content and second."""
        payload = self._payload()
        tags = {
            "bagit.txt": b"BagIt-Version: 1.0\nTag-File-Character-Encoding: UTF-8\n",
            "bag-info.txt": self._bag_info(payload, at=at).encode(),
            "manifest-sha256.txt": _manifest(payload),
            "LISEZMOI.txt": self._read_me().encode(),
            _SCRIPT: (files("faitfoi.evidence") / "data" / _SCRIPT).read_bytes(),
            PAGE: verifier_page(),
        }
        return _zipped(self.name, {**tags, "tagmanifest-sha256.txt": _manifest(tags), **payload}, at=at)

    def _payload(self) -> dict[str, bytes]:
        payload = {
            PDF: self.pdf,
            **({XML: self.xml} if self.xml else {}),
            f"data/original.{self.original_extension}": self.original,
            ENTRY: self.sealed.body,
            PROOF: self.sealed.proof.dump(),
            CHECKPOINT: self.sealed.proof.checkpoint,
            LOG_KEY: _pem(self.log),
            **{version_file(role, content): content for role, content in self.versions.items()},
        }
        for place, witness in enumerate(self.witnesses, start=1):
            name = witness_file(place)
            payload |= {name: _pem(witness), name.replace(".pem", ".nom"): f"{witness.name}\n".encode()}
        for entry in self.story:
            name = f"data/journal/{entry.proof.index:012d}"
            payload |= {f"{name}.json": entry.body, f"{name}.tlog-proof": entry.proof.dump()}
        for authority, token in self.stamps.items():
            payload[f"data/horodatage/{_plain(authority)}.tst"] = token
        if self.stamps:
            payload[ROOTS] = _certificates(self.stamp_roots)
        if self.evidence:
            payload[EVIDENCE] = self.evidence
        if self.origin:
            payload[ORIGIN] = self.origin
        if self.certificate:
            payload[CERTIFICATE] = _certificates(self.certificate.encode())
        return payload

    def _bag_info(self, payload: Mapping[str, bytes], *, at: datetime) -> str:
        octets = sum(map(len, payload.values()))
        return (
            f"Bagging-Date: {at.astimezone(UTC):%Y-%m-%d}\nExternal-Identifier: {self.number}\n"
            f"Payload-Oxum: {octets}.{len(payload)}\n"
        )

    def _read_me(self) -> str:
        return f"""Dossier de preuve de la facture {self.number}

Pour le vérifier, hors ligne et sans Faitfoi, au choix :
- ouvrez verifier.html dans un navigateur, et choisissez-y ce dossier (ou le ZIP) ;
- lancez   sh verify.sh   (il faut openssl 3.0 ou plus, et les commandes ordinaires d’un système GNU).

data/facture.pdf            la facture, avec son cachet électronique
data/factur-x.xml           les mêmes données, telles que le PDF les contient
data/original.{self.original_extension:<13} le fichier tel qu’il a été reçu
data/chorus.pdf, copie.pdf  ses autres versions : celle de Chorus Pro (PDF ou XML), la copie, s’il y en a
data/plateforme.xml         le fichier remis à une plateforme agréée, s’il n’est pas le PDF
data/entry.json             l’écriture du journal faite avec le cachet : elle nomme les fichiers par leurs empreintes
data/proof.tlog-proof       la preuve que cette écriture est au journal, à sa place (C2SP tlog-proof)
data/checkpoint             l’état du journal, signé par lui et par un témoin (C2SP tlog-checkpoint, tlog-cosignature)
data/horodatage/            l’heure du point de contrôle, signée par une autorité d’horodatage (RFC 3161), s’il y en a
data/evidence.ers           la preuve d’ancienneté du point de contrôle (RFC 4998) : l’horodatage et ses renouvellements
data/origine.zip            pour une facture importée d’une autre installation : le dossier par le journal de là-bas
data/journal/               les autres écritures de cette facture, chacune avec sa preuve
data/cles/, certificats/    les clés publiques du journal et du témoin, le certificat du cachet

Ce que la vérification montre : la facture et l’original sont, octet pour octet, ceux que l’écriture nomme ; l’écriture
est au journal ; le journal a été vu par le témoin à la date dite ; le cachet couvre toute la facture.

Ce qu’elle ne montre pas : à qui sont les clés. Comparez leurs empreintes, que la vérification affiche, avec celles que
l’émetteur imprime sur ses attestations. Ou faites-les comparer :
    sh verify.sh --pin sha256=EMPREINTE      cette clé, ce certificat ou cette racine doit être du dossier
    sh verify.sh --pin FICHIER               toutes les clés du dossier doivent être parmi celles du fichier
                                             (un texte où sont des empreintes, 64 signes hexadécimaux chacune)
Et verify.sh ou verifier.html, s’ils viennent du dossier, valent ce que vaut qui l’a fait : en cas de doute, prenez ceux
d’un autre dossier, ou « faitfoi verify ».
"""


def dossier_name(number: str) -> str:
    """What the dossier of an invoice is called, without surprises for any file system."""
    return f"dossier-{_plain(number)[:60] or 'sans-numero'}"


def _plain(name: str) -> str:
    return "".join(c if c.isascii() and (c.isalnum() or c in "-.") else "-" for c in name).strip("-.")


def _manifest(content: Mapping[str, bytes]) -> bytes:
    return "".join(f"{hashlib.sha256(data).hexdigest()}  {name}\n" for name, data in content.items()).encode()


def _pem(key: Verifier) -> bytes:
    return Ed25519PublicKey.from_public_bytes(key.public).public_bytes(
        serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    )


def _certificates(pem: bytes) -> bytes:
    """The certificates of a PEM file in their one writing, without what others leave between them."""
    found = x509.load_pem_x509_certificates(pem)
    return b"".join(certificate.public_bytes(serialization.Encoding.PEM) for certificate in found)


def _key_digest(key: Verifier) -> str:
    der = Ed25519PublicKey.from_public_bytes(key.public).public_bytes(
        serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    return hashlib.sha256(der).hexdigest()


def _certificate_digest(certificate: x509.Certificate) -> str:
    return hashlib.sha256(certificate.public_bytes(serialization.Encoding.DER)).hexdigest()


def _zipped(folder: str, content: Mapping[str, bytes], *, at: datetime) -> bytes:
    written = io.BytesIO()
    moment = at.astimezone(UTC).timetuple()[:6]
    with zipfile.ZipFile(written, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in content.items():
            member = zipfile.ZipInfo(f"{folder}/{name}", date_time=moment)
            member.external_attr = (0o100000 | (_EXECUTABLE if name == _SCRIPT else _PLAIN)) << 16
            member.compress_type = zipfile.ZIP_DEFLATED
            archive.writestr(member, data)
    return written.getvalue()
