"""The French sentence and the two remedies of each rule, from dated data files beside the code.

One table per rule id: `fr` what must hold, `remedy_fr` and `remedy` what to do when it does not. They are ours: the
official wording is licensed, and read from the official judge's report at run time only. The VAT families share their
sentences, with the words of each category put into them.
"""

import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any

_VAT_FAMILIES = "sentences_vat.toml"
_EXTENDED = "sentences_extended.toml"


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
        if not (file.name.startswith("sentences_") and file.name.endswith(".toml")):
            continue
        content = tomllib.loads(file.read_text(encoding="utf-8"))
        if file.name == _VAT_FAMILIES:
            found.update(_of_families(content))
        elif file.name == _EXTENDED:
            found.update(_of_extended(content))
        else:
            found.update({rule: Sentences(**texts) for rule, texts in content.items() if isinstance(texts, dict)})
    return found


def _of_families(content: Mapping[str, Any]) -> Iterator[tuple[str, Sentences]]:
    for words in content["families"].values():
        for number, texts in content["demands"].items():
            yield (
                f"{words['prefix']}-{number}",
                Sentences(fr=texts["fr"].format(**words), remedy=texts["remedy"], remedy_fr=texts["remedy_fr"]),
            )


def _of_extended(content: Mapping[str, Any]) -> Iterator[tuple[str, Sentences]]:
    categories: Mapping[str, str] = content["categories"]
    for texts in content.values():
        for rule in texts["ids"] if isinstance(texts, dict) and "ids" in texts else ():
            for category, letter in categories.items() if "{category}" in rule else (("", ""),):
                yield (
                    rule.format(category=category),
                    Sentences(
                        fr=texts["fr"].format(letter=letter), remedy=texts["remedy"], remedy_fr=texts["remedy_fr"]
                    ),
                )
