"""Writing XML as text, one group of elements at a time: a group in which nothing was put disappears again."""

import base64
import re
from collections.abc import Mapping
from datetime import date
from decimal import Decimal
from types import TracebackType
from typing import Final, Self

from faitfoi.einvoice.model import Attachment, Identifier


class Out:
    """One element being written, in the order of the calls; used with `with`, it is taken away if it stays empty.

    Names are written with the prefixes that the root declares: `leaf` (`ram:`) before those of elements that hold a
    value, `branch` before those of elements that hold elements.
    """

    __slots__ = ("_branch", "_indent", "_keep", "_leaf", "_parts", "_start", "_tag")

    def __init__(
        self, parts: list[str], tag: str, *, leaf: str, branch: str, depth: int = 0, attributes: str = "", keep: bool
    ) -> None:
        self._parts = parts
        self._tag = tag
        self._leaf = leaf
        self._branch = branch
        self._indent = depth + 1
        self._keep = keep
        self._start = len(parts)
        parts.append(f"{_INDENTS[depth]}<{tag}{attributes}>")

    @classmethod
    def root(cls, tag: str, namespaces: Mapping[str, str], *, leaf: str, branch: str) -> Self:
        """The root element, with the namespaces it declares by prefix (`""` for the default one)."""
        declared = "".join(f' xmlns{prefix and ":"}{prefix}="{uri}"' for prefix, uri in namespaces.items())
        return cls([], tag, leaf=leaf, branch=branch, attributes=declared, keep=True)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        parts = self._parts
        if len(parts) > self._start + 1:
            parts.append(f"{_INDENTS[self._indent - 1]}</{self._tag}>")
        elif self._keep:
            parts[-1] = parts[-1][:-1] + "/>"
        else:
            del parts[-1]

    def group(self, name: str, *, keep: bool = False, inside: str = "") -> "Out":
        """Open a group inside this one; `keep` writes it even when it stays empty, as a schema may want.

        `inside` is the prefix of the groups inside it, when it is not that of this one.
        """
        return Out(
            self._parts,
            self._branch + name,
            leaf=self._leaf,
            branch=inside or self._branch,
            depth=self._indent,
            keep=keep,
        )

    def text(self, name: str, value: str, /, **attributes: str) -> None:
        """Write a text with its non-empty attributes, or nothing when the text is empty.

        Raises ValueError for characters that XML cannot hold.
        """
        if not value:
            return
        if _SPECIAL(value) is not None:
            value = _escaped(value)
        tag = self._leaf + name
        if attributes:
            said = "".join(f' {key}="{_attribute(each)}"' for key, each in attributes.items() if each)
            self._parts.append(f"{_INDENTS[self._indent]}<{tag}{said}>{value}</{tag}>")
        else:
            self._parts.append(f"{_INDENTS[self._indent]}<{tag}>{value}</{tag}>")

    def wrapped(self, name: str, inner: str, value: str, attributes: str = "") -> None:
        """Write a value that needs no escaping inside the element `inner` (with its prefix) inside `name`."""
        tag, line, deeper = self._leaf + name, _INDENTS[self._indent], _INDENTS[self._indent + 1]
        self._parts.append(f"{line}<{tag}>{deeper}<{inner}{attributes}>{value}</{inner}>{line}</{tag}>")

    def number(self, name: str, value: Decimal | None, /, **attributes: str) -> None:
        """Write a number in plain decimal notation, with the decimals it has, or nothing when it is None.

        Raises ValueError for infinity and NaN.
        """
        if value is not None:
            self.text(name, plain(value), **attributes)

    def identifier(self, name: str, value: Identifier | None, *, scheme: str = "schemeID") -> None:
        """Write an identifier with its scheme attribute, or nothing when it is None."""
        if value is not None:
            self.text(name, value.value, **{scheme: value.scheme})

    def iso_date(self, name: str, value: date | None) -> None:
        """Write a date as `YYYY-MM-DD`, or nothing when it is None."""
        if value is not None:
            self.text(name, value.isoformat())

    def attachment(self, name: str, value: Attachment | None) -> None:
        """Write bytes in base64 with their media type and file name, or nothing when it is None."""
        if value is not None:
            content = base64.b64encode(value.content).decode("ascii")
            self.text(name, content, mimeCode=value.media_type, filename=value.filename)

    def document(self) -> bytes:
        """The whole document as UTF-8 bytes with its XML declaration, indented, ending with a line break."""
        return ("<?xml version='1.0' encoding='UTF-8'?>" + "".join(self._parts) + "\n").encode()


_INDENTS: Final = tuple("\n" + " " * depth for depth in range(60))
_FORBIDDEN = "\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff"
_NEVER = re.compile(f"[{_FORBIDDEN}]")
_SPECIAL = re.compile(f"[&<>\r{_FORBIDDEN}]").search
_SPECIAL_IN_ATTRIBUTES = re.compile(f'[&<>"\t\n\r{_FORBIDDEN}]').search


def _escaped(value: str) -> str:
    if (found := _NEVER.search(value)) is not None:
        raise ValueError(f"Le caractère U+{ord(found[0]):04X} n’a pas de place dans un XML : retirez-le du texte.")
    return value.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;").replace("\r", "&#13;")


def _attribute(value: str) -> str:
    if _SPECIAL_IN_ATTRIBUTES(value) is None:
        return value
    value = _escaped(value)
    return value.replace('"', "&quot;").replace("\t", "&#9;").replace("\n", "&#10;")


def plain(value: Decimal) -> str:
    """`value` in xs:decimal notation, never with an exponent. Raises ValueError when it is not finite."""
    if not value.is_finite():
        raise ValueError(f"Un montant doit être un nombre fini, pas {value}.")
    text = str(value)
    return format(value, "f") if "E" in text else text
