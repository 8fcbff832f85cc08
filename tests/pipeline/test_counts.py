"""The batch's arithmetic is conserved wherever its lines and deliveries stand, and the pages say the same words."""

import random
from datetime import date
from uuid import uuid4

import pytest

from faitfoi.accounts.models import ChannelKey, Organisation
from faitfoi.accounts.tenancy import acting_for
from faitfoi.pipeline.counts import LABELS, Counts, count_batch, place_of, stage_of
from faitfoi.records.models import Artefact, Batch, BatchLine, Delivery, Document
from faitfoi.records.stages import ArtefactRole, LineOutcome, Purpose, Stage
from tests.pipeline.cast import SILENT, TOWN, VINEYARD, Scene, file, priced

pytestmark = pytest.mark.django_db


def make_document(organisation: Organisation, number: str, *, waiting_for: str = "") -> Document:
    return Document.objects.create(
        organisation=organisation,
        kind="invoice",
        number=number,
        seller_siren=organisation.siren,
        seller_name=organisation.name,
        issue_date=date(2026, 11, 4),
        buyer_name="Client",
        currency="EUR",
        total_with_vat=1,
        due=1,
        format="json",
        original_sha256="0" * 64,
        invoice={},
        waiting_for=waiting_for,
    )


def make_delivery(document: Document, stage: Stage, *, purpose: Purpose = Purpose.LEGAL, sequence: int = 1) -> Delivery:
    role = ArtefactRole.COPY if purpose is Purpose.COPY else ArtefactRole.LEGAL
    artefact, _ = Artefact.objects.get_or_create(
        organisation_id=document.organisation_id,
        document=document,
        role=role,
        defaults={"filename": "x.pdf", "media_type": "application/pdf", "sha256": "0" * 64, "sha512": "", "size": 1},
    )
    return Delivery.objects.create(
        organisation_id=document.organisation_id,
        document=document,
        artefact=artefact,
        purpose=purpose,
        channel=ChannelKey.EMAIL,
        sequence=sequence,
        address="x@y.example",
        reason="",
        key=f"{document.id}:{purpose}:{sequence}",
        message_ref=uuid4().hex[:26],
        stage=stage,
    )


def random_batch(organisation: Organisation, dice: random.Random) -> Batch:
    """Write a batch whose lines stand anywhere that the journey can leave them."""
    batch = Batch.objects.create(
        organisation=organisation, name="x", origin="command", fingerprint=uuid4().hex * 2, created_by="x"
    )
    done: list[Document] = []
    for position in range(1, dice.randint(1, 12)):
        line = BatchLine(
            organisation=organisation, batch=batch, position=position, filename="f", sha256="0" * 64, size=1
        )
        line.outcome = dice.choice(list(LineOutcome))
        if line.outcome in {LineOutcome.READY, LineOutcome.NEEDS_SOMEONE}:
            needs = line.outcome == LineOutcome.NEEDS_SOMEONE
            line.already_done = bool(done) and dice.random() < 0.2
            line.document = dice.choice(done) if line.already_done else None
            if line.document is None:
                line.document = make_document(organisation, f"F-{position}", waiting_for="x" if needs else "")
                if not needs:
                    for sequence in range(1, dice.choice([1, 1, 1, 2]) + 1):
                        make_delivery(line.document, dice.choice(list(Stage)), sequence=sequence)
                    if dice.random() < 0.3:
                        make_delivery(line.document, dice.choice(list(Stage)), purpose=Purpose.COPY)
                done.append(line.document)
        line.save(force_insert=True)
    return batch


@pytest.mark.parametrize("seed", range(25))
def test_every_sum_agrees_wherever_things_stand(cooperative: Organisation, seed: int) -> None:
    """Complaint D38."""
    dice = random.Random(seed)
    total = Counts()
    with acting_for(cooperative.id):
        for _ in range(4):
            batch = random_batch(cooperative, dice)
            counts = count_batch(batch)
            assert counts.disagreements() == []
            assert counts.received == batch.lines.count()
            total += counts
    assert total.disagreements() == []


def test_a_sum_that_does_not_agree_is_said() -> None:
    assert Counts(received=2, ready=1, selected=1, held=1).disagreements() == ["received: 2 ≠ 1"]
    assert Counts(received=1, ready=1, selected=1, sent=1).disagreements() == ["sent: 1 ≠ 0"]
    assert Counts(received=1, ready=1).disagreements() == ["selected = ready: 0 ≠ 1"]


def test_every_stage_has_its_place_and_every_place_its_words() -> None:
    counted = set(Counts().as_dict())
    for stage in Stage:
        assert place_of(stage) in counted
        assert place_of(stage) in LABELS
    assert place_of(Stage.TO_FIND) == place_of(Stage.UNKNOWN) == "unknown"
    assert place_of(Stage.SENDING) == "held"  # nothing is called sent before its answer


def test_only_the_latest_legal_delivery_counts(cooperative: Organisation) -> None:
    with acting_for(cooperative.id):
        document = make_document(cooperative, "F-1")
        make_delivery(document, Stage.RETURNED)
        make_delivery(document, Stage.ACCEPTED, sequence=2)
        make_delivery(document, Stage.RETURNED, purpose=Purpose.COPY, sequence=3)
        assert stage_of(document)[0] == "accepted"


def test_a_whole_batch_ends_where_each_of_its_files_should(scene: Scene) -> None:
    batch = scene.hand_over(
        file("F-1"),
        file("F-2", VINEYARD),
        file("F-3", TOWN),
        file("F-4", SILENT),
        file("F-1"),
        priced("F-2", "7.00", VINEYARD),
        b"rien",
    )
    scene.prepare(batch)
    scene.chorus.state.load_structures({"structures": []})  # closed between the preparation and the deposit
    scene.deliver()
    scene.advance(days=1)
    scene.poll()
    counts = scene.counts(batch)
    expected = Counts(
        received=7,
        ready=4,
        needs_someone=1,
        refused=2,
        selected=4,
        sent=3,
        skipped=1,
        accepted=2,
        rejected=1,
    )
    assert counts == expected
