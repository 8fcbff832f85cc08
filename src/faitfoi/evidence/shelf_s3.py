"""A shelf on S3-compatible storage, whose own lock (Object Lock) can keep what it holds until a day.

Credentials are those that boto3 finds by itself (AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or a profile).
"""

import base64
import errno
import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from faitfoi.evidence.shelf import ObjectAltered, ObjectMissing

ABSENT = frozenset({"NoSuchKey", "NoSuchVersion", "404", "NotFound"})
NO_LOCK = "NoSuchObjectLockConfiguration"


class ShelfSilent(OSError):
    """The storage does not answer, or refuses; what was asked for is not done. Its text is a French sentence."""


@dataclass(frozen=True, slots=True, kw_only=True)
class S3Shelf:
    """A bucket, below a prefix. `lock` is COMPLIANCE, GOVERNANCE, or empty when the bucket keeps nothing by itself.

    A name is written once (`If-None-Match`), with its SHA-256 for the other side to verify.
    """

    client: Any
    bucket: str
    prefix: str = ""
    lock: str = ""

    def put(self, name: str, content: bytes, *, keep_until: datetime | None = None) -> bool:
        """Keep bytes, locked until `keep_until` where the bucket locks; False when the very same were there."""
        try:
            with self._asking():
                self._write(name, content, keep_until=keep_until, IfNoneMatch="*")
        except FileExistsError:
            if self.get(name) != content:
                raise ObjectAltered(f"{self._where(name)} ne contient plus ce qui y a été déposé.") from None
            if keep_until is not None:
                self.keep(name, until=keep_until)
            return False
        return True

    def get(self, name: str, *, start: int = 0, size: int | None = None) -> bytes:
        """Read the object, or a part of it."""
        if size == 0:
            return b""
        asked = {"Range": f"bytes={start}-{'' if size is None else start + size - 1}"} if start or size else {}
        try:
            with self._asking():
                answer = self.client.get_object(Bucket=self.bucket, Key=self._key(name), **asked)
                content: bytes = answer["Body"].read()
        except EOFError:
            return b""
        return content

    def names(self, prefix: str = "") -> Iterator[str]:
        """List the bucket, in the order of the names."""
        with self._asking():
            pages = self.client.get_paginator("list_objects_v2").paginate(Bucket=self.bucket, Prefix=self._key(prefix))
            for page in pages:
                for each in page.get("Contents", ()):
                    yield each["Key"].removeprefix(self._key(""))

    def written(self, name: str) -> datetime:
        """Return the hour of the last version."""
        with self._asking():
            at: datetime = self.client.head_object(Bucket=self.bucket, Key=self._key(name))["LastModified"]
        return at

    def remove(self, name: str) -> None:
        """Delete every version: a mere delete marker would leave them. Raises PermissionError when one is locked."""
        key = self._key(name)
        with self._asking():
            pages = self.client.get_paginator("list_object_versions").paginate(Bucket=self.bucket, Prefix=key)
            for page in pages:
                for each in [*page.get("Versions", ()), *page.get("DeleteMarkers", ())]:
                    if each["Key"] == key:
                        self.client.delete_object(Bucket=self.bucket, Key=key, VersionId=each["VersionId"])

    def mend(self, name: str, content: bytes, *, keep_until: datetime | None = None) -> None:
        """Write the right bytes as a new version; the lying one stays in the bucket's history."""
        with self._asking():
            self._write(name, content, keep_until=keep_until)

    def keep(self, name: str, *, until: datetime) -> None:
        """Lock the object longer, until this instant at least; a shelf without a lock leaves the term to the caller."""
        if not self.lock:
            return
        told = self._retention(name)
        if told is None or told < until:
            retention = {"Mode": self.lock, "RetainUntilDate": until}
            with self._asking():
                self.client.put_object_retention(Bucket=self.bucket, Key=self._key(name), Retention=retention)

    def hold(self, name: str, *, held: bool) -> None:
        """Place the object under legal hold, or lift it, where the bucket locks."""
        if not self.lock:
            return
        with self._asking():
            self.client.put_object_legal_hold(
                Bucket=self.bucket, Key=self._key(name), LegalHold={"Status": "ON" if held else "OFF"}
            )

    def _retention(self, name: str) -> datetime | None:
        try:
            answer = self.client.get_object_retention(Bucket=self.bucket, Key=self._key(name))
        except ClientError as error:
            if _code(error) == NO_LOCK:
                return None
            raise self._trouble(error) from error
        until: datetime = answer["Retention"]["RetainUntilDate"]
        return until

    def _write(self, name: str, content: bytes, *, keep_until: datetime | None, **more: str) -> None:
        locked = {"ObjectLockMode": self.lock, "ObjectLockRetainUntilDate": keep_until} if keep_until else {}
        self.client.put_object(
            Bucket=self.bucket,
            Key=self._key(name),
            Body=content,
            ChecksumSHA256=base64.b64encode(hashlib.sha256(content).digest()).decode(),
            **(locked if self.lock else {}),
            **more,
        )

    @contextmanager
    def _asking(self) -> Iterator[None]:
        try:
            yield
        except ClientError as error:
            raise self._trouble(error) from error
        except BotoCoreError as error:
            raise ShelfSilent(errno.EIO, f"Le stockage {self.bucket} ne répond pas : {error}") from error

    def _trouble(self, error: ClientError) -> Exception:
        code = _code(error)
        if code in ABSENT:
            return ObjectMissing(f"{self.bucket} n’a pas ce qui est demandé ({error.operation_name}).")
        if code in {"PreconditionFailed", "412", "ConditionalRequestConflict"}:
            return FileExistsError(code)
        if code in {"InvalidRange", "416"}:
            return EOFError(code)
        if code == "AccessDenied" and error.operation_name in {"DeleteObject", "PutObjectRetention"}:
            return PermissionError(errno.EPERM, f"Le stockage {self.bucket} garde cet objet : {error}")
        return ShelfSilent(errno.EIO, f"Le stockage {self.bucket} refuse : {error}")

    def _key(self, name: str) -> str:
        return f"{self.prefix}/{name}" if self.prefix else name

    def _where(self, name: str) -> str:
        return f"s3://{self.bucket}/{self._key(name)}"


def s3_shelf(
    bucket: str, prefix: str, *, endpoint: str = "", region: str = "", profile: str = "", lock: str = ""
) -> S3Shelf:
    """Open a bucket. Raises ValueError for a lock that is none, ShelfSilent when the profile does not exist."""
    if lock not in {"", "COMPLIANCE", "GOVERNANCE"}:
        raise ValueError(f"« {lock} » n’est pas un verrou : COMPLIANCE, GOVERNANCE ou rien.")
    try:
        session = boto3.session.Session(profile_name=profile or None, region_name=region or None)
        client = session.client(
            "s3",
            endpoint_url=endpoint or None,
            config=Config(
                retries={"mode": "standard", "total_max_attempts": 4},
                connect_timeout=10,
                read_timeout=60,
                s3={"addressing_style": "path" if endpoint else "auto"},
            ),
        )
    except BotoCoreError as error:
        raise ShelfSilent(errno.EIO, f"Le stockage {bucket} ne s’ouvre pas : {error}") from error
    return S3Shelf(client=client, bucket=bucket, prefix=prefix.strip("/"), lock=lock)


def _code(error: ClientError) -> str:
    return str(error.response.get("Error", {}).get("Code", ""))
