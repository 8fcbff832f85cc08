"""What a shelf on S3 promises, on our own small server and, when FAITFOI_TEST_S3 names one, on a real bucket.

    FAITFOI_TEST_S3="s3://bucket/prefix?endpoint=https://…&lock=GOVERNANCE"
    make test ARGS=tests/evidence/test_shelf_s3.py

The bucket must have versions and Object Lock. What the tests lock is locked for minutes only, and stays there.
"""

import os
import secrets
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from botocore.exceptions import ClientError

from faitfoi.evidence.shelf import ObjectAltered, ObjectMissing
from faitfoi.evidence.shelf_s3 import S3Shelf, ShelfSilent
from faitfoi.evidence.shelves import open_shelf
from faitfoi.evidence.store import Store
from tests.evidence.conftest import ALICE
from tests.evidence.s3_bucket import NOW, Bucket, bucket_server

REAL = os.environ.get("FAITFOI_TEST_S3", "")


@pytest.fixture
def served(monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[S3Shelf, Bucket]]:
    """Our own server, and what is in it."""
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "essai")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "essai")
    with bucket_server() as (url, bucket):
        shelf = open_shelf(f"s3://archives/faitfoi?endpoint={url}&region=eu-west-3&lock=compliance")
        assert isinstance(shelf, S3Shelf)
        yield shelf, bucket


@pytest.fixture(params=["ours", "real"])
def shelf(request: pytest.FixtureRequest) -> S3Shelf:
    """A shelf on our own server, and one on the real bucket that the environment names."""
    if request.param == "ours":
        made: tuple[S3Shelf, Bucket] = request.getfixturevalue("served")
        return made[0]
    if not REAL:
        pytest.skip("FAITFOI_TEST_S3 names no bucket")
    real = open_shelf(REAL)
    assert isinstance(real, S3Shelf)
    return replace(real, prefix=f"{real.prefix}/{secrets.token_hex(8)}".lstrip("/"))


def soon(shelf: S3Shelf) -> datetime:
    """A few minutes from the storage's own hour."""
    shelf.put("clock", b"x")
    return (shelf.written("clock") + timedelta(minutes=3)).astimezone(UTC).replace(microsecond=0)


def test_what_was_put_is_got_back_whole_or_in_part(shelf: S3Shelf) -> None:
    assert shelf.put("a/b", b"facture")
    assert shelf.get("a/b") == b"facture"
    assert shelf.get("a/b", start=2, size=3) == b"ctu"
    assert shelf.get("a/b", start=5) == b"re"
    assert shelf.get("a/b", start=9) == b""
    assert shelf.get("a/b", size=0) == b""


def test_the_same_again_is_known_and_other_bytes_are_refused(shelf: S3Shelf) -> None:
    shelf.put("a", b"facture")
    assert not shelf.put("a", b"facture")
    with pytest.raises(ObjectAltered):
        shelf.put("a", b"factice")
    assert shelf.get("a") == b"facture"


def test_names_come_in_order_to_the_last(shelf: S3Shelf) -> None:
    names = [f"a/{number:02}" for number in range(8)] + ["b/1"]
    for name in names:
        shelf.put(name, b"x")
    assert list(shelf.names()) == names
    assert list(shelf.names("b/")) == ["b/1"]


def test_what_nobody_kept_is_missing(shelf: S3Shelf) -> None:
    for ask in (shelf.get, shelf.written):
        with pytest.raises(ObjectMissing):
            ask("nothing")
    shelf.remove("nothing")


def test_what_is_not_locked_goes_with_all_its_versions(shelf: S3Shelf) -> None:
    shelf.put("a", b"facture")
    shelf.mend("a", b"factice")
    shelf.remove("a")
    with pytest.raises(ObjectMissing):
        shelf.get("a")
    assert shelf.put("a", b"facture")


def test_a_locked_object_is_neither_removed_nor_its_term_shortened(shelf: S3Shelf) -> None:
    until = soon(shelf)
    shelf.put("a", b"facture", keep_until=until)
    with pytest.raises(PermissionError):
        shelf.remove("a")
    with pytest.raises(ClientError, match="AccessDenied"):
        shelf.client.put_object_retention(
            Bucket=shelf.bucket,
            Key=f"{shelf.prefix}/a",
            Retention={"Mode": shelf.lock, "RetainUntilDate": until - timedelta(minutes=1)},
        )
    assert shelf.get("a") == b"facture"
    shelf.keep("a", until=until - timedelta(minutes=1))  # already kept longer: nothing to ask
    shelf.keep("a", until=until + timedelta(minutes=1))
    told = shelf.client.get_object_retention(Bucket=shelf.bucket, Key=f"{shelf.prefix}/a")["Retention"]
    assert (told["Mode"], told["RetainUntilDate"]) == (shelf.lock, until + timedelta(minutes=1))


