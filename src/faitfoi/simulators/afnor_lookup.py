"""What the simulated Directory Service answers: lines by their very address, or by a search."""

import re
from collections.abc import Mapping
from urllib.parse import unquote

from faitfoi.simulators.afnor_directory import Directory
from faitfoi.simulators.afnor_request import Rejected, read_json
from faitfoi.simulators.loopback import Body

PATH = "/directory-service/v1"
LINE = f"{PATH}/directory-line"
ROUTING_CODE = re.compile(rf"{PATH}/routing-code/siret:(?P<siret>\d{{14}})/code:(?P<code>.+)")
OPERATORS = frozenset({"strict", "contains"})


def look_up(directory: Directory, method: str, path: str, content: bytes, *, largest: int = 100) -> Body:
    """Answer one operation of the Directory Service, by pages of `largest` at most. Raises Rejected."""
    if method == "POST" and path == f"{LINE}/search":
        return _search(directory, read_json(content), largest=largest)
    if method == "GET" and path.startswith(f"{LINE}/code:"):
        address = unquote(path.removeprefix(f"{LINE}/code:"))
        line = directory.line(address)
        if line is None or line.status == "Upcoming":
            raise Rejected(404, "MISSING_RESOURCE", "no such line")
        return line.told()
    if method == "GET" and path.startswith(f"{PATH}/siren/code-insee:"):
        siren = path.rpartition(":")[2]
        lines = directory.search({"siren": {"op": "strict", "value": siren}})
        if not lines:
            raise Rejected(404, "MISSING_RESOURCE", "no such SIREN")
        return {
            "siren": siren,
            "businessName": lines[0].name or f"Société {siren} de l’Exemple",
            "entityType": "PrivateVatRegistered",
            "administrativeStatus": "A",
        }
    if method == "GET" and path.startswith(f"{PATH}/siret/code-insee:"):
        return _public(directory, path.rpartition(":")[2])
    if method == "GET" and (named := ROUTING_CODE.fullmatch(path)):
        return _public(directory, named["siret"], code=unquote(named["code"]))
    raise Rejected(501, "NOT_IMPLEMENTED", "this simulator does not know that path")


def _public(directory: Directory, siret: str, *, code: str = "") -> Body:
    """A public establishment, or one service of it. Raises Rejected."""
    known = directory.establishment(siret)
    told = known.service(code) if known and code else known.told() if known else None
    if told is None:
        raise Rejected(404, "MISSING_RESOURCE", "no such establishment or routing code")
    return told


def _search(directory: Directory, body: Mapping[str, object], *, largest: int) -> Body:
    filters = body.get("filters")
    if not isinstance(filters, dict) or not filters:
        raise Rejected(422, "UNPROCESSABLE_ENTITY", "a filter is needed")
    for criterion in filters.values():
        if not isinstance(criterion, dict) or criterion.get("op") not in OPERATORS or not criterion.get("value"):
            raise Rejected(400, "INVALID_FIELD", "a filter has an op and a value")
    found = directory.search(filters)
    limit, ignore = body.get("limit", 50), body.get("ignore", 0)
    if not isinstance(limit, int) or not isinstance(ignore, int):
        raise Rejected(400, "INVALID_FIELD", "limit and ignore are numbers")
    return {
        "search": dict(body),
        "totalNumberOfResults": len(found),
        "results": [line.told() for line in found[ignore : ignore + min(limit, largest)]],
    }
