"""What is deliberately wrong with three of the files: cut short, adding up wrongly, carrying a script."""

import io
import re

import pikepdf

# Far enough for the beginning to look right, too short for the cross-reference table.
_KEPT = 3, 5

_AMOUNT_DUE = re.compile(rb'(<cbc:PayableAmount currencyID="EUR">)([0-9.]+)(<)')
_SCRIPT = "app.alert('Bonjour');"


def spoil(how: str, content: bytes) -> bytes:
    """The file with that fault: "truncated", "amount due", "script", or none for ""."""
    match how:
        case "":
            return content
        case "truncated":
            return content[: len(content) * _KEPT[0] // _KEPT[1]]
        case "amount due":
            return _with_another_amount_due(content)
        case "script":
            return _with_a_script(content)
    raise ValueError(f"Nobody knows how to spoil a file with {how!r}.")


def _with_another_amount_due(ubl: bytes) -> bytes:
    """Ten euros forgotten between the total and what is due (BR-CO-16)."""

    def forget(found: re.Match[bytes]) -> bytes:
        euros, cents = found[2].split(b".")
        return found[1] + b"%d.%s" % (int(euros) - 10, cents) + found[3]

    spoilt, count = _AMOUNT_DUE.subn(forget, ubl)
    if count != 1:
        raise ValueError("There is not exactly one amount due to change.")
    return spoilt


def _with_a_script(pdf: bytes) -> bytes:
    """A JavaScript that runs when the document is opened."""
    written = io.BytesIO()
    with pikepdf.open(io.BytesIO(pdf)) as document:
        document.Root.OpenAction = pikepdf.Dictionary(S=pikepdf.Name.JavaScript, JS=_SCRIPT)
        document.save(written, deterministic_id=True)
    return written.getvalue()
