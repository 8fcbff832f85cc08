"""Signed notes, checkpoints and proofs: what was signed verifies, with OpenSSL too, and nothing else does."""

import hashlib
import subprocess
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from hypothesis import given
from hypothesis import strategies as st

from faitfoi.evidence.checkpoint import Checkpoint, open_checkpoint
from faitfoi.evidence.merkle import root
from faitfoi.evidence.note import KeyType, NoteRefused, Signer, Verifier, cosigned, open_note, write_note
from faitfoi.evidence.tlog_proof import TlogProof
from tests.evidence.rows import inclusion_proof

AT = datetime(2026, 11, 21, 9, 30, tzinfo=UTC)
ORIGIN = "cuma.example/journal"
LOG = Signer(name=ORIGIN, key=Ed25519PrivateKey.from_private_bytes(b"L" * 32), kind=KeyType.LOG)
WITNESS = Signer(name="temoin.example", key=Ed25519PrivateKey.from_private_bytes(b"W" * 32), kind=KeyType.WITNESS)
LEAVES = [hashlib.sha256(bytes([number])).digest() for number in range(11)]
CHECKPOINT = Checkpoint(origin=ORIGIN, size=len(LEAVES), root=root(LEAVES))
NOTE = write_note(CHECKPOINT.text, [LOG.line(CHECKPOINT.text, at=AT), WITNESS.line(CHECKPOINT.text, at=AT)])
PROOF = TlogProof(index=4, path=tuple(inclusion_proof(LEAVES, 4)), checkpoint=NOTE)


def openssl_accepts(message: bytes, signature: bytes, public: bytes, folder: Path) -> bool:
    """Whether OpenSSL verifies an Ed25519 signature."""
    pem = Ed25519PublicKey.from_public_bytes(public).public_bytes(
        serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    for name, content in (("message", message), ("signature", signature), ("key", pem)):
        (folder / name).write_bytes(content)
    command = "openssl pkeyutl -verify -pubin -inkey key -rawin -in message -sigfile signature"
    return subprocess.run(command.split(), cwd=folder, capture_output=True, check=False).returncode == 0


def test_openssl_verifies_the_log_and_the_witness(tmp_path: Path) -> None:
    note = open_note(NOTE)
    by_log, by_witness = note.signatures
    assert openssl_accepts(note.text.encode(), by_log.blob, LOG.verifier.public, tmp_path)
    seconds = int.from_bytes(by_witness.blob[:8], "big")
    assert seconds == AT.timestamp()
    assert openssl_accepts(cosigned(note.text, seconds), by_witness.blob[8:], WITNESS.verifier.public, tmp_path)
    assert not openssl_accepts(cosigned(note.text, seconds + 1), by_witness.blob[8:], WITNESS.verifier.public, tmp_path)


def test_a_note_says_who_signed_and_when() -> None:
    note = open_note(NOTE)
    assert note.verified_by(LOG.verifier) == 0
    assert note.verified_by(WITNESS.verifier) == AT.timestamp()
    assert note.verified_by(replace(WITNESS.verifier, name="autre.example")) is None


def test_the_key_identifier_is_that_of_the_specification() -> None:
    key = LOG.verifier
    assert key.key_id == hashlib.sha256(ORIGIN.encode() + b"\n\x01" + key.public).digest()[:4]
    assert Verifier.parse(key.vkey) == key
    assert key.vkey.startswith(f"{ORIGIN}+{key.key_id.hex()}+")


@pytest.mark.parametrize(
    "vkey", ["", "a+b", "a b+00000000+AQ==", LOG.verifier.vkey.replace(ORIGIN, "autre"), f"{LOG.verifier.vkey}AAAA"]
)
def test_what_is_no_verifier_key_is_refused(vkey: str) -> None:
    with pytest.raises(NoteRefused):
        Verifier.parse(vkey)


@given(st.integers(0, len(PROOF.dump()) - 1), st.integers(1, 255))
def test_no_byte_of_a_proof_can_change(place: int, change: int) -> None:
    altered = bytearray(PROOF.dump())
    altered[place] ^= change
    with pytest.raises(NoteRefused):
        TlogProof.parse(bytes(altered)).verify(LEAVES[4], log=LOG.verifier, witnesses=[WITNESS.verifier])


def test_a_proof_is_of_its_entry_alone() -> None:
    proof = TlogProof.parse(PROOF.dump())
    assert proof == PROOF
    assert proof.verify(LEAVES[4], log=LOG.verifier, witnesses=[WITNESS.verifier]) == CHECKPOINT
    with pytest.raises(NoteRefused, match="not at index 4"):
        proof.verify(LEAVES[5], log=LOG.verifier)
    with pytest.raises(NoteRefused, match="index 5"):
        replace(proof, index=5).verify(LEAVES[4], log=LOG.verifier)


def test_a_checkpoint_without_its_witness_is_refused() -> None:
    alone = write_note(CHECKPOINT.text, [LOG.line(CHECKPOINT.text, at=AT)])
    with pytest.raises(NoteRefused, match="temoin"):
        replace(PROOF, checkpoint=alone).verify(LEAVES[4], log=LOG.verifier, witnesses=[WITNESS.verifier])


def test_a_checkpoint_signed_by_nobody_known_is_refused() -> None:
    stranger = replace(LOG, key=Ed25519PrivateKey.from_private_bytes(b"S" * 32))
    with pytest.raises(NoteRefused, match="has not signed"):
        open_checkpoint(write_note(CHECKPOINT.text, [stranger.line(CHECKPOINT.text, at=AT)]), LOG.verifier)


def test_extension_lines_are_kept_and_signed() -> None:
    longer = Checkpoint.parse(f"{CHECKPOINT.text}more\n")
    assert (longer.extensions, longer.text) == (("more",), f"{CHECKPOINT.text}more\n")
    assert longer.root == CHECKPOINT.root


@pytest.mark.parametrize(
    "text", ["a\n1\n", "a\n01\nAAAA\n", f"{CHECKPOINT.text}\nmore\n", CHECKPOINT.text.replace("=", ""), "\n1\n1\n"]
)
def test_what_is_no_checkpoint_is_refused(text: str) -> None:
    with pytest.raises(NoteRefused):
        Checkpoint.parse(text)


@given(st.binary(max_size=200))
def test_bytes_of_any_kind_are_read_or_refused(data: bytes) -> None:
    for reader in (open_note, TlogProof.parse):
        try:
            reader(data)
        except NoteRefused:
            continue
