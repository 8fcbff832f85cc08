"""What the archive has acknowledged can be had again; what nobody claimed goes away; the others see nothing."""

import json
import os
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from django.utils import timezone

from faitfoi.accounts.models import Organisation
from faitfoi.accounts.tenancy import acting_for
from faitfoi.evidence.shelf import FolderShelf, ObjectAltered, ObjectMissing
from faitfoi.evidence.shelves import open_shelf
from faitfoi.evidence.store import Store
from faitfoi.pipeline import archive, sweeping
from faitfoi.pipeline.archive import claim, fetch, kept_until, pack
from faitfoi.pipeline.sweeping import sweep_orphans
from faitfoi.records.models import JournalEntry, StoredObject
from tests.conftest import forget_the_journal
from tests.evidence.s3_bucket import bucket_server
from tests.pipeline.cast import ACTOR, keep

pytestmark = pytest.mark.django_db(transaction=True)

CONTENTS = [b"facture", b"<Invoice/>", b"%PDF-1.7 " * 100]


@pytest.fixture
def two_copies(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Store:
    """An installation with two shelves of its own."""
    forget_the_journal()
    made = Store(FolderShelf(tmp_path / "first"), FolderShelf(tmp_path / "second"))
    monkeypatch.setattr(archive, "store", lambda: made)
    monkeypatch.setattr(sweeping, "store", lambda: made)
    return made


def test_what_is_claimed_is_fetched_and_journalled_once(cooperative: Organisation, two_copies: Store) -> None:
    kept = pack(cooperative.id, CONTENTS)
    for _ in range(2):
        with acting_for(cooperative.id):
            claim(kept, actor=ACTOR)
    assert [fetch(cooperative.id, placed.digest.sha256) for placed in kept.objects] == CONTENTS
    with acting_for(cooperative.id):
        (body,) = JournalEntry.objects.filter(kind="objects_kept").values_list("body", flat=True)
        assert StoredObject.objects.count() == len(CONTENTS)
    told = json.loads(body)
    assert (told["pack"], told["sha512"], told["retention"]) == (kept.digest.sha256, kept.digest.sha512, "invoice")
    assert told["objects"] == [
        f"{placed.digest.sha256} {placed.digest.sha512} {placed.offset} {placed.digest.size}" for placed in kept.objects
    ]


def test_another_organisation_gets_nothing_and_claims_nothing(
    cooperative: Organisation, rival: Organisation, two_copies: Store
) -> None:
    digest = keep(cooperative, b"facture")
    with pytest.raises(ObjectMissing):
        fetch(rival.id, digest.sha256)
    kept = pack(cooperative.id, [b"autre"])
    with pytest.raises(ValueError, match="this pack is of"), acting_for(rival.id):
        claim(kept, actor=ACTOR)


def test_a_first_copy_that_lies_is_mended_from_the_second_and_written_down(
    cooperative: Organisation, two_copies: Store
) -> None:
    digest = keep(cooperative, b"facture")
    (name,) = two_copies.first.names()
    path = shelf_of(two_copies).root / name
    path.chmod(0o640)
    path.write_bytes(b"factice")
    assert fetch(cooperative.id, digest.sha256) == b"facture"
    assert path.read_bytes() == b"facture"
    with acting_for(cooperative.id):
        (body,) = JournalEntry.objects.filter(kind="object_repaired").values_list("body", flat=True)
    assert json.loads(body)["copies"] == ["first"]


def test_when_both_copies_lie_nothing_is_given(cooperative: Organisation, two_copies: Store) -> None:
    digest = keep(cooperative, b"facture")
    for shelf in two_copies.shelves:
        assert isinstance(shelf, FolderShelf)
        (name,) = shelf.names()
        (shelf.root / name).chmod(0o640)
        (shelf.root / name).write_bytes(b"factice")
    with pytest.raises(ObjectAltered):
        fetch(cooperative.id, digest.sha256)


def test_an_orphan_is_swept_when_it_is_old_and_nobody_names_it(cooperative: Organisation, two_copies: Store) -> None:
    keep(cooperative, b"claimed")
    young, old = (pack(cooperative.id, [content]) for content in (b"young", b"old"))
    for name in two_copies.first.names():
        if name != young.name:
            long_ago = (timezone.now() - timedelta(days=2)).timestamp()
            os.utime(shelf_of(two_copies).root / name, times=(long_ago, long_ago))
    assert sweep_orphans(cooperative.id) == 1
    for shelf in two_copies.shelves:
        assert len(list(shelf.names())) == 2
        with pytest.raises(ObjectMissing):
            shelf.get(old.name)


def test_a_pack_swept_between_packing_and_claiming_is_not_claimed(cooperative: Organisation, two_copies: Store) -> None:
    pack(cooperative.id, [b"facture"])
    again = pack(cooperative.id, [b"facture"])
    assert not again.fresh
    two_copies.remove(again.name)
    with pytest.raises(ObjectMissing), acting_for(cooperative.id):
        claim(again, actor=ACTOR)
    with acting_for(cooperative.id):
        assert StoredObject.objects.count() == 0


def test_a_lock_lasts_ten_years_from_the_end_of_the_financial_year(
    cooperative: Organisation, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(timezone, "now", lambda: datetime(2026, 11, 21, tzinfo=UTC))
    assert kept_until(cooperative.id, "invoice") == datetime(2037, 1, 1, tzinfo=UTC)
    with acting_for(cooperative.id):
        Organisation.objects.filter(id=cooperative.id).update(financial_year_ends_in=6)
    assert kept_until(cooperative.id, "invoice") == datetime(2037, 7, 1, tzinfo=UTC)
    assert kept_until(cooperative.id, "received") == datetime(2027, 11, 23, tzinfo=UTC)


def test_a_pack_is_locked_where_one_of_the_shelves_locks(
    cooperative: Organisation, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "essai")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "essai")
    with bucket_server() as (url, bucket):
        locking = open_shelf(f"s3://archives/essai?endpoint={url}&region=fr&lock=COMPLIANCE")
        made = Store(FolderShelf(tmp_path / "first"), locking)
        monkeypatch.setattr(archive, "store", lambda: made)
        pack(cooperative.id, [b"facture"])
        (version,) = [each for versions in bucket.versions.values() for each in versions]
    assert version.until == kept_until(cooperative.id, "invoice")


def shelf_of(store: Store) -> FolderShelf:
    assert isinstance(store.first, FolderShelf)
    return store.first
