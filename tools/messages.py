"""Collect the interface's texts into the French catalogue and compile it; `--check` only says what is missing.

In Python alone, so that nobody needs GNU gettext: Django turns templates into calls, `ast` reads the calls. The
compiled catalogue is committed, so that an installation has no build step; `--check` proves that it is up to date.
"""

import argparse
import ast
import re
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import polib
from django.utils.translation.template import templatize

ROOT = Path(__file__).resolve().parent.parent
SOURCES = ROOT / "src" / "faitfoi"
CATALOGUE = SOURCES / "web" / "locale" / "fr" / "LC_MESSAGES" / "django.po"
COMPILED = CATALOGUE.with_suffix(".mo")
HEADER = {
    "Project-Id-Version": "faitfoi",
    "Language": "fr",
    "MIME-Version": "1.0",
    "Content-Type": "text/plain; charset=UTF-8",
    "Content-Transfer-Encoding": "8bit",
    "Plural-Forms": "nplurals=2; plural=(n > 1);",
}

# What each function's leading arguments are: c(ontext), s(ingular), p(lural).
SHAPES = {"gettext": "s", "ngettext": "sp", "pgettext": "cs", "npgettext": "csp", "_": "s"}
SHAPES |= {f"{name}_lazy": shape for name, shape in SHAPES.items() if name != "_"} | {"gettext_noop": "s"}
# The spaces of double punctuation and of guillemets; « %(name)s » begins with a value, not with a percent sign.
SPACES = re.compile(r" (?=[:;!?»€]|%(?!\())|(?<=«) ")
NO_BREAK = "\u00a0"
CALL = re.compile(r" (n?p?gettext)\(")


@dataclass(frozen=True, slots=True, kw_only=True)
class Text:
    """One text to translate, as the catalogue identifies it; an empty context or plural means none."""

    singular: str
    plural: str = ""
    context: str = ""


def main() -> int:
    """Exit 0 when the catalogue holds every text in French (after updating it, unless `--check`)."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", action="store_true", help="change nothing, fail when something is missing")
    only_check = parser.parse_args().check
    found = collect(SOURCES)
    catalogue = merged(found, polib.pofile(str(CATALOGUE)) if CATALOGUE.exists() else polib.POFile())
    complaints = list(untranslated(catalogue))
    if only_check:
        complaints += stale(catalogue)
    elif found:
        CATALOGUE.parent.mkdir(parents=True, exist_ok=True)
        CATALOGUE.write_text(str(catalogue), encoding="utf-8")
        COMPILED.write_bytes(compiled(catalogue))
        print(f"{len(catalogue)} texts, {len(complaints)} without French: {CATALOGUE.relative_to(ROOT)}")
    for complaint in complaints:
        print(complaint, file=sys.stderr)
    return 1 if complaints else 0


def collect(sources: Path) -> dict[Text, set[str]]:
    """Every text of the Python files and templates under `sources`, with the files that hold it."""
    found: dict[Text, set[str]] = {}
    for path in sorted(sources.rglob("*")):
        if path.suffix == ".py":
            texts = in_python(path.read_text(encoding="utf-8"))
        elif path.suffix in {".html", ".txt"} and "templates" in path.parts:
            texts = in_template(path.read_text(encoding="utf-8"), origin=str(path))
        else:
            continue
        for text in texts:
            found.setdefault(text, set()).add(path.relative_to(ROOT).as_posix())
    return found


def in_python(source: str) -> Iterator[Text]:
    """The texts that a Python file gives to gettext's functions, whatever module they are reached through."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Call):
            name = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
            if name in SHAPES:
                yield from in_call(name, node)


def in_template(source: str, *, origin: str) -> Iterator[Text]:
    """The texts of a template's translation tags."""
    calls = templatize(source, origin=origin)
    for match in CALL.finditer(calls):
        end = match.end()
        while True:  # the shortest text up to a parenthesis that is a whole call: texts may hold parentheses
            end = calls.index(")", end) + 1
            try:
                node = ast.parse(calls[match.start() : end].strip(), mode="eval").body
            except SyntaxError:
                continue
            break
        if isinstance(node, ast.Call):
            yield from in_call(match[1], node)


