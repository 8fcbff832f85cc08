"""`faitfoi controls`, `chain`, `paf`, `auditor`: the audit trail, for whoever keeps the books or examines them."""

import json
from typing import Annotated

import typer

from faitfoi.cli.sending import AsJson, Named
from faitfoi.cli.server import platform_open, the_organisation

ACTOR = "operator"
SHOWN = 20


def controls(
    organisation: Named = None,
    now: Annotated[bool, typer.Option("--run", help="Les refaire maintenant, sans attendre leur heure.")] = False,
    as_json: AsJson = False,
) -> None:
    """Montre les contrôles de la piste d’audit et leur dernier résultat. Code 1 si l’un a trouvé quelque chose."""
    with platform_open():
        from faitfoi.accounts.tenancy import acting_for
        from faitfoi.pipeline.controls import run_due, standings

        chosen = the_organisation(organisation)
        if now:
            run_due(chosen, actor=ACTOR, everything=True)
        with acting_for(chosen.id):
            told = standings()
        if as_json:
            for each in told:
                last = each.last
                facts = {"checked": last.checked, "found": last.found, "untold": last.untold} if last else {}
                at = last.created_at.isoformat() if last else None
                findings = last.findings if last else []
                row = {"control": each.control.key, "at": at, **facts, "findings": findings}
                typer.echo(json.dumps(row, ensure_ascii=False))
        else:
            for each in told:
                typer.echo(_line(each.control.title, each.last))
                for finding in (each.last.findings if each.last else [])[:SHOWN]:
                    typer.echo(f"    {'?' if finding['untold'] else '✗'} {finding['sentence']}")
        raise typer.Exit(1 if any(each.last and each.last.found for each in told) else 0)


def _line(title: str, last: object) -> str:
    from faitfoi.records.models import ControlRun

    if not isinstance(last, ControlRun):
        return f"{title} : pas encore fait (faitfoi controls --run)."
    said = f"{last.found} à regarder" if last.found else "rien à signaler"
    untold = f", {last.untold} dont on ne peut rien dire" if last.untold else ""
    return f"{title} : {said}{untold} sur {last.checked} — {last.created_at:%d/%m/%Y à %H:%M} UTC"
