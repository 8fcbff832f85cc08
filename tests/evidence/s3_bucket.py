"""A small S3 as a real HTTP server on loopback, faithful where it matters: a locked version stays, whoever asks.

Versioned like every bucket with Object Lock. COMPLIANCE is neither shortened nor weakened nor deleted before its day;
GOVERNANCE only with the bypass header; a legal hold keeps until it is lifted. `If-None-Match: *` and the SHA-256 of a
body are checked. Requests must be signed, but the signature itself is not verified.
"""

import base64
import hashlib
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import format_datetime
from itertools import count
from urllib.parse import parse_qs, unquote, urlsplit
from xml.sax.saxutils import escape

from faitfoi.simulators.loopback import Loopback, Request

NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)
PAGE = 3
"""Names of one page of a list: few, so that whoever forgets to turn the page is seen."""


@dataclass(slots=True)
class Version:
    """One writing of a key; a marker says that it was deleted without naming a version."""

    name: str
    content: bytes
    at: datetime
    marker: bool = False
    mode: str = ""
    until: datetime | None = None
    held: bool = False

    def guarded(self, now: datetime, *, bypass: bool) -> bool:
        """Whether this version may not go now."""
        locked = self.until is not None and self.until > now and not (self.mode == "GOVERNANCE" and bypass)
        return self.held or locked


@dataclass(slots=True)
class Bucket:
    """The versions of each key, oldest first, and the hour that it is there."""

    versions: dict[str, list[Version]] = field(default_factory=dict)
    now: datetime = NOW
    names: Iterator[int] = field(default_factory=lambda: count(1))
    locks: bool = True
    failures: list[int] = field(default_factory=list)
    """HTTP statuses to answer to the next requests instead of serving them."""

    def last(self, key: str) -> Version | None:
        """The present version of a key, None when there is none or a marker hides it."""
        found = self.versions.get(key, [])
        return None if not found or found[-1].marker else found[-1]


class Refused(Exception):
    """An answer that is an error: its HTTP status and S3's own word for it."""

    def __init__(self, status: int, code: str) -> None:
        super().__init__(code)
        self.status, self.code = status, code