def in_call(name: str, node: ast.Call) -> Iterator[Text]:
    """The text of one call, none when an argument is not written out there (a variable has its text elsewhere)."""
    shape = SHAPES[name]
    values = [part.value for part in node.args[: len(shape)] if isinstance(part, ast.Constant)]
    if len(values) == len(shape) and all(isinstance(value, str) for value in values):
        given = dict(zip(shape, values, strict=True))
        yield Text(singular=str(given["s"]), plural=str(given.get("p", "")), context=str(given.get("c", "")))


def merged(found: dict[Text, set[str]], known: polib.POFile) -> polib.POFile:
    """A catalogue of exactly the texts found, with the translations that were known; the same input, the same file."""
    translations = {(entry.msgctxt or "", entry.msgid): entry for entry in known if not entry.obsolete}
    catalogue = polib.POFile(wrapwidth=100)
    catalogue.metadata = dict(HEADER)
    for text, files in sorted(found.items(), key=lambda item: (item[0].singular, item[0].context)):
        old = translations.get((text.context, text.singular))
        entry = polib.POEntry(msgid=text.singular, msgctxt=text.context or None)
        entry.occurrences = [(name, "") for name in sorted(files)]  # no line numbers: they change with every edit
        if "%(" in text.singular or "%(" in text.plural:
            entry.flags.append("python-format")
        if text.plural:
            entry.msgid_plural = text.plural
            entry.msgstr_plural = dict(old.msgstr_plural) if old and old.msgstr_plural else {0: "", 1: ""}
        else:
            entry.msgstr = old.msgstr if old else ""
        if old and old.tcomment:
            entry.tcomment = old.tcomment
        catalogue.append(entry)
    return catalogue


def untranslated(catalogue: polib.POFile) -> Iterator[str]:
    """A complaint for each text without French, or whose French lacks a named value of the original."""
    for entry in catalogue:
        given = list(entry.msgstr_plural.values()) if entry.msgid_plural else [entry.msgstr]
        where = entry.occurrences[0][0]
        if not all(given):
            yield f"{where}: no French for {entry.msgid!r}"
        unknown = set(re.findall(r"%\((\w+)\)", "".join(given))) - set(
            re.findall(r"%\((\w+)\)", entry.msgid + (entry.msgid_plural or ""))
        )
        if unknown:
            yield f"{where}: the French of {entry.msgid!r} names {', '.join(sorted(unknown))}, which is not given"


def compiled(catalogue: polib.POFile) -> bytes:
    """The catalogue as Django reads it, French punctuation kept from starting a line whoever typed its spaces."""
    typeset = polib.POFile()
    typeset.metadata = catalogue.metadata
    for entry in catalogue:
        typeset.append(
            polib.POEntry(
                msgid=entry.msgid,
                msgctxt=entry.msgctxt,
                msgid_plural=entry.msgid_plural,
                msgstr=SPACES.sub(NO_BREAK, entry.msgstr),
                msgstr_plural={number: SPACES.sub(NO_BREAK, text) for number, text in entry.msgstr_plural.items()},
            )
        )
    content: bytes = typeset.to_binary()
    return content


def stale(catalogue: polib.POFile) -> Iterator[str]:
    """A complaint when the committed files are not what `make messages` would write."""
    if not len(catalogue) and not CATALOGUE.exists():
        return
    if not CATALOGUE.exists() or CATALOGUE.read_text(encoding="utf-8") != str(catalogue):
        yield f"{CATALOGUE.relative_to(ROOT)} is not up to date: make messages"
    if not COMPILED.exists() or COMPILED.read_bytes() != compiled(catalogue):
        yield f"{COMPILED.relative_to(ROOT)} is not up to date: make messages"


if __name__ == "__main__":
    sys.exit(main())
