"""Verifies an attestation from its bytes alone: its seal, and what it says of the journal.

An attestation is a sealed page; `attestation.json`, attached to it, holds the same statements for programs.
"""

import hashlib
import json
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from ssl import PEM_cert_to_DER_cert
from typing import Any

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from faitfoi.evidence.dossier_check import Lie, Verified, pinned
from faitfoi.evidence.leaves import NotCanonical, leaf_hash, read_canonical
from faitfoi.evidence.note import NoteRefused, Verifier, open_note
from faitfoi.evidence.seal_check import SealState, check_seal
from faitfoi.evidence.tlog_proof import TlogProof

DATA = "attestation.json"
KEPT = ("document_sealed", "document_rendered")
JOURNAL, SEAL, STAMPS = "clé du journal", "certificat du cachet", "racines d’horodatage"


@dataclass(frozen=True, slots=True, kw_only=True)
class Proved:
    """What the proofs of an attestation lead to."""

    size: int = 0
    seen_at: int = 0


def fingerprint_of_key(key: Verifier) -> str:
    """The SHA-256, in hex, of a public key written as SubjectPublicKeyInfo in DER: what `openssl` prints too."""
    public = Ed25519PublicKey.from_public_bytes(key.public)
    der = public.public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
    return hashlib.sha256(der).hexdigest()


def verify_attestation(
    pdf: bytes, data: bytes, *, pins: Sequence[str] = (), known: Collection[str] | None = None
) -> Verified:
    """Judge a sealed page and the data attached to it. Never raises for what they hold.

    `fingerprints` of the answer are computed from the keys that really vouch; whoever checks compares them with those
    already known: `pins` and `known` do so, as for a dossier.
    """
    try:
        facts = json.loads(data)
        certificate = PEM_cert_to_DER_cert(facts["certificate"])
        state = check_seal(pdf, [certificate])
        log = Verifier.parse(facts["log"])
        witnesses = [Verifier.parse(each) for each in facts["witnesses"]]
        stated: Mapping[str, str] = dict(facts["fingerprints"])
        entries, objects = list(facts["entries"]), list(facts["objects"])
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError, NoteRefused):
        return Verified(
            lies=(Lie(file=DATA, sentence="ce ne sont pas les données d’une attestation"),), fingerprints={}
        )
    lies = []
    if state is not SealState.INTACT:
        lies.append(Lie(file="page", sentence=f"son cachet ne tient pas ({state.value})"))
    found = {
        JOURNAL: fingerprint_of_key(log),
        **{f"clé du témoin {each.name}": fingerprint_of_key(each) for each in witnesses},
        SEAL: hashlib.sha256(certificate).hexdigest(),
    }
    lies += [
        Lie(file=DATA, sentence=f"l’empreinte dite « {name} » n’est pas celle de la clé qui signe")
        for name, digest in found.items()
        if stated.get(name) != digest
    ]
    proved = Proved()
    named: set[str] = set()
    for each in entries:
        try:
            proved = _proved(each, log, witnesses)
            named |= _digests(each["body"])
        except (NoteRefused, NotCanonical, KeyError, TypeError, AttributeError) as error:
            lies.append(Lie(file=DATA, sentence=f"une écriture n’est pas au journal à la place dite ({error})"))
    lies += _unnamed(objects, named)
    lies += pinned(found, pins, known)
    everything = {**stated, **found}
    return Verified(lies=tuple(lies), fingerprints=everything, size=proved.size, seen_at=proved.seen_at)


def _proved(entry: Mapping[str, str], log: Verifier, witnesses: list[Verifier]) -> Proved:
    proof = TlogProof.parse(entry["proof"].encode())
    checkpoint = proof.verify(leaf_hash(entry["body"].encode()), log=log, witnesses=witnesses)
    note = open_note(proof.checkpoint)
    seen = [at for each in witnesses if (at := note.verified_by(each)) is not None]
    return Proved(size=checkpoint.size, seen_at=max(seen, default=0))


def _digests(body: str) -> set[str]:
    facts = read_canonical(body.encode())
    named = {str(value) for name, value in facts.items() if name.startswith(("sha256", "sha512", "xml_sha256"))}
    listed = facts.get("fingerprints")
    return named | {str(each) for each in listed} if isinstance(listed, list) else named


def _unnamed(objects: list[Any], named: set[str]) -> Iterator[Lie]:
    """Objects that the page attests and no entry of the journal names under both of their fingerprints."""
    for each in objects:
        if not isinstance(each, dict) or not {each.get("sha256"), each.get("sha512")} <= named:
            yield Lie(file=DATA, sentence="un fichier attesté n’est nommé par aucune écriture du journal")
