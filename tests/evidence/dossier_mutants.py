"""Ways to lie in a dossier: files changed, cut, shuffled, doubled, removed, added, or taken from another dossier."""

import random
from collections.abc import Iterator
from dataclasses import dataclass, field

from tests.evidence.made_dossier import refreshed

LISTS = ("manifest-sha256.txt", "tagmanifest-sha256.txt")
UNSIGNED = ("LISEZMOI.txt", "bag-info.txt", "bagit.txt", "verify.sh", "verifier.html")
"""What explains the dossier or judges it. Who wrote the lists anew could write these anew too: no key signs them."""
CHANGES = ("flip", "cut", "swap", "double", "insert", "truncate")
WHOLE = ("remove", "empty", "exchange", "add")


@dataclass(frozen=True, slots=True, kw_only=True)
class Mutant:
    """A dossier that lies in `file`, by a `change`; `refresh`: the lists of digests were written anew."""

    file: str
    change: str
    refresh: bool
    files: dict[str, bytes] = field(repr=False)


def tolerated(mutant: Mutant) -> str:
    """Why nobody need see this mutant; empty when it must be seen. docs/dossier.md lists the same reasons."""
    if not mutant.refresh:
        return ""
    if mutant.file in (*UNSIGNED, *LISTS) and mutant.change != "add":
        return "explains, lists or judges: what is proved are the files in data"
    if mutant.change == "remove" and mutant.file.startswith("data/certificats/"):
        return "without a certificate the seal is not judged, as for a PDF that somebody else signed: said as such"
    if mutant.change == "remove" and mutant.file.endswith(".tst"):
        return "a dossier may have no time-stamp: it then says no hour"
    if mutant.file == "data/evidence.ers" and mutant.change == "remove":
        return "a dossier may have no evidence record: it then has its time-stamp alone"
    if mutant.file == "data/evidence.ers":
        return "the script judges where a record begins, not all of it; faitfoi verify and the page do"
    if mutant.change == "add" and mutant.file.endswith(".tst"):
        return "the same true token under another name"
    if mutant.file.endswith(".tst"):
        wholly = mutant.change in {"exchange", "empty"}
        return "" if wholly else "a token has bytes that nothing signs: a spare copy of the root, names of algorithms"
    return ""


def mutants(good: dict[str, bytes], other: dict[str, bytes], *, count: int, seed: int) -> Iterator[Mutant]:
    """`count` mutants of a dossier: each file in turn, each change in turn, the lists refreshed or not."""
    chance = random.Random(seed)
    ways = [(change, refresh) for change in (*CHANGES, *WHOLE) for refresh in (False, True)]
    made = 0
    while made < count:
        for name, content in good.items():
            change, refresh = ways[(made + made // len(ways)) % len(ways)]
            files = _mutated(good, other, name, change, chance)
            if files == good:
                files = {**good, name: _changed(content, "flip", chance)}
                change = "flip"
            changed_name = _added(name) if change == "add" else name
            yield Mutant(
                file=changed_name, change=change, refresh=refresh, files=refreshed(files) if refresh else files
            )
            made += 1
            if made == count:
                return


def _added(name: str) -> str:
    folder, _, last = name.rpartition("/")
    return f"{folder}/ajout-{last}" if folder else f"ajout-{last}"


def _mutated(
    good: dict[str, bytes], other: dict[str, bytes], name: str, change: str, chance: random.Random
) -> dict[str, bytes]:
    if change == "remove":
        return {each: content for each, content in good.items() if each != name}
    if change == "exchange":
        return {**good, name: other.get(name, b"")}
    if change == "add":
        return {**good, _added(name): good[name]}
    return {**good, name: _changed(good[name], change, chance)}


def _changed(content: bytes, change: str, chance: random.Random) -> bytes:
    at = chance.randrange(max(len(content), 1))
    size = chance.randint(1, 40)
    part = content[at : at + size]
    if change == "empty":
        return b""
    if change == "cut":
        return content[:at] + content[at + size :]
    if change == "swap":
        return content[:at] + part[::-1] + content[at + size :]
    if change == "double":
        return content[: at + size] + part + content[at + size :]
    if change == "insert":
        return content[:at] + chance.randbytes(size) + content[at:]
    if change == "truncate":
        return content[:at]
    return content[:at] + bytes(each ^ (1 << chance.randrange(8)) for each in content[at : at + 1]) + content[at + 1 :]
