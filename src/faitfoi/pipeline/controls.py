"""The controls of the audit trail: which there are, how often each runs, and the journal's entry of each run."""

import hashlib
import json
from collections.abc import Callable
from dataclasses import asdict, dataclass
from datetime import date, datetime, timedelta
from uuid import UUID

from django.utils import timezone

from faitfoi.accounts.financial_years import year_named
from faitfoi.accounts.models import Organisation
from faitfoi.accounts.tenancy import acting_for
from faitfoi.pipeline import control_checks
from faitfoi.pipeline.control_checks import Found, Outcome
from faitfoi.pipeline.installation import today
from faitfoi.records.journal import write_entry
from faitfoi.records.models import ControlRun

MOST_KEPT = 500
"""Findings that a run keeps word for word; it counts all of them."""
DAILY, WEEKLY = timedelta(days=1), timedelta(days=7)
SLACK = timedelta(hours=2)
"""A run of yesterday's at 2:41:07 is due today at 2:41:02."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Control:
    """One control: what it is called, what it looks for and how (French, for the written audit trail), how often."""

    key: str
    title: str
    purpose: str
    method: str
    every: timedelta
    look: Callable[[date], Outcome]

    @property
    def frequency(self) -> str:
        """How often, in a French word."""
        return "chaque jour" if self.every == DAILY else "chaque semaine"


CONTROLS: dict[str, Control] = {
    each.key: each
    for each in (
        Control(
            key="sequence",
            title="Continuité des numéros",
            purpose="Aucune facture émise ne manque dans une série.",
            method="Les numéros sont donnés par le logiciel de facturation. Faitfoi reconnaît les séries (préfixe et "
            "compteur), par vendeur, et nomme ce qui manque entre le premier et le dernier numéro reçus. Ce qui "
            "précède le premier ou suit le dernier, il ne peut pas le savoir.",
            every=DAILY,
            look=control_checks.sequence,
        ),
        Control(
            key="unsent",
            title="Factures non parties",
            purpose="Toute facture scellée est parvenue à son client, ou quelqu’un s’en occupe.",
            method="Relève les documents scellés dont l’envoi légal n’a pas abouti : sans canal, retenus, à corriger, "
            "revenus, rejetés, de sort inconnu, ou prêts depuis plus d’un jour.",
            every=DAILY,
            look=control_checks.unsent,
        ),
        Control(
            key="altered",
            title="Pièces intactes",
            purpose="Ce qui est gardé est ce qui a été scellé.",
            method="Chaque nuit, une partie de l’archive tirée au sort est relue dans chaque copie et ses empreintes "
            "(SHA-256, SHA-512) recalculées ; tout l’est dans l’année. Ce contrôle reprend ce que ces relectures ont "
            "inscrit au journal. « faitfoi fsck » relit tout à la demande.",
            every=DAILY,
            look=control_checks.altered,
        ),
        Control(
            key="vat",
            title="TVA et totaux",
            purpose="Les montants de chaque facture se recalculent.",
            method="Recalcule les totaux (règles BR-CO-10 à BR-CO-17 de la norme EN 16931) et la TVA de chaque taux ; "
            "l’écart admis est d’un demi-centime par ligne.",
            every=DAILY,
            look=control_checks.vat,
        ),
        Control(
            key="references",
            title="Rapprochement avec commandes et livraisons",
            purpose="Ce qui est facturé a été commandé et livré, et ne l’est qu’une fois.",
            method="Relève les factures sans les références que l’organisation exige, et une même référence (par "
            "défaut, le bon de livraison) portée par plusieurs factures d’un même client.",
            every=DAILY,
            look=control_checks.references,
        ),
        Control(
            key="corrections",
            title="Avoirs rattachés",
            purpose="Chaque avoir dit quelle facture il corrige.",
            method="Relève les avoirs sans facture d’origine (BT-25), et ceux qui en nomment une que Faitfoi n’a pas.",
            every=WEEKLY,
            look=control_checks.corrections,
        ),
    )
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """A control and its last run, if it has run."""

    control: Control
    last: ControlRun | None

    @property
    def mood(self) -> str:
        """How it stands: `done`, `trouble`, or `waiting` when it has not run or could not tell everything."""
        if self.last is None:
            return "waiting"
        if self.last.found:
            return "trouble"
        return "waiting" if self.last.untold else "done"


def run_control(organisation: Organisation, key: str, *, actor: str) -> ControlRun:
    """Run one control over the documents of this financial year and the last one, and keep its result."""
    control = CONTROLS[key]
    with acting_for(organisation.id):
        outcome = control.look(_since(organisation))
        return _keep(organisation.id, control, outcome, actor=actor)


def run_due(organisation: Organisation, *, actor: str, everything: bool = False) -> list[ControlRun]:
    """Run the controls whose time has come (or all of them)."""
    with acting_for(organisation.id):
        due = [each.control for each in standings() if everything or _is_due(each, timezone.now())]
    return [run_control(organisation, control.key, actor=actor) for control in due]


def standings() -> list[Standing]:
    """Each control with its last run. Runs inside `acting_for`."""
    return [
        Standing(control=control, last=ControlRun.objects.filter(control=control.key).order_by("-created_at").first())
        for control in CONTROLS.values()
    ]


def _is_due(standing: Standing, now: datetime) -> bool:
    return standing.last is None or now - standing.last.created_at >= standing.control.every - SLACK


def _since(organisation: Organisation) -> date:
    this_year = organisation.financial_year(today(organisation)).year
    return year_named(this_year - 1, ends_in=organisation.financial_year_ends_in).first_day


def _keep(organisation_id: UUID, control: Control, outcome: Outcome, *, actor: str) -> ControlRun:
    said = [_row(each) for each in outcome.said]
    run = ControlRun.objects.create(
        organisation_id=organisation_id,
        control=control.key,
        checked=outcome.checked,
        found=sum(not each.untold for each in outcome.said),
        untold=sum(each.untold for each in outcome.said),
        findings=said[:MOST_KEPT],
    )
    write_entry(
        "control_run",
        actor=actor,
        rows=[run],
        control=control.key,
        run=str(run.id),
        checked=run.checked,
        found=run.found,
        untold=run.untold,
        # The sentences name numbers and customers: the journal holds their digest only.
        findings_sha256=hashlib.sha256(json.dumps(said, ensure_ascii=False, sort_keys=True).encode()).hexdigest(),
    )
    return run


def _row(found: Found) -> dict[str, object]:
    return {**asdict(found), "day": found.day.isoformat() if found.day else ""}
