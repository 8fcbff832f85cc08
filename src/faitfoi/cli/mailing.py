"""`faitfoi mail`: read bounces by hand, declare an address good, and what else the mail channel needs a person for."""

import json
from collections import Counter
from pathlib import Path
from typing import Annotated
from uuid import UUID

import typer
from rich.console import Console
from rich.table import Table

from faitfoi.cli.sending import AsJson, Named
from faitfoi.cli.server import fail, platform_open, the_document, the_organisation

app = typer.Typer(no_args_is_help=True, help="Le courrier électronique : retours, adresses, textes, signature.")


@app.command()
def read(
    paths: Annotated[list[Path], typer.Argument(help="Messages revenus (.eml) ou dossiers qui en contiennent.")],
    as_json: AsJson = False,
) -> None:
    """Dit ce que chaque message revenu raconte : classe, destinataire, code ; et combien ne disent pas tout."""
    from faitfoi.intake.bounces import read_bounce

    files = [each for path in paths for each in (sorted(path.rglob("*.eml")) if path.is_dir() else [path])]
    table = Table("Message", "Classe", "Destinataire", "Code")
    classes: Counter[str] = Counter()
    untold: list[str] = []
    for file in files:
        try:
            bounce = read_bounce(file.read_bytes())
        except OSError as error:
            fail(f"Le message {file} ne se lit pas : {error.strerror}. Vérifiez son nom et ses droits.", code=2)
        kind = "none" if bounce is None else bounce.kind.value
        people = () if bounce is None else bounce.recipients
        classes[kind] += 1
        if not any("@" in each.address and each.status for each in people):
            untold.append(file.name)
        table.add_row(
            file.name, kind, ", ".join(each.address for each in people), ", ".join(each.status for each in people)
        )
    figures = {"messages": len(files), "classes": dict(sorted(classes.items())), "untold": sorted(set(untold))}
    if as_json:
        typer.echo(json.dumps(figures, ensure_ascii=False))
        return
    Console().print(table)
    told = ", ".join(f"{kind} {number}" for kind, number in sorted(classes.items()))
    typer.echo(f"{len(files)} messages : {told}.")
    if untold:
        typer.echo(f"Sans destinataire ou sans code : {', '.join(sorted(set(untold)))}.")


@app.command()
def addresses(
    organisation: Named = None,
    good: Annotated[str, typer.Option("--good", help="Cette adresse est bonne : les envois y repartent.")] = "",
) -> None:
    """Liste les adresses auxquelles rien n’est plus envoyé, et pourquoi ; --good ADRESSE en lève une."""
    with platform_open():
        from faitfoi.accounts.tenancy import acting_for
        from faitfoi.pipeline.addresses import UnknownAddress, declare_good, known_bad

        chosen = the_organisation(organisation)
        with acting_for(chosen.id):
            if good:
                try:
                    declare_good(good, actor="operator")
                except UnknownAddress as error:
                    fail(str(error))
                typer.echo(f"{good} : les envois y repartent.")
                return
            for each in known_bad():
                typer.echo(f"{each.address} — depuis le {each.since:%d/%m/%Y}, {each.code} : {each.sentence}")


@app.command()
def quiet() -> None:
    """Éteint l’alarme du courrier écarté, une fois le domaine d’envoi vérifié."""
    with platform_open():
        from faitfoi.pipeline.addresses import CAUSE
        from faitfoi.records.models import Alarm

        gone, _ = Alarm.objects.filter(cause=CAUSE).delete()
        typer.echo("L’alarme est éteinte." if gone else "Il n’y avait pas d’alarme du courrier.")


