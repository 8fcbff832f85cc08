"""The written audit trail (piste d’audit fiable): a new sealed version each time that what it states has changed.

`statement` is what is compared; what passes (last results, last checkpoint) is told at the hour of the version only.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from django.db import IntegrityError
from django.utils import timezone

from faitfoi.accounts.models import Organisation
from faitfoi.accounts.tenancy import acting_for
from faitfoi.einvoice.notice import render_notice
from faitfoi.pipeline import archive
from faitfoi.pipeline.paf_facts import Facts, facts_of
from faitfoi.pipeline.paf_page import notice_of
from faitfoi.pipeline.renderings import look_of
from faitfoi.pipeline.seal_keys import ensure_seal_key
from faitfoi.pipeline.sealing import seal_for
from faitfoi.records.journal import write_entry
from faitfoi.records.models import AuditSettings, WrittenTrail

MOST_ROUNDS = 5
DESCRIBED = ("responsible", "storage_place", "before_invoicing", "after_sending", "required", "unique")
FIRST = "Première version."


@dataclass(frozen=True, slots=True, kw_only=True)
class Written:
    """A version and its bytes; `fresh` when it has just been made."""

    version: WrittenTrail
    pdf: bytes
    fresh: bool


def write_trail(organisation: Organisation, *, actor: str) -> Written:
    """Return the present version, made anew if what it states has changed. Outside any transaction.

    Raises CannotSeal, and evidence.shelf.ObjectMissing or ObjectAltered when the present version cannot be read.
    """
    ensure_seal_key(organisation)
    for _ in range(MOST_ROUNDS):
        with acting_for(organisation.id):
            facts = facts_of(organisation)
            last = WrittenTrail.objects.order_by("-version").first()
        if last is not None and last.statement == facts.statement:
            return Written(version=last, pdf=read_trail(last), fresh=False)
        changed = changes(last.statement, facts.statement) if last is not None else [FIRST]
        number = last.version + 1 if last is not None else 1
        at = timezone.now()
        pdf = _page(organisation, facts, number=number, changed=changed, at=at)
        pdf = seal_for(organisation.id, pdf, at=at).pdf
        try:
            version = _keep(organisation, facts, pdf, number=number, changed=changed, actor=actor)
            return Written(version=version, pdf=pdf, fresh=True)
        except IntegrityError:
            continue  # another worker has just written this version
    raise RuntimeError("the written audit trail was never alone to be written")


def read_trail(version: WrittenTrail) -> bytes:
    """Return the very bytes of one version, verified. Raises evidence.shelf.ObjectMissing or ObjectAltered."""
    return archive.fetch(version.organisation_id, version.sha256)


def describe(organisation: Organisation, told: AuditSettings, given: Mapping[str, object], *, actor: str) -> None:
    """Keep what the organisation says of itself; runs inside `acting_for`. The journal says that it changed."""
    for name in DESCRIBED:
        setattr(told, name, given[name])
    told.save()
    month = int(str(given["ends_in"]))
    if month != organisation.financial_year_ends_in:
        organisation.financial_year_ends_in = month
        organisation.save(update_fields=["financial_year_ends_in"])
    write_entry("audit_trail_described", actor=actor, rows=[told, organisation])


def changes(before: dict[str, str], now: dict[str, str]) -> list[str]:
    """Say in French, fact by fact, what differs between two statements."""
    said = [
        f"{label} : « {now[label]} » (était : « {old} »)."
        for label, old in before.items()
        if label in now and now[label] != old
    ]
    said += [f"{label} : « {new} » (nouveau)." for label, new in now.items() if label not in before]
    said += [f"{label} : retiré (était : « {old} »)." for label, old in before.items() if label not in now]
    return said


def _page(organisation: Organisation, facts: Facts, *, number: int, changed: list[str], at: datetime) -> bytes:
    with acting_for(organisation.id):
        look = look_of(organisation)
    notice = notice_of(organisation, facts, version=number, changed=changed, at=at)
    return render_notice(notice, look=look, created=at)


def _keep(
    organisation: Organisation, facts: Facts, pdf: bytes, *, number: int, changed: list[str], actor: str
) -> WrittenTrail:
    kept = archive.pack(organisation.id, [pdf], retention=archive.PROOF)
    digest = kept.objects[0].digest
    with acting_for(organisation.id):
        archive.claim(kept, actor=actor)
        version = WrittenTrail.objects.create(
            organisation=organisation,
            version=number,
            statement=facts.statement,
            changed=changed,
            sha256=digest.sha256,
            sha512=digest.sha512,
            size=digest.size,
        )
        write_entry(
            "audit_trail_written",
            actor=actor,
            rows=[version],
            version=number,
            sha256=version.sha256,
            sha512=version.sha512,
        )
    return version
