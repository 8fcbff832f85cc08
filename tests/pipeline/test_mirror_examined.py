"""`faitfoi fsck` reads the journal's mirror too: a restore needs it, and nobody else would notice that it lies."""

from pathlib import Path

import pytest
from pytest_django import Settings

from faitfoi.accounts.models import User
from faitfoi.accounts.tenancy import acting_for
from faitfoi.evidence.fsck import Problem, ProblemKind
from faitfoi.pipeline.elimination import approve_elimination, request_elimination, run
from faitfoi.pipeline.examination import examine_installation
from faitfoi.pipeline.mirroring import places_in_mirror, segments
from faitfoi.pipeline.witnessing import witnessed
from faitfoi.records.models import JournalEntry, JournalLeaf
from tests.pipeline.cast import Scene, file, shelf

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def mirrored(scene: Scene) -> Scene:
    scene.send(file("F-1"), file("F-2"))
    witnessed()
    assert examine_installation().problems == ()
    return scene


def lie(path: Path, *, at: int, zeros: int = 0) -> None:
    """Change one bit, or make some bytes zeros."""
    content = bytearray(path.read_bytes())
    if zeros:
        content[at : at + zeros] = bytes(zeros)
    else:
        content[at] ^= 1
    path.chmod(0o640)
    path.write_bytes(content)


def problems() -> list[Problem]:
    return list(examine_installation().problems)


def test_a_bit_of_a_segment_is_named(mirrored: Scene) -> None:
    path = shelf().root / segments()[0].name
    lie(path, at=path.stat().st_size // 2)
    (found,) = problems()
    assert (found.kind, found.object) == (ProblemKind.MIRROR_ALTERED, segments()[0].name)


def test_a_bit_of_the_details_is_named(mirrored: Scene) -> None:
    _, pack, offset, size = next(iter(places_in_mirror(segments()[-1])))
    lie(shelf().root / pack, at=offset + size // 2)
    assert {(each.kind, each.object) for each in problems()} == {(ProblemKind.MIRROR_ALTERED, pack)}


@pytest.mark.parametrize("what", ["segment", "details"])
def test_a_file_that_is_gone_is_named(mirrored: Scene, what: str) -> None:
    segment = segments()[-1]
    name = segment.name if what == "segment" else next(iter(places_in_mirror(segment)))[1]
    (shelf().root / name).unlink()
    assert {(each.kind, each.object) for each in problems()} == {(ProblemKind.MIRROR_MISSING, name)}


def test_what_an_elimination_blanked_is_sound_and_what_another_blanked_is_not(
    mirrored: Scene, alice: User, bob: User, settings: Settings
) -> None:
    settings.FAITFOI_TODAY = "2037-01-01"
    organisation_id = mirrored.organisation.id
    ids = [mirrored.document("F-1").id]
    asked = request_elimination(organisation_id, ids, reason="Terme.", actor=f"user:{alice.pk}")
    approve_elimination(organisation_id, asked.id, actor=f"user:{bob.pk}")
    run(organisation_id, asked.id, actor="worker")
    witnessed()
    assert problems() == []
    with acting_for(organisation_id):
        living = JournalEntry.objects.get(kind="document_sealed", document_id=mirrored.document("F-2").id)
    place_of_living = JournalLeaf.objects.get(entry_id=living.id)
    for segment in segments():
        for index, pack, offset, size in places_in_mirror(segment):
            if index == place_of_living.index:
                lie(shelf().root / pack, at=offset, zeros=size)
                assert {(each.kind, each.object) for each in problems()} == {(ProblemKind.MIRROR_ALTERED, pack)}
                return
    pytest.fail("the entry has no place in the mirror")