@app.command()
def dkim(
    organisation: Named = None,
    selector: Annotated[str, typer.Option("--selector", help="Le nom de la clé dans le DNS.")] = "faitfoi",
    new: Annotated[bool, typer.Option("--new", help="Fait une nouvelle clé, même s’il y en a une.")] = False,
    on: Annotated[bool, typer.Option("--on", help="L’enregistrement est publié : signer désormais.")] = False,
) -> None:
    """Donne l’enregistrement DNS de la signature DKIM, dont la clé est faite s’il n’y en a pas."""
    with platform_open():
        from faitfoi.pipeline.mail_dkim import dkim_record
        from faitfoi.pipeline.setting_up import CannotSetUp

        chosen = the_organisation(organisation)
        try:
            name, text, signs = dkim_record(chosen, selector=selector, new=new, on=on, actor="operator")
        except CannotSetUp as error:
            fail(str(error), code=2)
    quoted = " ".join(f'"{text[start : start + 255]}"' for start in range(0, len(text), 255))
    typer.echo(f"{name}. IN TXT {quoted}")
    if not signs:
        typer.echo("Publiez-le, puis : faitfoi mail dkim --on. D’ici là, rien n’est signé.", err=True)


@app.command()
def preview(
    number: Annotated[str, typer.Argument(help="Le numéro de la facture ou de l’avoir.")],
    organisation: Named = None,
    language: Annotated[str, typer.Option("--language", help="fr ou en ; sinon, celle du client.")] = "",
) -> None:
    """Montre le message qui accompagnerait une facture, tel que le client le lirait ; rien ne part."""
    with platform_open():
        from faitfoi.accounts.tenancy import acting_for
        from faitfoi.pipeline.mail_texts import preview as look

        chosen = the_organisation(organisation)
        document = the_document(chosen, number)
        with acting_for(chosen.id):
            words, sentence = look(chosen, document, language=language)
        typer.echo(f"{words.subject}\n\n{words.plain}")
        typer.echo(sentence, err=True)


@app.command()
def notices(
    choice: Annotated[str, typer.Argument(help="on ou off ; sans rien, dit où l’on en est.")] = "",
    organisation: Named = None,
) -> None:
    """Dit si les clients ont un avis par e-mail quand une plateforme accepte leur facture, ou le choisit."""
    if choice not in {"", "on", "off"}:
        fail(f"« {choice} » n’est pas un choix : écrivez on ou off.", code=2)
    with platform_open():
        from faitfoi.accounts.models import ChannelKey
        from faitfoi.accounts.tenancy import acting_for
        from faitfoi.pipeline.notices import want_notices

        chosen = the_organisation(organisation)
        if choice:
            with acting_for(chosen.id):
                want_notices(chosen, ChannelKey.EMAIL if choice == "on" else ChannelKey.NONE, actor="operator")
        told = "sont prévenus par e-mail" if chosen.notice_channel else "ne sont pas prévenus"
    typer.echo(f"Quand une plateforme accepte leur facture, les clients {told}, sauf si leur fiche dit autre chose.")


@app.command()
def webhook(
    provider: Annotated[str, typer.Argument(help="postmark, mailgun, ses, brevo ou mailjet.")],
    organisation: Named = None,
) -> None:
    """Donne l’adresse que le prestataire d’envoi appellera ; son secret n’est montré qu’une fois."""
    with platform_open():
        from faitfoi.pipeline.mail_calls import NoDoor, open_door

        chosen = the_organisation(organisation)
        try:
            secret = open_door(chosen, provider, actor="operator")
        except NoDoor as error:
            fail(str(error), code=2)
    typer.echo(f"/appels/courrier/{secret}/")
    typer.echo("Donnez cette adresse au prestataire, précédée de https:// et du nom de cette machine.", err=True)


@app.command()
def check(organisation: Named = None) -> None:
    """Essaie le chemin de retour : un message à nous-mêmes, qui doit revenir comme reviennent les refus."""
    with platform_open():
        from faitfoi.pipeline.mailboxes import read_returns, try_return_path

        chosen = the_organisation(organisation)
        read_returns(chosen.id, actor="operator")
        told = try_return_path(chosen.id, actor="operator")
        typer.echo(told or "Aucun domaine de retour n’est réglé (return_domain) : aucun refus ne peut revenir.")