def test_the_same_again_for_longer_is_kept_longer(shelf: S3Shelf) -> None:
    until = soon(shelf)
    shelf.put("a", b"facture", keep_until=until)
    assert not shelf.put("a", b"facture", keep_until=until + timedelta(minutes=1))
    told = shelf.client.get_object_retention(Bucket=shelf.bucket, Key=f"{shelf.prefix}/a")["Retention"]
    assert told["RetainUntilDate"] == until + timedelta(minutes=1)


def test_a_legal_hold_keeps_until_it_is_lifted(shelf: S3Shelf) -> None:
    shelf.put("a", b"facture")
    shelf.hold("a", held=True)
    with pytest.raises(PermissionError):
        shelf.remove("a")
    shelf.hold("a", held=False)
    shelf.remove("a")
    assert list(shelf.names()) == []


def test_a_body_that_changed_on_its_way_is_refused(shelf: S3Shelf) -> None:
    with pytest.raises(ClientError, match=r"BadDigest|InvalidRequest|checksum"):
        shelf.client.put_object(
            Bucket=shelf.bucket, Key=f"{shelf.prefix}/a", Body=b"facture", ChecksumSHA256="A" * 43 + "="
        )
    with pytest.raises(ObjectMissing):
        shelf.get("a")


def test_compliance_ends_on_its_day_and_not_before(served: tuple[S3Shelf, Bucket]) -> None:
    shelf, bucket = served
    shelf.put("a", b"facture", keep_until=NOW + timedelta(days=3653))
    bucket.now += timedelta(days=3652)
    with pytest.raises(PermissionError):
        shelf.remove("a")
    bucket.now += timedelta(days=2)
    shelf.remove("a")
    assert bucket.versions["faitfoi/a"] == []


def test_an_object_hidden_by_a_delete_marker_is_mended_and_its_version_stays(served: tuple[S3Shelf, Bucket]) -> None:
    shelf, bucket = served
    shelf.put("a", b"facture", keep_until=NOW + timedelta(days=1))
    shelf.client.delete_object(Bucket=shelf.bucket, Key="faitfoi/a")
    with pytest.raises(ObjectMissing):
        shelf.get("a")
    shelf.mend("a", b"facture", keep_until=NOW + timedelta(days=1))
    assert shelf.get("a") == b"facture"
    assert [version.content for version in bucket.versions["faitfoi/a"] if not version.marker] == [b"facture"] * 2


def test_a_storage_that_fails_a_moment_is_asked_again_and_one_that_goes_on_is_said(
    served: tuple[S3Shelf, Bucket],
) -> None:
    shelf, bucket = served
    bucket.failures = [503]
    assert shelf.put("a", b"facture")
    shelf.client.meta.config.retries["total_max_attempts"] = 1
    bucket.failures = [500] * 20
    with pytest.raises(ShelfSilent, match="refuse"):
        shelf.put("b", b"facture")


def test_a_storage_that_is_not_there_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "essai")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "essai")
    monkeypatch.setenv("AWS_MAX_ATTEMPTS", "1")
    with bucket_server() as (url, _):
        pass
    with pytest.raises(ShelfSilent, match="ne répond pas"):
        open_shelf(f"s3://archives/x?endpoint={url}&region=eu-west-3").get("a")


def test_a_store_keeps_its_second_copy_there(served: tuple[S3Shelf, Bucket], tmp_path: os.PathLike[str]) -> None:
    shelf, bucket = served
    store = Store(open_shelf(str(tmp_path)), shelf)
    pack = store.pack(ALICE, [b"facture"], retention="invoice", keep_until=NOW + timedelta(days=1))
    (version,) = bucket.versions[f"faitfoi/{pack.name}"]
    assert (version.content, version.mode, version.until) == (b"facture", "COMPLIANCE", NOW + timedelta(days=1))
    store.first.remove(pack.name)
    assert store.mend(pack.name) == ("first",)
    assert store.first.get(pack.name) == b"facture"


@pytest.mark.parametrize(
    "address", ["s3://", "s3://b?lock=forever", "s3://b?colour=red", "https://storage.example/b", "s3://b?lock"]
)
def test_an_address_that_is_none_is_refused(address: str) -> None:
    with pytest.raises(ValueError, match=r".+"):
        open_shelf(address)
