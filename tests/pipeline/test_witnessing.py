"""Nothing leaves before a witness has seen it, and a journal that went back numbers and sends nothing."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from django.db import transaction
from pytest_django import Settings

from faitfoi.accounts.tenancy import acting_for
from faitfoi.evidence.checkpoint import open_checkpoint
from faitfoi.evidence.leaves import leaf_hash
from faitfoi.evidence.tiles import TiledTree
from faitfoi.evidence.tlog_proof import TlogProof
from faitfoi.evidence.witness_wire import open_witness, witness_server
from faitfoi.pipeline.witnessing import (
    JournalBehind,
    forget_keys,
    log_signer,
    may_number,
    may_send,
    witness_key,
    witnessed,
)
from faitfoi.records.journal import row, sequence, write_entry
from faitfoi.records.models import Alarm, Checkpoint, JournalEntry, JournalLeaf
from faitfoi.records.stages import LineOutcome, Stage
from tests.pipeline.cast import Scene, file

pytestmark = pytest.mark.django_db(transaction=True)


class Undone(Exception):
    """What a restored backup does to all that came after it."""


def write_some(scene: Scene, count: int, *, kind: str = "act") -> None:
    with acting_for(scene.organisation.id):
        for _ in range(count):
            write_entry(kind, actor="alice")


def lose_what_the_witness_saw(scene: Scene, count: int) -> None:
    """Have entries cosigned, then take them away, as a backup restored over the database would."""
    try:
        with transaction.atomic():
            write_some(scene, count)
            witnessed()
            raise Undone
    except Undone:
        return


@contextmanager
def far_witness(folder: Path, settings: Settings) -> Iterator[str]:
    """A witness that answers over HTTP on loopback; yields its address."""
    witness = open_witness(folder, name="temoin.example", key=b"w" * 32, logs=(log_signer().verifier.vkey,))
    server = witness_server(witness, host="127.0.0.1", port=0)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    settings.FAITFOI_WITNESS = f"http://127.0.0.1:{server.server_address[1]}"
    settings.FAITFOI_WITNESS_KEY = witness.verifier.vkey
    forget_keys()
    try:
        yield settings.FAITFOI_WITNESS
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
        forget_keys()


def test_what_leaves_is_under_a_cosigned_checkpoint(scene: Scene) -> None:
    scene.send(file("F-1"))
    with acting_for(scene.organisation.id):
        entry = JournalEntry.objects.get(kind="document_sealed")
    index = JournalLeaf.objects.get(entry_id=entry.id).index
    assert index is not None
    checkpoint = Checkpoint.objects.filter(size__gt=index).order_by("size").first()
    assert checkpoint is not None
    path = TiledTree(checkpoint.size, row).inclusion(index)
    proof = TlogProof(index=index, path=tuple(path), checkpoint=checkpoint.note.encode())
    proof.verify(leaf_hash(entry.body.encode()), log=log_signer().verifier, witnesses=[witness_key()])


def test_deliveries_wait_for_a_silent_witness(scene: Scene, settings: Settings) -> None:
    settings.FAITFOI_WITNESS_KEY = witness_key().vkey
    settings.FAITFOI_WITNESS = "http://127.0.0.1:9"
    forget_keys()
    scene.prepare(scene.hand_over(file("F-1")))
    scene.deliver()
    assert scene.stage("F-1") is Stage.ROUTED
    assert scene.mails() == []
    assert "ne répond pas" in Alarm.objects.get(cause="witness").sentence

    settings.FAITFOI_WITNESS = settings.FAITFOI_WITNESS_KEY = ""
    forget_keys()
    scene.deliver()
    assert scene.stage("F-1") is Stage.ACCEPTED
    assert not Alarm.objects.exists()


def test_a_restored_backup_stops_numbers_and_sending(scene: Scene) -> None:
    batch = scene.hand_over(file("F-1"))
    scene.prepare(batch)
    lose_what_the_witness_saw(scene, 30)

    assert not may_send()
    assert not may_number()
    scene.deliver()
    assert scene.stage("F-1") is Stage.ROUTED
    later = scene.hand_over(file("F-2"))
    scene.prepare(later)
    assert [line.outcome for line in scene.lines(later)] == [LineOutcome.WAITING]
    assert "ramenée en arrière" in Alarm.objects.get(cause="rollback").sentence


def test_a_journal_that_grew_anew_after_a_restore_is_a_fork(scene: Scene) -> None:
    scene.prepare(scene.hand_over(file("F-1")))
    lose_what_the_witness_saw(scene, 3)
    write_some(scene, 3, kind="other_act")
    sequence()
    with pytest.raises(JournalBehind, match="réécrit"):
        witnessed()
    write_some(scene, 5)
    sequence()
    with pytest.raises(JournalBehind, match="réécrit"):
        witnessed()


def test_a_witness_elsewhere_cosigns_over_http(scene: Scene, settings: Settings, tmp_path: Path) -> None:
    with far_witness(tmp_path, settings):
        scene.send(file("F-1"))
        assert scene.stage("F-1") is Stage.ACCEPTED
        last = Checkpoint.objects.latest("size")
        _, note = open_checkpoint(last.note.encode(), log_signer().verifier)
        assert note.verified_by(witness_key())
        assert witness_key().name == "temoin.example"


def test_a_large_journal_is_proved_by_its_tiles(scene: Scene) -> None:
    write_some(scene, 600)
    size = witnessed()
    leaves = [bytes(leaf) for (leaf,) in JournalLeaf.objects.order_by("index").values_list("leaf")]
    assert len(leaves) == size
    checkpoint, _ = open_checkpoint(Checkpoint.objects.get(size=size).note.encode(), log_signer().verifier)
    assert checkpoint.root == TiledTree(size, row).root()
