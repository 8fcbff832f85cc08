"""`faitfoi series`: the numbers that Faitfoi gives by itself."""

from typing import Annotated

import typer

from faitfoi.cli.sending import Named
from faitfoi.cli.server import fail, platform_open, the_organisation

series = typer.Typer(no_args_is_help=True, help="Les séries de numéros que Faitfoi donne, sans trou.")

ACTOR = "operator"


@series.command()
def add(
    name: Annotated[str, typer.Argument(help="Le nom de la série, par exemple F.")],
    pattern: Annotated[str, typer.Argument(help="Le modèle de ses numéros, par exemple F-{year}-{n:05d}.")],
    seller: Annotated[str, typer.Option("--seller", help="Le SIREN du vendeur ; vide : celui de l’organisation.")] = "",
    organisation: Named = None,
) -> None:
    """Commence une série : une facture en JSON la demande par « number » vide, ou par {NOM} s’il y en a plusieurs."""
    with platform_open():
        from faitfoi.accounts.tenancy import acting_for
        from faitfoi.pipeline.installation import today
        from faitfoi.records.series import SeriesRefused, add_series

        chosen = the_organisation(organisation)
        year = today(chosen).year
        try:
            with acting_for(chosen.id):
                made = add_series(name, seller_siren=seller or chosen.siren, pattern=pattern, year=year, actor=ACTOR)
        except SeriesRefused as error:
            fail(str(error), code=2)
        typer.echo(f"Série {made.name} : le prochain numéro est {made.pattern.format(year=year, n=1)}.")


@series.command("list")
def list_series(organisation: Named = None) -> None:
    """Montre chaque série, par année, et son dernier numéro."""
    with platform_open():
        from faitfoi.accounts.tenancy import acting_for
        from faitfoi.records.models import Series

        chosen = the_organisation(organisation)
        with acting_for(chosen.id):
            for each in Series.objects.order_by("seller_siren", "name", "year"):
                last = each.pattern.format(year=each.year, n=each.last) if each.last else "aucun"
                typer.echo(f"{each.name}\t{each.seller_siren}\t{each.year}\t{each.pattern}\t{last}")