@app.command()
def attach(
    file: Annotated[Path, typer.Argument(help="Un PDF ou une image, qui partira avec chaque courriel.")],
    customer: Annotated[str, typer.Option("--customer", help="La référence d’un client.")] = "",
    batch: Annotated[str, typer.Option("--batch", help="Un lot : son rang, son nom ou son identifiant.")] = "",
    organisation: Named = None,
) -> None:
    """Joint un fichier aux courriels d’un client, ou d’un lot dont rien n’est encore parti."""
    try:
        content = file.read_bytes()
    except OSError as error:
        fail(f"Le fichier {file} ne se lit pas : {error.strerror}. Vérifiez son nom et ses droits.", code=2)
    with platform_open():
        from faitfoi.accounts.tenancy import acting_for
        from faitfoi.pipeline.mail_files import CannotJoin, join_file
        from faitfoi.pipeline.what_if import NoSuchBatch, find_batch
        from faitfoi.records.models import Customer

        chosen = the_organisation(organisation)
        try:
            with acting_for(chosen.id):
                found = Customer.objects.filter(reference=customer).first() if customer else None
                named = find_batch(batch) if batch else None
            if customer and found is None:
                fail(f"Le client « {customer} » n’existe pas dans cette organisation : vérifiez sa référence.", code=2)
            join_file(chosen, content, filename=file.name, customer=found, batch=named, actor="operator")
        except (CannotJoin, NoSuchBatch) as error:
            fail(str(error), code=2)
    typer.echo(f"{file.name} partira avec les courriels {f'du lot {batch}' if batch else f'de {customer}'}.")


@app.command()
def files(
    organisation: Named = None,
    remove: Annotated[UUID | None, typer.Option("--remove", help="Ne joint plus ce fichier (son identifiant).")] = None,
) -> None:
    """Liste les fichiers joints aux courriels de clients ou de lots, et permet d’en retirer."""
    with platform_open():
        from faitfoi.accounts.tenancy import acting_for
        from faitfoi.pipeline.mail_files import drop_file
        from faitfoi.records.models import MailFile

        chosen = the_organisation(organisation)
        with acting_for(chosen.id):
            if remove is not None:
                if not drop_file(remove, actor="operator"):
                    fail(f"Aucun fichier joint n’a l’identifiant {remove} : voyez « faitfoi mail files ».", code=2)
                typer.echo("Ce fichier n’est plus joint.")
                return
            for each in MailFile.objects.select_related("customer", "batch").order_by("-id"):
                whose = f"client {each.customer.reference}" if each.customer else f"lot « {each.batch} »"
                typer.echo(f"{each.id}  {each.filename} — {whose}")


@app.command()
def webhooks(
    organisation: Named = None,
    revoke: Annotated[UUID | None, typer.Option("--revoke", help="Ferme cette adresse (son identifiant).")] = None,
) -> None:
    """Liste les adresses données aux prestataires d’envoi, leur dernier appel, et permet d’en fermer."""
    with platform_open():
        from django.utils import timezone

        from faitfoi.pipeline.mail_calls import doors_of, revoke_door, said_of

        chosen = the_organisation(organisation)
        if revoke is not None:
            if not revoke_door(chosen, revoke, actor="operator"):
                fail(f"Aucune adresse ouverte n’a l’identifiant {revoke} : voyez « faitfoi mail webhooks ».", code=2)
            typer.echo("Cette adresse ne prend plus rien : elle répond qu’elle n’existe plus.")
            return
        for each in doors_of(chosen):
            said = f"{timezone.localtime(each.called_at):%d/%m/%Y %H:%M}, " if each.called_at else ""
            last = said + (said_of(each) or "jamais appelée")
            state = "fermée" if each.revoked_at else "ouverte"
            typer.echo(f"{each.id}  {each.provider} — {state} — dernier appel : {last}")


@app.command()
def pace(organisation: Named = None) -> None:
    """Dit à quels domaines le courrier part plus lentement, parce que leur serveur l’a demandé, et jusqu’à quand."""
    with platform_open():
        from django.utils import timezone

        from faitfoi.accounts.tenancy import acting_for
        from faitfoi.pipeline.pacing import slowed_domains

        chosen = the_organisation(organisation)
        with acting_for(chosen.id):
            slowed = slowed_domains(now=timezone.now())
        for each in slowed:
            end = f", le dernier vers {timezone.localtime(each.end):%H:%M le %d/%m}" if each.end else ""
            typer.echo(f"{each.domain} — un message toutes les {each.seconds} s ; {each.waiting} en attente{end}")
        if not slowed:
            typer.echo("Aucun serveur ne demande d’aller moins vite.")
