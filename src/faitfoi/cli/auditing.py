"""`faitfoi controls`, `chain`, `paf`, `auditor`: the audit trail, for whoever keeps the books or examines them."""

import json
from datetime import datetime
from pathlib import Path
from typing import Annotated

import typer

from faitfoi.cli.sending import AsJson, Named, NamedInFull
from faitfoi.cli.server import fail, platform_open, the_document, the_organisation, write_or_leave

auditor = typer.Typer(no_args_is_help=True, help="L’accès des auditeurs : quels exercices, jusqu’à quand.")

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


def chain(
    number: Annotated[str, typer.Argument(help="Le numéro de la facture ou de l’avoir.")], organisation: Named = None
) -> None:
    """Remonte et descend la chaîne d’une facture : commande, livraison, envoi, statuts, avoirs."""
    with platform_open():
        from faitfoi.accounts.tenancy import acting_for
        from faitfoi.pipeline.chain import chain_of, written

        chosen = the_organisation(organisation)
        document = the_document(chosen, number)
        with acting_for(chosen.id):
            for line in written(chain_of(document)):
                typer.echo(line)


def paf(
    output: Annotated[Path | None, typer.Option("--output", "-o", help="Où l’écrire.")] = None,
    organisation: NamedInFull = None,
) -> None:
    """Écrit la piste d’audit fiable de l’organisation (PDF scellé), renouvelée quand ce qu’elle énonce change."""
    with platform_open():
        from faitfoi.pipeline.paf import write_trail
        from faitfoi.pipeline.sealing import CannotSeal

        chosen = the_organisation(organisation)
        try:
            written = write_trail(chosen, actor=ACTOR)
        except CannotSeal as error:
            fail(str(error))
        target = output or Path(f"piste-audit-{chosen.slug}-v{written.version.version}.pdf")
        write_or_leave(target, written.pdf)
        typer.echo(f"{target} : version {written.version.version} du {written.version.created_at:%d/%m/%Y}.")
        for said in written.version.changed if written.fresh else []:
            typer.echo(f"  {said}")


def _line(title: str, last: object) -> str:
    from faitfoi.records.models import ControlRun

    if not isinstance(last, ControlRun):
        return f"{title} : pas encore fait (faitfoi controls --run)."
    said = f"{last.found} à regarder" if last.found else "rien à signaler"
    untold = f", {last.untold} dont on ne peut rien dire" if last.untold else ""
    return f"{title} : {said}{untold} sur {last.checked} — {last.created_at:%d/%m/%Y à %H:%M} UTC"


@auditor.command("invite")
def invite(
    email: str,
    *,
    years: Annotated[list[int], typer.Option("--year", help="Un exercice, par l’année où il finit ; répétable.")],
    until: Annotated[datetime, typer.Option("--until", formats=["%Y-%m-%d"], help="Le dernier jour (AAAA-MM-JJ).")],
    since: Annotated[
        datetime | None, typer.Option("--from", formats=["%Y-%m-%d"], help="Le premier jour ; sinon, aujourd’hui.")
    ] = None,
    name: Annotated[str, typer.Option("--name", help="Le nom affiché.")] = "",
    organisation: Named = None,
) -> None:
    """Ouvre à un auditeur la lecture de certains exercices, pour un temps ; un accès d’avant est remplacé."""
    with platform_open():
        from faitfoi.pipeline import auditors
        from faitfoi.pipeline.installation import today

        chosen = the_organisation(organisation)
        first_day = since.date() if since else today(chosen)
        try:
            invited = auditors.invite(
                chosen, email, name=name, years=years, first_day=first_day, last_day=until.date(), actor=ACTOR
            )
        except auditors.CannotInvite as error:
            fail(str(error), code=2)
    typer.echo(
        f"{email} lit les exercices {', '.join(map(str, invited.mandate.years))} jusqu’au {until:%d/%m/%Y} inclus."
    )
    if invited.password:
        typer.echo(f"Mot de passe, montré une seule fois : {invited.password}")


@auditor.command("revoke")
def revoke(email: str, organisation: Named = None) -> None:
    """Ferme tout de suite l’accès d’un auditeur."""
    with platform_open():
        from faitfoi.pipeline import auditors

        chosen = the_organisation(organisation)
        closed = auditors.revoke(chosen, email, actor=ACTOR)
    if not closed:
        fail(f"{email} n’a pas d’accès ouvert chez {chosen.name}.")
    typer.echo(f"L’accès de {email} est fermé.")


@auditor.command("list")
def list_(organisation: Named = None) -> None:
    """Liste les accès donnés aux auditeurs, et ce qu’ils ont lu."""
    with platform_open():
        from faitfoi.accounts.tenancy import acting_for
        from faitfoi.pipeline import auditors
        from faitfoi.records.models import JournalEntry

        chosen = the_organisation(organisation)
        with acting_for(chosen.id):
            for mandate in auditors.mandates(chosen):
                said = f'"mandate":"{mandate.id}"'
                read = JournalEntry.objects.filter(kind="read_by_auditor", body__contains=said).count()
                closed = f", fermé le {mandate.revoked_at:%d/%m/%Y}" if mandate.revoked_at else ""
                typer.echo(
                    f"{mandate.user.email}\texercices {', '.join(map(str, mandate.years))}\t"
                    f"du {mandate.first_day:%d/%m/%Y} au {mandate.last_day:%d/%m/%Y}{closed}\t{read} lecture(s)"
                )
