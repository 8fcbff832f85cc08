"""`faitfoi webhook`: have the plateforme agréée call when it has news, rather than wait for the next look."""

from typing import Annotated

import typer

from faitfoi.cli.sending import Named
from faitfoi.cli.server import fail, platform_open, the_organisation

webhook = typer.Typer(no_args_is_help=True, help="Les appels de la plateforme agréée (webhooks).")


@webhook.command("add")
def add(
    base: Annotated[str, typer.Argument(help="L’adresse publique de vos pages, par exemple https://faitfoi.example")],
    organisation: Named = None,
) -> None:
    """Demande à la plateforme d’appeler quand un statut arrive ; la clé de signature est gardée chiffrée."""
    with platform_open():
        from faitfoi.pipeline.webhooks_pa import CannotManage
        from faitfoi.pipeline.webhooks_pa import add as add_webhook

        chosen = the_organisation(organisation)
        try:
            made = add_webhook(chosen.id, f"{base.rstrip('/')}/appels/pa/{chosen.id}/", actor="operator")
        except CannotManage as error:
            fail(str(error))
        typer.echo(f"{made.identifier}\t{made.address}")


@webhook.command("list")
def list_webhooks(organisation: Named = None) -> None:
    """Liste les webhooks que la plateforme connaît."""
    with platform_open():
        from faitfoi.pipeline.webhooks_pa import CannotManage, known

        try:
            for one in known(the_organisation(organisation).id):
                typer.echo(f"{one.identifier}\t{one.address}\t{one.created_at}")
        except CannotManage as error:
            fail(str(error))


@webhook.command("remove")
def remove(
    identifier: Annotated[str, typer.Argument(help="L’identifiant du webhook (faitfoi webhook list).")],
    organisation: Named = None,
) -> None:
    """Demande à la plateforme d’oublier un webhook."""
    with platform_open():
        from faitfoi.pipeline.webhooks_pa import CannotManage, forget

        try:
            if not forget(the_organisation(organisation).id, identifier):
                fail(f"La plateforme n’a pas de webhook « {identifier} » : voyez « faitfoi webhook list ».", code=2)
        except CannotManage as error:
            fail(str(error))
        typer.echo("La plateforme n’appellera plus cette adresse.")
