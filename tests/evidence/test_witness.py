"""A witness signs what grew, remembers it, and refuses a journal that went back or tells two stories."""

from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from faitfoi.evidence.checkpoint import Checkpoint
from faitfoi.evidence.merkle import root
from faitfoi.evidence.note import open_note, write_note
from faitfoi.evidence.witness import SIZE_TYPE, Witness, request
from tests.evidence.rows import consistency_proof
from tests.evidence.test_note import LEAVES, LOG, ORIGIN, WITNESS

AT = datetime(2026, 11, 21, 9, 31, tzinfo=UTC)
FORK = [*LEAVES[:5], *reversed(LEAVES[5:])]


@pytest.fixture
def witness(tmp_path: Path) -> Witness:
    return Witness(tmp_path / "memory", signer=WITNESS, logs={ORIGIN: LOG.verifier})


def checkpoint_of(leaves: list[bytes]) -> Checkpoint:
    return Checkpoint(origin=ORIGIN, size=len(leaves), root=root(leaves))


def signed(leaves: list[bytes]) -> bytes:
    text = checkpoint_of(leaves).text
    return write_note(text, [LOG.line(text, at=AT)])


def asked(leaves: list[bytes], *, old: int) -> bytes:
    return request(old=old, proof=consistency_proof(leaves, old), checkpoint=signed(leaves))


def test_a_journal_that_grows_is_cosigned_and_remembered(witness: Witness, tmp_path: Path) -> None:
    for old, new in ((0, 3), (3, 8), (8, 8), (8, 11)):
        answer = witness.add_checkpoint(asked(LEAVES[:new], old=old), at=AT)
        assert answer.status == 200
        text = checkpoint_of(LEAVES[:new]).text
        assert open_note(write_note(text, [answer.body.decode()])).verified_by(WITNESS.verifier) == AT.timestamp()
    again = Witness(tmp_path / "memory", signer=WITNESS, logs={ORIGIN: LOG.verifier})
    assert again.last_seen(ORIGIN) == checkpoint_of(LEAVES)


def test_a_restored_backup_is_seen(witness: Witness) -> None:
    witness.add_checkpoint(asked(LEAVES[:8], old=0), at=AT)
    answer = witness.add_checkpoint(asked(LEAVES[:6], old=6), at=AT)
    assert (answer.status, answer.body, answer.content_type) == (409, b"8\n", SIZE_TYPE)
    assert witness.add_checkpoint(request(old=8, proof=[], checkpoint=signed(LEAVES[:6])), at=AT).status == 400


def test_a_fork_is_seen_at_the_same_size_and_further(witness: Witness) -> None:
    witness.add_checkpoint(asked(LEAVES[:8], old=0), at=AT)
    assert witness.add_checkpoint(asked(FORK[:8], old=8), at=AT).status == 409
    assert witness.add_checkpoint(asked(FORK, old=8), at=AT).status == 422
    assert witness.last_seen(ORIGIN) == checkpoint_of(LEAVES[:8])


def test_only_journals_it_was_told_of_are_cosigned(witness: Witness) -> None:
    text = replace(checkpoint_of(LEAVES), origin="autre.example").text
    unknown = request(old=0, proof=[], checkpoint=write_note(text, [LOG.line(text, at=AT)]))
    assert witness.add_checkpoint(unknown, at=AT).status == 404
    text = checkpoint_of(LEAVES).text
    unsigned = request(old=0, proof=[], checkpoint=write_note(text, [WITNESS.line(text, at=AT)]))
    assert witness.add_checkpoint(unsigned, at=AT).status == 403


@pytest.mark.parametrize("body", [b"", b"old x\n\n", b"old 01\n\nnote", b"\xff\n\n", b"old 0\nAA\n\n" + b"a\n\nb"])
def test_what_cannot_be_read_is_refused(witness: Witness, body: bytes) -> None:
    assert witness.add_checkpoint(body, at=AT).status == 400


def test_a_proof_longer_than_any_tree_is_refused(witness: Witness) -> None:
    body = request(old=0, proof=[b"\0" * 32] * 64, checkpoint=signed(LEAVES))
    assert witness.add_checkpoint(body, at=AT).status == 400
