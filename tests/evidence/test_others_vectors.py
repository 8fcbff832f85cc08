"""Figures published by others, and another's Merkle tree, read as ours are."""

import hashlib

import pymerkle
import pytest

from faitfoi.evidence import merkle
from faitfoi.evidence.checkpoint import Checkpoint
from faitfoi.evidence.leaves import leaf_hash
from faitfoi.evidence.note import NoteRefused, Verifier, open_note
from faitfoi.evidence.tiles import TiledTree
from faitfoi.evidence.tlog_proof import TlogProof
from tests.evidence.rows import Rows

# Go, golang.org/x/mod/sumdb/note, the example of its documentation (the key type and note that C2SP signed-note took).
GO_KEY = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW"
GO_NOTE = (
    "If you think cryptography is the answer to your problem,\n"
    "then you don't know what your problem is.\n"
    "\n"
    "— PeterNeumann x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM=\n"
)
# C2SP tlog-cosignature, the example of its introduction: a checkpoint with the log's signature and a cosignature.
C2SP_CHECKPOINT = (
    "example.com/behind-the-sofa\n"
    "20852163\n"
    "CsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n"
    "\n"
    "— example.com/behind-the-sofa "
    "Az3grlgtzPICa5OS8npVmf1Myq/5IZniMp+ZJurmRDeOoRDe4URYN7u5/Zhcyv2q1gGzGku9nTo+zyWE+xeMcTOAYQ8=\n"
    "— witness.example.com/w1 "
    "jWbPPwAAAABkGFDLEZMHwSRaJNiIDoe9DYn/zXcrtPHeolMI5OWXEhZCB9dlrDJsX3b2oyin1nPZqhf5nNo0xUe+mbIUBkBIfZ+qnA==\n"
)


def test_a_note_signed_by_go_verifies() -> None:
    key = Verifier.parse(GO_KEY)
    assert key.vkey == GO_KEY
    assert open_note(GO_NOTE.encode()).verified_by(key) == 0
    with pytest.raises(NoteRefused):
        open_note(GO_NOTE.replace("problem is", "problem was").encode()).verified_by(key)


def test_the_checkpoint_of_the_specification_is_read() -> None:
    note = open_note(C2SP_CHECKPOINT.encode())
    checkpoint = Checkpoint.parse(note.text)
    assert (checkpoint.origin, checkpoint.size) == ("example.com/behind-the-sofa", 20_852_163)
    assert [signature.name for signature in note.signatures] == [checkpoint.origin, "witness.example.com/w1"]
    cosignature = note.signatures[1]
    assert (len(note.signatures[0].blob), len(cosignature.blob)) == (64, 72)
    assert int.from_bytes(cosignature.blob[:8], "big") == 1_679_315_147


def test_a_proof_in_the_form_of_the_specification_is_read() -> None:
    # C2SP tlog-proof, the hashes of its introduction's example under the checkpoint above.
    hashes = [
        "gSKyXoYZUgZ6jduWYrkDOARinOMGJveXjgMkBTcdPlQ=",
        "B95lDa8R83lS8n0eG+o0buTxRKQTYFi//1U8anccXmA=",
        "EKNzoDWG8LGC0Yp9o+sv3qllpMP9uHQ9B20KNL+Q1zs=",
    ]
    written = "\n".join(["c2sp.org/tlog-proof@v1", "index 73894", *hashes, "", C2SP_CHECKPOINT]).encode()
    proof = TlogProof.parse(written)
    assert (proof.index, len(proof.path), proof.checkpoint) == (73_894, 3, C2SP_CHECKPOINT.encode())
    assert proof.dump() == written


@pytest.mark.parametrize("size", [1, 2, 3, 7, 8, 64, 255, 256, 257, 300])
def test_pymerkle_has_the_same_roots_and_proofs(size: int) -> None:
    """Another's RFC 6962 tree (GPL: an oracle, never shipped)."""
    entries = [hashlib.sha256(bytes([place % 256, size % 256])).hexdigest().encode() for place in range(size)]
    theirs = pymerkle.InmemoryTree(algorithm="sha256")
    for entry in entries:
        theirs.append_entry(entry)
    leaves = [leaf_hash(entry) for entry in entries]
    ours = TiledTree(size, Rows(leaves).row)

    assert theirs.get_root() == ours.root() == merkle.root(leaves)
    for place in {0, size // 2, size - 1}:
        path = ours.inclusion(place)
        assert merkle.verify_inclusion(leaves[place], index=place, size=size, proof=path, head=theirs.get_root())
        first, *told = theirs.prove_inclusion(place + 1, size).path
        assert (first, told) == (leaves[place], path)
