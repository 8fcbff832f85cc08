"""The files inside a PDF, wherever their mention stands and however their name is written.

Source: ISO 32000-2, 7.9.6 (name trees), 7.11 (file specifications), 12.5.6.15 (file attachment annotations), 14.13
(associated files).
"""

import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass

import pikepdf

_MAX_FILES = 500
_MAX_NODES = 5_000
_MAX_PAGES = 2_000
_NAME_KEYS = ("/UF", "/F", "/Unix", "/DOS", "/Mac")
_MEDIA_TYPES = {"xml": "text/xml", "csv": "text/csv", "txt": "text/plain", "pdf": "application/pdf", "png": "image/png"}
_PATH = re.compile(r"[/\\]")


@dataclass(frozen=True, slots=True, kw_only=True)
class Embedded:
    """One file specification: the name it shows, every other name it goes by, its key in the name tree."""

    name: str
    names: tuple[str, ...]
    key: str
    specification: pikepdf.Object
    stream: pikepdf.Object | None
    in_tree: bool

    def is_called(self, name: str) -> bool:
        """True when one of its names is `name` (lower case), whatever its case, path, blanks or encoding."""
        return any(_bare(each) == name for each in self.names)


def embedded_files(pdf: pikepdf.Pdf) -> list[Embedded]:
    """The files of the name tree, then those that only associated files (AF) or annotations mention; each once."""
    found: list[Embedded] = []
    seen: set[tuple[int, int]] = set()
    for key, specification in _mentions(pdf):
        if len(found) >= _MAX_FILES:
            break
        if not isinstance(specification, pikepdf.Dictionary):
            continue
        if specification.is_indirect:
            if specification.objgen in seen:
                continue
            seen.add(specification.objgen)
        found.append(_embedded(key, specification))
    return found


def associated(holder: pikepdf.Object) -> list[pikepdf.Object]:
    """The associated files (AF) of the catalogue or of a page."""
    files = holder.get("/AF")
    if isinstance(files, pikepdf.Array):
        return [each for each in files.as_list() if isinstance(each, pikepdf.Dictionary)]
    return [files] if isinstance(files, pikepdf.Dictionary) else []


def is_associated(pdf: pikepdf.Pdf, file: Embedded) -> bool:
    """True when the catalogue or a page names the file among those associated with it."""
    holders = [pdf.Root, *(page.obj for _, page in zip(range(_MAX_PAGES), pdf.pages, strict=False))]
    return any(_same(file.specification, other) for holder in holders for other in associated(holder))


def media_type(name: str) -> str:
    """What a file is by the ending of its name, for PDF/A-3, which wants to be told (6.8)."""
    return _MEDIA_TYPES.get(name.rpartition(".")[2].lower(), "application/octet-stream")


def _same(one: pikepdf.Object, other: pikepdf.Object) -> bool:
    return bool(one.is_indirect and other.is_indirect and one.objgen == other.objgen)


def _mentions(pdf: pikepdf.Pdf) -> Iterator[tuple[str | None, pikepdf.Object | None]]:
    names = pdf.Root.get("/Names")
    yield from _tree(names.get("/EmbeddedFiles") if isinstance(names, pikepdf.Dictionary) else None)
    yield from ((None, each) for each in associated(pdf.Root))
    for _, page in zip(range(_MAX_PAGES), pdf.pages, strict=False):
        yield from ((None, each) for each in associated(page.obj))
        listed = page.obj.get("/Annots")
        for annotation in listed.as_list() if isinstance(listed, pikepdf.Array) else []:
            if isinstance(annotation, pikepdf.Dictionary) and annotation.get("/Subtype") == pikepdf.Name.FileAttachment:
                yield None, annotation.get("/FS")


def _tree(root: pikepdf.Object | None) -> Iterator[tuple[str, pikepdf.Object]]:
    """Keys and values of a name tree, whatever its shape; a loop in it ends where it began."""
    waiting, seen, visited = [root], set[tuple[int, int]](), 0
    while waiting and visited < _MAX_NODES:
        node = waiting.pop()
        visited += 1
        if not isinstance(node, pikepdf.Dictionary) or (node.is_indirect and node.objgen in seen):
            continue
        seen.add(node.objgen)
        entries = node.get("/Names")
        if isinstance(entries, pikepdf.Array):
            flat = entries.as_list()
            yield from ((_text(key), value) for key, value in zip(flat[::2], flat[1::2], strict=False))
        children = node.get("/Kids")
        if isinstance(children, pikepdf.Array):
            waiting.extend(reversed(children.as_list()))


def _embedded(key: str | None, specification: pikepdf.Object) -> Embedded:
    given = [_text(specification.get(name)) for name in _NAME_KEYS if name in specification]
    names = tuple(dict.fromkeys(name for name in (*given, key or "") if name))
    return Embedded(
        name=names[0] if names else "",
        names=names,
        key=key or "",
        specification=specification,
        stream=_stream(specification),
        in_tree=key is not None,
    )


def _stream(specification: pikepdf.Object) -> pikepdf.Object | None:
    forms = specification.get("/EF")
    if not isinstance(forms, pikepdf.Dictionary):
        return None
    for name in ("/UF", "/F", "/Unix", "/DOS", "/Mac"):
        stream = forms.get(name)
        if isinstance(stream, pikepdf.Stream):
            return stream
    return None


def _text(value: object) -> str:
    """A name as text: PDFDocEncoding or UTF-16 as the norm says, or UTF-8 and little-endian as some programs do."""
    if isinstance(value, pikepdf.Name):
        return str(value)[1:].strip()
    if not isinstance(value, pikepdf.String):
        return ""
    raw = bytes(value)
    if raw.startswith(b"\xff\xfe"):
        text = raw[2:].decode("utf-16-le", "replace")
    elif raw.startswith(b"\xfe\xff"):
        text = raw[2:].decode("utf-16-be", "replace")
    else:
        try:
            text = raw.removeprefix(b"\xef\xbb\xbf").decode("utf-8")
        except UnicodeDecodeError:
            text = str(value)
    return text.replace("\x00", "").strip()


def _bare(name: str) -> str:
    return _PATH.split(unicodedata.normalize("NFKC", name))[-1].strip().lower()
