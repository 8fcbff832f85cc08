"""`faitfoi follow`, `route`, `fsck`: ask for news now, look again for a way, recompute everything from bytes."""

import json
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import Progress

from faitfoi.cli.sending import AsJson, Named
from faitfoi.cli.server import fail, platform_open, the_document, the_organisation


def follow(organisation: Named = None) -> None:
    """Demande tout de suite des nouvelles de chaque envoi en cours, sans attendre l’heure prévue."""
    with platform_open():
        from faitfoi.pipeline.acting_questions import due_act_questions, sweep_acts
        from faitfoi.pipeline.due import collect_later
        from faitfoi.pipeline.following import due_polls
        from faitfoi.pipeline.questions import due_questions, sweep
        from faitfoi.pipeline.worker import work

        chosen = the_organisation(organisation)
        sweep(chosen.id)
        sweep_acts(chosen.id)
        due_act_questions(chosen.id, everything=True)
        collect_later(chosen.id)
        asked = due_polls(chosen.id, everything=True) + due_questions(chosen.id, everything=True)
        work(queues=["journey"], wait=False)
        typer.echo(f"{asked} envoi(s) suivis : leurs nouvelles sont dans les pages et dans « faitfoi documents ».")


def route(
    number: Annotated[str, typer.Argument(help="Le numéro de la facture ou de l’avoir.")],
    organisation: Named = None,
    engagement: Annotated[str, typer.Option("--engagement", help="Le numéro d’engagement qui manquait.")] = "",
) -> None:
    """Explique par quel canal une facture part et pourquoi ; si elle attend, cherche de nouveau son chemin."""
    with platform_open():
        from faitfoi.accounts.tenancy import acting_for
        from faitfoi.pipeline.rerouting import route_again

        chosen = the_organisation(organisation)
        document = the_document(chosen, number)
        still = route_again(chosen, document.id, actor="operator", engagement=engagement)
        if still:
            fail(still)
        with acting_for(chosen.id):
            for delivery in document.deliveries.order_by("purpose", "sequence"):
                typer.echo(f"{delivery.get_purpose_display()} → {delivery.get_channel_display()} : {delivery.reason}")


def fsck(as_json: AsJson = False) -> None:
    """Recalcule tout depuis les octets : journal, racine, empreintes, sceaux. Code 0 si tout est intact."""
    with platform_open():
        from faitfoi.pipeline.examination import examine_installation

        console = Console(stderr=True)
        with Progress(console=console, transient=True) as bar:
            tasks = {"entries": bar.add_task("Journal", total=None), "packs": bar.add_task("Paquets", total=None)}

            def advance(step: str, done: int, /) -> None:
                bar.update(tasks[step], completed=done)

            report = examine_installation(progress=advance)
    if as_json:
        problems = [{"kind": p.kind.value, "object": p.object, "sentence": p.sentence} for p in report.problems]
        names = ("entries", "objects", "seals", "packs", "octets", "checkpoints", "stamps", "unclaimed", "doubts")
        facts = {**{name: getattr(report, name) for name in names}, "root": report.root.hex()}
        typer.echo(json.dumps({**facts, "sound": report.sound, "problems": problems}, ensure_ascii=False))
    else:
        typer.echo(
            f"{report.entries} écritures, {report.checkpoints} points de contrôle, {report.stamps} horodatages ; "
            f"{report.objects} objets, dont {report.seals} cachetés, dans {report.packs} paquets "
            f"({report.octets / 1_000_000:.1f} Mo lus). Racine : {report.root.hex()}"
        )
        if report.doubts:
            typer.echo(
                f"{report.doubts} cachet(s) d’une clé déclarée compromise ensuite, qu’aucun horodatage ne date : "
                "« faitfoi seal status » les nomme."
            )
        for problem in report.problems:
            typer.echo(f"✗ {problem.sentence}", err=True)
        typer.echo("Tout est intact." if report.sound else f"{len(report.problems)} défaut(s) trouvés.")
    raise typer.Exit(0 if report.sound else 1)