class _Asked(Request[Bucket]):
    """Path-style requests on one bucket, whatever its name."""

    @property
    def bucket(self) -> Bucket:
        return self.owner

    def serve(self, content: bytes) -> None:
        verbs = {"GET": self._get, "HEAD": self._get, "PUT": self._put, "DELETE": self._delete}
        try:
            if self.bucket.failures:
                raise Refused(self.bucket.failures.pop(0), "InternalError")
            if not self.headers.get("Authorization", "").startswith("AWS4-HMAC-SHA256 "):
                raise Refused(403, "AccessDenied")
            status, headers, answer = verbs[self.command](content)
        except Refused as refused:
            status, headers = refused.status, {"Content-Type": "application/xml"}
            answer = f"<Error><Code>{refused.code}</Code><Message>{refused.code}</Message></Error>".encode()
        self.send(status, answer, headers=headers)

    def _get(self, _: bytes) -> tuple[int, dict[str, str], bytes]:
        key, query = self._asked()
        if not key:
            return 200, {"Content-Type": "application/xml"}, self._list(query)
        version = self.bucket.last(key)
        if version is None:
            raise Refused(404, "NoSuchKey")
        if "retention" in query:
            if version.until is None:
                raise Refused(404, "NoSuchObjectLockConfiguration")
            until = version.until.strftime("%Y-%m-%dT%H:%M:%SZ")
            told = f"<Retention><Mode>{version.mode}</Mode><RetainUntilDate>{until}</RetainUntilDate></Retention>"
            return 200, {"Content-Type": "application/xml"}, told.encode()
        headers = {"Last-Modified": format_datetime(version.at, usegmt=True), "ETag": f'"{version.name}"'}
        if wanted := re.fullmatch(r"bytes=(\d+)-(\d*)", self.headers.get("Range", "")):
            start, end = int(wanted[1]), int(wanted[2] or len(version.content) - 1)
            if start >= len(version.content):
                raise Refused(416, "InvalidRange")
            return 206, headers, version.content[start : end + 1]
        return 200, headers, version.content

    def _put(self, body: bytes) -> tuple[int, dict[str, str], bytes]:
        key, query = self._asked()
        version = self.bucket.last(key)
        if "retention" in query or "legal-hold" in query:
            if version is None:
                raise Refused(404, "NoSuchKey")
            self._guard(version, body, retention="retention" in query)
            return 200, {}, b""
        told = self.headers.get("x-amz-checksum-sha256", "")
        if told != base64.b64encode(hashlib.sha256(body).digest()).decode():
            raise Refused(400, "BadDigest")
        if self.headers.get("If-None-Match") == "*" and version is not None:
            raise Refused(412, "PreconditionFailed")
        made = Version(name=f"v{next(self.bucket.names)}", content=body, at=self.bucket.now)
        if mode := self.headers.get("x-amz-object-lock-mode"):
            self._refuse_without_locks()
            made.mode, made.until = mode, _instant(self.headers["x-amz-object-lock-retain-until-date"])
        self.bucket.versions.setdefault(key, []).append(made)
        return 200, {"ETag": f'"{made.name}"', "x-amz-version-id": made.name}, b""

    def _guard(self, version: Version, body: bytes, *, retention: bool) -> None:
        self._refuse_without_locks()
        if not retention:
            version.held = _told(body, "Status") == "ON"
            return
        mode, until = _told(body, "Mode"), _instant(_told(body, "RetainUntilDate"))
        weaker = version.until is not None and (until < version.until or mode != version.mode)
        if weaker and version.guarded(self.bucket.now, bypass=self._bypass()):
            raise Refused(403, "AccessDenied")
        version.mode, version.until = mode, until

    def _delete(self, _: bytes) -> tuple[int, dict[str, str], bytes]:
        key, query = self._asked()
        versions = self.bucket.versions.setdefault(key, [])
        if "versionId" not in query:
            versions.append(Version(name=f"v{next(self.bucket.names)}", content=b"", at=self.bucket.now, marker=True))
            return 204, {}, b""
        found = [version for version in versions if version.name == query["versionId"][0]]
        if found and found[0].guarded(self.bucket.now, bypass=self._bypass()):
            raise Refused(403, "AccessDenied")
        self.bucket.versions[key] = [version for version in versions if version not in found]
        return 204, {}, b""

    def _list(self, query: dict[str, list[str]]) -> bytes:
        prefix = query.get("prefix", [""])[0]
        keys = sorted(key for key in self.bucket.versions if key.startswith(prefix))
        if "versions" in query:
            entries = [(key, version) for key in keys for version in self.bucket.versions[key]]
            told = "".join(
                f"<{kind}><Key>{escape(key)}</Key><VersionId>{version.name}</VersionId></{kind}>"
                for key, version in entries
                for kind in ("DeleteMarker" if version.marker else "Version",)
            )
            return f"<ListVersionsResult><IsTruncated>false</IsTruncated>{told}</ListVersionsResult>".encode()
        after = query.get("continuation-token", [""])[0]
        present = [key for key in keys if self.bucket.last(key) is not None and key > after]
        told = "".join(f"<Contents><Key>{escape(key)}</Key></Contents>" for key in present[:PAGE])
        more = f"<NextContinuationToken>{escape(present[PAGE - 1])}</NextContinuationToken>" if present[PAGE:] else ""
        cut = "true" if more else "false"
        return f"<ListBucketResult><IsTruncated>{cut}</IsTruncated>{more}{told}</ListBucketResult>".encode()

    def _asked(self) -> tuple[str, dict[str, list[str]]]:
        parts = urlsplit(self.path)
        return unquote(parts.path.lstrip("/").partition("/")[2]), parse_qs(parts.query, keep_blank_values=True)

    def _bypass(self) -> bool:
        return self.headers.get("x-amz-bypass-governance-retention") == "true"

    def _refuse_without_locks(self) -> None:
        if not self.bucket.locks:
            raise Refused(400, "InvalidRequest")


@contextmanager
def bucket_server() -> Iterator[tuple[str, Bucket]]:
    """Serve an empty bucket; gives its address and what is in it."""
    bucket = Bucket()
    server = Loopback(bucket, _Asked, name="s3")
    server.start()
    try:
        yield server.url, bucket
    finally:
        server.stop()


def _told(body: bytes, name: str) -> str:
    found = re.search(rf"<{name}>([^<]*)</{name}>".encode(), body)
    if found is None:
        raise Refused(400, "MalformedXML")
    return found[1].decode()


def _instant(text: str) -> datetime:
    return datetime.fromisoformat(text).astimezone(UTC)
