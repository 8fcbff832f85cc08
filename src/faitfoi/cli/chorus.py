"""`faitfoi chorus`: what Chorus Pro says of public structures."""

from typing import Annotated

import typer

from faitfoi.cli.sending import Named
from faitfoi.cli.server import fail, platform_open, the_organisation

chorus = typer.Typer(no_args_is_help=True, help="Chorus Pro : ce que les structures publiques demandent.")


@chorus.callback()
def _several() -> None:
    """Keep the group a group while it has one command."""


@chorus.command()
def structure(
    siret: Annotated[str, typer.Argument(help="Le SIRET de la structure publique (14 chiffres).")],
    services: Annotated[
        list[str] | None, typer.Option("--service", help="Le code d’un service dont demander les règles.")
    ] = None,
    organisation: Named = None,
) -> None:
    """Demande à Chorus Pro ce qu’une structure publique veut sur ses factures, et le garde."""
    plain = "".join(siret.split())
    if len(plain) != 14 or not plain.isdigit():
        fail(f"« {siret} » n’est pas un SIRET : il compte 14 chiffres. Vérifiez-le.", code=2)
    with platform_open():
        from faitfoi.pipeline.structures import NotTold, describe, look_up

        chosen = the_organisation(organisation)
        try:
            row = look_up(chosen.id, plain, services=services or (), actor="operator")
        except NotTold as error:
            fail(str(error))
        for sentence in describe(row):
            typer.echo(sentence)
        raise typer.Exit(0 if row.known else 1)
