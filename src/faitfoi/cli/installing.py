"""`faitfoi organisation`, `account`, `channel`, `customers`: what the operator sets up before the first sending."""

import sys
from datetime import datetime
from pathlib import Path
from typing import Annotated

import typer

from faitfoi.cli.sending import Named
from faitfoi.cli.server import fail, platform_open, the_organisation

organisation = typer.Typer(no_args_is_help=True, help="Les organisations de cette installation.")
account = typer.Typer(no_args_is_help=True, help="Les comptes de celles et ceux qui y travaillent.")
channel = typer.Typer(no_args_is_help=True, help="Les réglages de chaque canal.")
customers = typer.Typer(no_args_is_help=True, help="Les clients.")

ACTOR = "operator"


def register(app: typer.Typer) -> None:
    """Add the operator's commands."""
    app.add_typer(organisation, name="organisation")
    app.add_typer(account, name="account")
    app.add_typer(channel, name="channel")
    app.add_typer(customers, name="customers")


@organisation.command("add")
def add_organisation(
    slug: Annotated[str, typer.Argument(help="Nom court, pour les commandes et les adresses des pages.")],
    *,
    name: Annotated[str, typer.Option("--name", help="Raison sociale.")],
    siren: Annotated[str, typer.Option("--siren", help="9 chiffres.")],
    siret: Annotated[str, typer.Option("--siret", help="14 chiffres ; demandé par Chorus Pro.")] = "",
    issues_from: Annotated[
        datetime, typer.Option("--issues-from", formats=["%Y-%m-%d"], help="Début d’émission électronique.")
    ] = datetime(2027, 9, 1),  # noqa: DTZ001  # a calendar day
    size: Annotated[
        str, typer.Option("--size", help="large, intermediate, small ou micro : la loi en dépend.")
    ] = "small",
) -> None:
    """Crée une organisation et sa clé de scellement."""
    with platform_open():
        from faitfoi.pipeline.setting_up import CannotSetUp, create_organisation

        fields = {"slug": slug, "name": name, "siren": siren, "siret": siret, "size": size}
        try:
            create_organisation({**fields, "issues_electronically_from": issues_from.date()}, actor=ACTOR)
        except CannotSetUp as error:
            fail(str(error), code=2)
    typer.echo(
        f"{name} est créée. Réglez ses canaux (faitfoi channel set), puis ses clients (faitfoi customers import)."
    )


@organisation.command("list")
def list_organisations() -> None:
    """Liste les organisations."""
    with platform_open():
        from faitfoi.accounts.models import Organisation
        from faitfoi.accounts.tenancy import directory

        with directory():
            for each in Organisation.objects.all():
                typer.echo(f"{each.slug}\t{each.siren}\t{each.name}")


@account.command("add")
def add(
    email: str,
    organisation: Named = None,
    name: Annotated[str, typer.Option("--name", help="Le nom affiché.")] = "",
    role: Annotated[
        str, typer.Option("--role", help="clerk ou manager ; un auditeur s’invite (faitfoi auditor).")
    ] = "clerk",
) -> None:
    """Ouvre un compte, et en donne le mot de passe une seule fois."""
    with platform_open():
        from faitfoi.accounts.models import Role
        from faitfoi.pipeline.setting_up import CannotSetUp, add_account

        chosen = the_organisation(organisation)
        try:
            password = add_account(chosen, email, name=name, role=Role(role), actor=ACTOR)
        except CannotSetUp as error:
            fail(str(error), code=2)
        except ValueError:
            fail(f"Le rôle « {role} » n’existe pas : choisissez parmi {', '.join(Role.values)}.", code=2)
    if password is None:
        typer.echo(f"{email} avait déjà un compte : il ouvre maintenant aussi {chosen.name}.")
    else:
        typer.echo(f"Compte {email}, mot de passe : {password}")


@account.command("password")
def password_(email: str) -> None:
    """Donne un nouveau mot de passe à un compte, et le montre une seule fois."""
    with platform_open():
        from faitfoi.pipeline.account_events import give_password

        made = give_password(email, actor=ACTOR)
    if made is None:
        fail(f"Aucun compte d’ici n’a l’adresse « {email} ».", code=2)
    typer.echo(f"Compte {email}, mot de passe : {made}")


@channel.command("set")
def set_(
    key: Annotated[str, typer.Argument(help="email, chorus_pro ou plateforme_agreee.")],
    values: Annotated[list[str], typer.Argument(help="nom=valeur… ; « nom=- » demande la valeur sans la montrer.")],
    organisation: Named = None,
) -> None:
    """Règle un canal ; les valeurs sont gardées chiffrées."""
    with platform_open():
        from faitfoi.pipeline.setting_up import CannotSetUp, set_channel

        chosen = the_organisation(organisation)
        try:
            set_channel(chosen, key, dict(_pair(item) for item in values), actor=ACTOR)
        except CannotSetUp as error:
            fail(str(error), code=2)
    typer.echo(f"Le canal {key} de {chosen.name} est réglé.")


@customers.command("import")
def import_(
    file: Annotated[Path, typer.Argument(help="Un fichier CSV en UTF-8 ; - pour l’entrée standard.")],
    organisation: Named = None,
) -> None:
    """Crée ou met à jour des clients depuis un fichier CSV : tous, ou aucun."""
    try:
        lines = sys.stdin.read().splitlines() if str(file) == "-" else file.read_text("utf-8").splitlines()
    except OSError as error:
        fail(f"Le fichier {file} ne s’ouvre pas : {error.strerror}.", code=2)
    except UnicodeDecodeError:
        fail(f"Le fichier {file} n’est pas en UTF-8 : enregistrez-le ainsi depuis votre tableur.", code=2)
    with platform_open():
        from faitfoi.pipeline.setting_up import CannotSetUp, import_customers

        chosen = the_organisation(organisation)
        try:
            done = import_customers(chosen, lines, actor=ACTOR)
        except CannotSetUp as error:
            fail(f"{error} Rien n’a été changé.", code=2)
    typer.echo(f"{done.created} client(s) créés, {done.updated} mis à jour.")


def _pair(item: str) -> tuple[str, str]:
    name, equals, value = item.partition("=")
    if not equals:
        fail(f"« {item} » : écrivez nom=valeur.", code=2)
    return name, typer.prompt(name, hide_input=True) if value == "-" else value
