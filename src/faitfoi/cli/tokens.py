"""`faitfoi token`: what lets another program record payments by HTTP, for one organisation."""

from typing import Annotated

import typer

from faitfoi.cli.sending import Named
from faitfoi.cli.server import fail, platform_open, the_organisation

token = typer.Typer(no_args_is_help=True, help="Les jetons des programmes qui enregistrent des paiements par HTTP.")

Name = Annotated[str, typer.Argument(help="Le nom du programme, par exemple banque-en-ligne.")]


@token.command("add")
def add(
    name: Name,
    organisation: Named = None,
    days: Annotated[
        int | None, typer.Option("--days", help="Combien de jours il vaut ; sans limite par défaut.")
    ] = None,
) -> None:
    """Donne un jeton à un programme ; il n’est montré qu’une fois."""
    with platform_open():
        from faitfoi.pipeline.tokens import WARNING, CannotMake, make_token

        try:
            secret = make_token(the_organisation(organisation), name, days=days, actor="operator")
        except CannotMake as error:
            fail(str(error), code=2)
    typer.echo(secret)
    typer.echo(f"{WARNING} Pour le révoquer : faitfoi token revoke {name}", err=True)


@token.command("list")
def list_tokens(organisation: Named = None) -> None:
    """Liste les jetons, leur état et leur dernier appel."""
    with platform_open():
        from django.utils import timezone

        from faitfoi.pipeline.tokens import CALLS, has_expired, tokens_of

        for each in tokens_of(the_organisation(organisation)):
            said = f"{timezone.localtime(each.called_at):%d/%m/%Y %H:%M}, " if each.called_at else ""
            last = said + CALLS.get(each.call_said, "jamais employé")
            state = "ouvert, sans limite"
            if each.expires_at is not None:
                word = "expiré le" if has_expired(each, at=timezone.now()) else "ouvert jusqu’au"
                state = f"{word} {timezone.localtime(each.expires_at):%d/%m/%Y}"
            if each.revoked_at:
                state = f"révoqué le {timezone.localtime(each.revoked_at):%d/%m/%Y}"
            typer.echo(f"{each.name} — {state} — dernier appel : {last}")


@token.command("revoke")
def revoke(name: Name, organisation: Named = None) -> None:
    """Révoque un jeton pour toujours : dès l’appel suivant, il n’ouvre plus rien."""
    with platform_open():
        from faitfoi.pipeline.tokens import revoke_token

        if not revoke_token(the_organisation(organisation), name, actor="operator"):
            fail(f"Aucun jeton ouvert ne s’appelle « {name} » : voyez « faitfoi token list ».", code=2)
        typer.echo(f"Le jeton « {name} » n’ouvre plus rien.")
