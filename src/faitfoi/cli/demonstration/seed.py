"""Who takes part in the demonstration, read from `seed.toml`."""

import tomllib
from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from typing import Any

HERE = files("faitfoi.cli.demonstration")


@cache
def seed() -> Mapping[str, Any]:
    """Return `seed.toml`: `demonstration_day` (a date), `organisations`, `chorus_structures` and
    `directory_lines` (lists of tables).

    An organisation holds the fields of `accounts.models.Organisation`, its `users` (email, name, role), its
    `customers` (fields of `records.models_party.Customer`, absent = the model's default), `logo` (a file for
    `logo()`) and `terms_of_sale` (whether it has some). A structure is what the Chorus Pro simulator's control takes.
    """
    return tomllib.loads(HERE.joinpath("seed.toml").read_text(encoding="utf-8"))


def organisation(slug: str) -> Mapping[str, Any]:
    """Return one organisation's table. Raises KeyError when there is none of that slug."""
    for table in seed()["organisations"]:
        if table["slug"] == slug:
            found: Mapping[str, Any] = table
            return found
    raise KeyError(slug)


def logo(slug: str) -> bytes:
    """Return an organisation's logo, an SVG of our own."""
    return HERE.joinpath(organisation(slug)["logo"]).read_bytes()
