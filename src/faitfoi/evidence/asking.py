"""One question by HTTP to an authority or a witness: bounded in time and in bytes, whatever the other side does."""

import time
from dataclasses import dataclass


class NoAnswer(Exception):
    """Nothing that can be judged came back in time; the message says in French how it failed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """What came back, whatever its status."""

    status: int
    content: bytes
    content_type: str


def ask(url: str, content: bytes, *, content_type: str = "", timeout: float, largest: int) -> Reply:
    """Post bytes and return the whole reply, if it comes within `timeout` seconds and has at most `largest` bytes.

    Raises NoAnswer. Redirections are not followed.
    """
    import httpx  # here: whoever only verifies, as the processes of `fsck` do, would load it for half of their start

    until = time.monotonic() + timeout
    headers = {"Content-Type": content_type} if content_type else {}
    received = bytearray()
    try:
        with httpx.stream("POST", url, content=content, timeout=timeout, headers=headers) as answer:
            for part in answer.iter_bytes():
                received += part
                if len(received) > largest:
                    raise NoAnswer("trop long")
                # Each byte may come in time, and their number be without end.
                if time.monotonic() > until:
                    raise NoAnswer("trop lent")
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        raise NoAnswer(type(error).__name__) from error
    said = answer.headers.get("Content-Type", "")
    return Reply(status=answer.status_code, content=bytes(received), content_type=said)
