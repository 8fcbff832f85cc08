"""Typst, kept warm: one compiler per thread, our three fonts and nothing of the system's."""

import atexit
import hashlib
import json
import os
import re
import tempfile
import threading
import unicodedata
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from functools import cache
from importlib.resources import files
from importlib.util import find_spec
from pathlib import Path

import typst

_WEIGHTS = ("Regular", "Semibold", "Bold")
_CONTROL = re.compile(r"(?<!\\)((?:\\\\)*)\\(u00[01][0-9a-f]|[bf])")
_ESCAPES = ("\\u00", "\\b", "\\f")
_MISSING = re.compile(r'the text `"(.+?)"` could not be displayed')
_ESCAPED = re.compile(r"\\u\{([0-9a-f]+)\}")

# No font of ours draws what lies beyond (CJK, emoji…) except the Latin ligatures; PDF/A forbids undrawn glyphs.
_FIRST_UNDRAWN = 0x2E80
_LIGATURES = range(0xFB00, 0xFB07)
_MOST_RETRIES = 40

_local = threading.local()
_warm_in: set[int] = set()


def compile_pdf(template: bytes, inputs: Mapping[str, object], *, created: datetime) -> bytes:
    """A tagged PDF/A-3a and PDF/UA-1 of the template; the same arguments give the same bytes.

    The template defines the function `render`, whose arguments are the `inputs` in their order: values that JSON can
    hold. `created` is the only date in the result. A character that none of the fonts can draw is shown as `[U+4E2D]`.
    """
    drawn = {name: _drawable(json.dumps(value, ensure_ascii=False)) for name, value in inputs.items()}
    for _ in range(_MOST_RETRIES):
        try:
            result, warnings = _compiler().compile_with_warnings(
                input=_call(template, drawn.values()),
                format="pdf",
                pdf_standards=["a-3a", "ua-1"],
                timestamp=created.astimezone(UTC).replace(microsecond=0),
            )
        except typst.TypstError as error:
            missing = _undrawn(error)
            if not missing:
                raise
            drawn = {name: _spell_out(text, missing) for name, text in drawn.items()}
            continue
        if warnings:
            # Above all « layout did not converge »: carried totals could then be false.
            raise RuntimeError("; ".join(warning.message for warning in warnings))
        assert isinstance(result, bytes)  # noqa: S101 (the stubs join the answers of all formats)
        return result
    raise ValueError("Too many different characters that no font can draw.")


def compile_svg(template: bytes, inputs: Mapping[str, object]) -> bytes:
    """The one page of the template as SVG, whose letters are outlines; see `compile_pdf` for its arguments."""
    drawn = [_drawable(json.dumps(value, ensure_ascii=False)) for value in inputs.values()]
    result = _compiler().compile(input=_call(template, drawn), format="svg")
    assert isinstance(result, bytes)  # noqa: S101 (the stubs join the answers of all formats)
    return result


@cache
def template(name: str) -> bytes:
    """The source of one of our templates."""
    return (files("faitfoi.einvoice") / "layout" / name).read_bytes()


def _call(template: bytes, arguments: Iterable[str]) -> bytes:
    """The source of one page: a call of the template's function on data in JSON.

    Data are text in a literal, hence never code. Given as `sys.inputs` they would make Typst's library a new one for
    each page, and a template given as source is read anew for each: that costs a sixth of the page.
    """
    literals = (each.replace("\\", "\\\\").replace('"', '\\"') for each in arguments)
    given = ", ".join(f'json(bytes("{each}"))' for each in literals)
    return f'#import "/{_placed(template)}": render\n#render({given})'.encode()


@cache
def _placed(template: bytes) -> str:
    """The name of the template's file in the compilers' folder, named by its content."""
    name = f"{hashlib.sha256(template).hexdigest()}.typ"
    (Path(_folder()) / name).write_bytes(template)
    return name


def _compiler() -> typst.Compiler:
    if _warm_in.difference({os.getpid()}):
        # Typst's threads did not follow: the child would wait for them for ever.
        raise RuntimeError("Typst was used before this process forked: start it with spawn instead.")
    compiler: typst.Compiler | None = getattr(_local, "compiler", None)
    if compiler is None:
        compiler = typst.Compiler(root=_folder(), font_paths=_fonts())
        _local.compiler = compiler
        _warm_in.add(os.getpid())
    return compiler


@cache
def _fonts() -> typst.Fonts:
    return typst.Fonts(include_system_fonts=False, include_embedded_fonts=True, font_paths=[_folder()])


@cache
def _folder() -> str:
    """A private folder for the templates, with links to the three fonts used.

    The wheel holds every weight twice (OTF and TTF) and Typst takes whichever the disk lists first: linking one of
    each makes the bytes the same on every machine.
    """
    package = find_spec("font_source_sans_pro")
    if package is None or not package.submodule_search_locations:
        raise ModuleNotFoundError("font_source_sans_pro")
    source = Path(package.submodule_search_locations[0]) / "files"
    folder = tempfile.TemporaryDirectory(prefix="faitfoi-fonts-")
    atexit.register(folder.cleanup)
    for weight in _WEIGHTS:
        name = f"SourceSansPro-{weight}.otf"
        (Path(folder.name) / name).symlink_to(source / name)
    return folder.name


def _drawable(text: str) -> str:
    """JSON without the characters that certainly cannot be drawn; JSON writes control characters as escapes."""
    if any(escape in text for escape in _ESCAPES):  # a look at each letter is worth it in few invoices
        text = _CONTROL.sub(lambda found: f"{found[1]}[U+{_code(found[2]):04X}]", text)
    composed = unicodedata.normalize("NFC", text)
    return _spell_out(composed, {character for character in set(composed) if _is_undrawn(character)})


def _code(escape: str) -> int:
    return {"b": 0x08, "f": 0x0C}.get(escape) or int(escape[1:], 16)


def _is_undrawn(character: str) -> bool:
    code = ord(character)
    return (code >= _FIRST_UNDRAWN and code not in _LIGATURES) or 0x7F <= code < 0xA0


def _undrawn(error: typst.TypstError) -> set[str]:
    return {_ESCAPED.sub(lambda code: chr(int(code[1], 16)), text) for text in _MISSING.findall(error.message)}


def _spell_out(text: str, missing: set[str]) -> str:
    for each in missing:
        text = text.replace(each, "".join(f"[U+{ord(character):04X}]" for character in each))
    return text
