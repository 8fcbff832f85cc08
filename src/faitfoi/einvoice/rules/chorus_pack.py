"""The rules of Chorus Pro as a dated pack: each finding names the version that judged and where the rule was learnt."""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date
from functools import cache
from importlib.resources import files

from faitfoi.einvoice.findings import Finding
from faitfoi.einvoice.model import Invoice
from faitfoi.einvoice.rules.engine import Family, check_rules


@dataclass(frozen=True, slots=True, kw_only=True)
class Pack:
    """One version: the day its sources were read, the first day it judges, and the source of each rule by its id."""

    version: date
    since: date
    sources: Mapping[str, str]


@cache
def packs() -> tuple[Pack, ...]:
    """Every version, oldest first, read once from `data/chorus_pack.toml`."""
    content = tomllib.loads(files(__package__).joinpath("data", "chorus_pack.toml").read_text(encoding="utf-8"))
    read = (Pack(version=each["version"], since=each["since"], sources=each["rules"]) for each in content["versions"])
    return tuple(sorted(read, key=lambda pack: pack.since))


def pack_on(day: date) -> Pack:
    """The version that judges on a day; the first one before it began."""
    return next((pack for pack in reversed(packs()) if pack.since <= day), packs()[0])


def check_chorus(invoice: Invoice, *, day: date) -> tuple[Finding, ...]:
    """What Chorus Pro would refuse, by the pack in force that day; `source` of each finding names version and source.

    `invoice` is the rendering of `einvoice.chorus.for_chorus`.
    """
    pack = pack_on(day)
    return tuple(
        replace(finding, source=f"Chorus Pro, règles du {pack.version:%d/%m/%Y} : {pack.sources[finding.rule]}.")
        for finding in check_rules(invoice, families=(Family.CHORUS,))
        if finding.rule in pack.sources
    )
