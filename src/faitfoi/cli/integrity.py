"""`faitfoi integrity`: read again what is kept, from every copy, and mend what one of them lies about."""

from typing import Annotated

import typer
from rich.console import Console
from rich.progress import Progress

from faitfoi.cli.sending import Named
from faitfoi.cli.server import platform_open, the_organisation

ACTOR = "operator"


def integrity(
    everything: Annotated[
        bool, typer.Option("--all", help="Relit tous les paquets ; reprend où le dernier contrôle s’est arrêté.")
    ] = False,
    organisation: Named = None,
) -> None:
    """Relit ce qui est conservé, sur chaque copie, et répare. Code 0 si tout est intact ou réparé."""
    with platform_open():
        from django.conf import settings

        from faitfoi.pipeline.integrity import Outcome, check_all, check_sample, packs_to_check

        chosen = the_organisation(organisation)
        outcomes: list[Outcome] = []
        if everything:
            with Progress(console=Console(stderr=True), transient=True) as bar:
                task = bar.add_task("Paquets", total=packs_to_check(chosen.id))

                def told(outcome: Outcome) -> None:
                    outcomes.append(outcome)
                    bar.advance(task, outcome.packs)

                check_all(chosen.id, actor=ACTOR, told=told)
        else:
            outcomes.append(check_sample(chosen.id, actor=ACTOR))
        lost = sum(outcome.lost for outcome in outcomes)
        typer.echo(
            f"{sum(outcome.objects for outcome in outcomes)} objets relus dans "
            f"{sum(outcome.packs for outcome in outcomes)} paquets : {sum(outcome.bad for outcome in outcomes)} "
            f"abîmés, {sum(outcome.mended for outcome in outcomes)} réparés, {lost} perdus."
        )
        if not settings.FAITFOI_SECOND_SHELF:
            typer.echo(
                "Il n’y a pas de seconde copie : ce qui s’abîme ne se répare pas. Nommez-en une, ailleurs, par "
                "FAITFOI_SECOND_SHELF (un dossier ou s3://…) ; « faitfoi integrity --all » y copie ce qui manque.",
                err=True,
            )
    raise typer.Exit(1 if lost else 0)
