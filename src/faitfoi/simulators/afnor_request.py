"""What the simulated plateforme agréée asks of a request before it looks at what is in it, and how it refuses one."""

import json
from collections.abc import Mapping

from faitfoi.simulators.loopback import Body

MAX_FILE = 100 * 1000 * 1000
SYNTAXES = frozenset({"CII", "UBL", "Factur-X", "CDAR", "FRR"})


class Rejected(Exception):
    """A request that is not taken: HTTP status, errorCode and message."""

    def __init__(self, status: int, code: str, message: str) -> None:
        super().__init__(message)
        self.status = status
        self.code = code
        self.message = message


def faults_of_info(info: Mapping[str, object], content: bytes) -> None:
    """Refuse a flowInfo out of its shape, or a file that cannot be taken. Raises Rejected."""
    for name in ("name", "flowSyntax"):
        if not isinstance(info.get(name), str) or not info[name]:
            raise Rejected(400, "MISSING_REQUIRED_FIELD", f"{name} is required")
    if info["flowSyntax"] not in SYNTAXES:
        raise Rejected(400, "INVALID_FIELD", "flowSyntax")
    if len(str(info["name"])) > 255 or len(str(info.get("trackingId", ""))) > 64:
        raise Rejected(400, "INVALID_FIELD", "name or trackingId too long")
    if len(content) > MAX_FILE:
        raise Rejected(413, "FILE_SIZE_EXCEEDED", "100 MB at most")
    if not content:
        raise Rejected(400, "MISSING_REQUIRED_FIELD", "file is required")


def read_json(content: bytes) -> Body:
    """Read a JSON object. Raises Rejected."""
    try:
        value = json.loads(content)
    except ValueError:
        raise Rejected(400, "INVALID_FORMAT", "not JSON") from None
    if not isinstance(value, dict):
        raise Rejected(400, "INVALID_FORMAT", "not a JSON object")
    return value
