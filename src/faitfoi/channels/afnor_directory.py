"""The directory of electronic addresses, by the AFNOR Directory Service: is this very address active?

French contracts §2.2. Asked is the address that the invoice bears (BT-49), never the SIREN in its place (complaint
B18); when the address is not there, the SIREN's other lines tell why. What cannot be told stays undetermined (B19).
"""

import json
from dataclasses import dataclass, field
from enum import StrEnum
from urllib.parse import quote

from faitfoi.channels.afnor_http import Connection
from faitfoi.channels.afnor_settings import PaSettings
from faitfoi.channels.chorus_pro_codes import objects, text
from faitfoi.channels.contract import NotSent
from faitfoi.channels.http_wire import Request, read_object

PAGE_SIZE = 50
MAX_PAGES = 40
ENABLED = "Enabled"
NO_DIRECTORY = "Les réglages de la plateforme agréée n’ont pas l’adresse de l’annuaire (directory_url) : ajoutez-la."
LISTED = frozenset({"Enabled", "Disabled", "Upcoming"})


class Reach(StrEnum):
    """Whether an address receives invoices."""

    YES = "yes"
    NO = "no"
    UNDETERMINED = "undetermined"


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One address of the directory and its status, in their words."""

    address: str
    status: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """What the directory answered: `lines` are those of the SIREN, `raw` all that it wrote."""

    address: str
    reach: Reach
    lines: tuple[Line, ...] = ()
    listed: bool | None = None  # whether the SIREN is in the directory at all
    raw: bytes = field(default=b"", repr=False)


def look_up(connection: Connection, settings: PaSettings, address: str) -> Told:
    """Ask about one address. Raises NotSent when the directory cannot be asked."""
    if not settings.account.directory_url:
        raise NotSent(NO_DIRECTORY, precondition=True)
    path = f"{settings.directory_path}/code:{quote(address, safe='')}"
    reply = connection.ask(Request(method="GET", url=connection.directory_url(path)))
    own = read_object(reply.content) or {}
    status = text(own.get("directoryLineStatus")) if reply.status == 200 else ""
    if reply.status == 200 and status == ENABLED and text(own.get("addressingIdentifier")) in {address, ""}:
        line = Line(address=address, status=status)
        return Told(address=address, reach=Reach.YES, lines=(line,), listed=True, raw=reply.content)
    lines, pages = _lines_of(connection, settings, address[:9])
    told: dict[str, object] = {"line": own if own else reply.status, "search": pages[0] if pages else {}}
    if len(pages) > 1:
        told["further_pages"] = pages[1:]
    whole = json.dumps(told, ensure_ascii=False, sort_keys=True).encode()
    if lines is None or (reply.status == 200 and status not in LISTED):
        return Told(address=address, reach=Reach.UNDETERMINED, lines=lines or (), raw=whole)
    named = {line.address: line.status for line in lines}
    if named.get(address, status) == ENABLED:
        return Told(
            address=address, reach=Reach.UNDETERMINED, lines=lines, listed=True, raw=whole
        )  # two answers differ
    return Told(address=address, reach=Reach.NO, lines=lines, listed=bool(lines), raw=whole)


def _lines_of(
    connection: Connection, settings: PaSettings, siren: str
) -> tuple[tuple[Line, ...] | None, list[dict[str, object]]]:
    """Search for the lines of a SIREN, every page to the end, whatever page size the other side imposes.

    None when an answer does not tell; beside it, what was answered. Raises NotSent.
    """
    if not (siren.isascii() and siren.isdigit() and len(siren) == 9):
        return None, []
    found: dict[str, Line] = {}
    pages: list[dict[str, object]] = []
    read = 0
    for _ in range(MAX_PAGES):
        body = {"filters": {"siren": {"op": "strict", "value": siren}}, "limit": PAGE_SIZE, "ignore": read}
        request = Request(
            method="POST",
            url=connection.directory_url(f"{settings.directory_path}/search"),
            content=json.dumps(body).encode(),
            media_type="application/json",
        )
        reply = connection.ask(request)
        answer = read_object(reply.content)
        if answer is not None:
            pages.append(answer)
        if reply.status == 404:
            return tuple(found.values()), pages
        if answer is None or not isinstance(answer.get("results"), list):
            return None, pages
        rows = objects(answer["results"])
        lines = [
            Line(address=text(row.get("addressingIdentifier")), status=text(row.get("directoryLineStatus")))
            for row in rows
        ]
        fresh = {line.address: line for line in lines if line.address and line.address not in found}
        found |= fresh
        read += len(rows)
        total = answer.get("totalNumberOfResults")
        known = isinstance(total, int) and not isinstance(total, bool) and total >= 0
        if not fresh or (known and isinstance(total, int) and read >= total):
            return tuple(found.values()), pages
    return tuple(found.values()), pages
