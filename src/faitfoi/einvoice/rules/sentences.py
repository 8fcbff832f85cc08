"""The French sentence and the two remedies of each rule, from dated data files beside the code.

One table per rule id: `fr` what must hold, `remedy_fr` and `remedy` what to do when it does not. They are ours: the
official wording is licensed, and read from the official judge's report at run time only.
"""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files


@dataclass(frozen=True, slots=True, kw_only=True)
class Sentences:
    """What is said about one rule beside its English sentence, which is its docstring."""

    fr: str = ""
    remedy: str = ""
    remedy_fr: str = ""


@cache
def sentences() -> Mapping[str, Sentences]:
    """Every rule's sentences by id, read once from `data/sentences_*.toml`."""
    found: dict[str, Sentences] = {}
    for file in sorted(files(__package__).joinpath("data").iterdir(), key=lambda file: file.name):
        if file.name.startswith("sentences_") and file.name.endswith(".toml"):
            for rule, texts in tomllib.loads(file.read_text(encoding="utf-8")).items():
                if isinstance(texts, dict):
                    found[rule] = Sentences(**texts)
    return found
