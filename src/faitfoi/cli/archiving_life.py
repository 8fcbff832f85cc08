"""`faitfoi retention`, `hold`, `eliminate`, `export`, `import`: how long an archive lives, and how it moves."""

import os
from datetime import date
from pathlib import Path
from typing import Annotated
from uuid import UUID

import typer

from faitfoi.cli.archiving import ACTOR
from faitfoi.cli.sending import Named
from faitfoi.cli.server import fail, platform_open, the_document, the_organisation

By = Annotated[str, typer.Option("--by", help="Le compte (e-mail) de la personne ; son mot de passe est demandé.")]
Reason = Annotated[str, typer.Option("--reason", help="Pourquoi : gardé avec l’acte.")]
hold = typer.Typer(help="Geler ce qui ne doit pas être éliminé ; une autre personne lève le gel.", no_args_is_help=True)
eliminate = typer.Typer(help="Éliminer ce qui a passé son terme : à deux personnes.", no_args_is_help=True)


def retention(
    category: Annotated[str, typer.Argument(help="invoice, proof, journal ou received ; vide : tout montrer.")] = "",
    years: Annotated[int, typer.Argument(help="Combien d’années, depuis la clôture de l’exercice.")] = 0,
    organisation: Named = None,
) -> None:
    """Montre combien d’années chaque catégorie est gardée, ou le change (jamais moins que la loi)."""
    with platform_open():
        from faitfoi.accounts.tenancy import acting_for
        from faitfoi.pipeline.retention import CATEGORIES, TooShort, rules, set_rule

        chosen = the_organisation(organisation)
        if category:
            try:
                set_rule(chosen.id, category, years, actor=ACTOR)
            except TooShort as error:
                fail(str(error), code=2)
        with acting_for(chosen.id):
            for name, kept in rules().items():
                typer.echo(f"{name}\t{kept} ans\t{CATEGORIES[name].name}")


@hold.command("place")
def place(
    reason: Reason,
    number: Annotated[str, typer.Option("--document", help="Le numéro d’une facture.")] = "",
    customer: Annotated[str, typer.Option("--customer", help="La référence d’un client.")] = "",
    period: Annotated[str, typer.Option("--period", help="AAAA-MM-JJ:AAAA-MM-JJ, les deux jours compris.")] = "",
    organisation: Named = None,
) -> None:
    """Gèle une facture, un client, une période, ou toute l’organisation quand rien n’est dit."""
    with platform_open():
        from faitfoi.accounts.tenancy import acting_for
        from faitfoi.pipeline.holding import CannotHold, place_hold
        from faitfoi.records.models import Customer

        chosen = the_organisation(organisation)
        document_id = the_document(chosen, number).id if number else None
        customer_id = None
        if customer:
            with acting_for(chosen.id):
                found = Customer.objects.filter(reference=customer).first()
            if found is None:
                fail(f"Aucun client {customer} chez {chosen.name}. Vérifiez la référence.", code=2)
            customer_id = found.id
        try:
            made = place_hold(
                chosen.id,
                reason=reason,
                actor=ACTOR,
                document_id=document_id,
                customer_id=customer_id,
                period=_period(period) if period else None,
            )
        except CannotHold as error:
            fail(str(error), code=2)
        typer.echo(f"Gel {made.id} : {made.get_scope_display()}.")


@hold.command("list")
def list_holds(organisation: Named = None) -> None:
    """Montre les gels en vigueur."""
    with platform_open():
        from faitfoi.accounts.tenancy import acting_for
        from faitfoi.pipeline.holding import holds_in_force

        chosen = the_organisation(organisation)
        with acting_for(chosen.id):
            for each in holds_in_force():
                typer.echo(f"{each.id}\t{each.created_at:%d/%m/%Y}\t{each.get_scope_display()}\t{each.reason}")


@hold.command("lift")
def lift(hold_id: str, reason: Reason, by: By, organisation: Named = None) -> None:
    """Lève un gel : par une autre personne que celle qui l’a posé."""
    with platform_open():
        from faitfoi.accounts.duties import NotApart
        from faitfoi.pipeline.holding import CannotHold, lift_hold

        chosen = the_organisation(organisation)
        try:
            lift_hold(chosen.id, _uuid(hold_id), reason=reason, actor=_person(by))
        except (CannotHold, NotApart) as error:
            fail(str(error))
        typer.echo("Le gel est levé.")


@eliminate.command("request")
def request(
    reason: Reason,
    numbers: Annotated[
        list[str] | None, typer.Argument(help="Les numéros ; vide : tout ce qui a passé son terme.")
    ] = None,
    organisation: Named = None,
) -> None:
    """Demande l’élimination de pièces dont le terme est passé ; rien ne part sans une seconde personne."""
    with platform_open():
        from faitfoi.accounts.tenancy import acting_for
        from faitfoi.pipeline.elimination import CannotEliminate, eliminable, request_elimination
        from faitfoi.pipeline.installation import today

        chosen = the_organisation(organisation)
        if numbers:
            ids = [the_document(chosen, number).id for number in numbers]
        else:
            with acting_for(chosen.id):
                ids = [document.id for document in eliminable(chosen, day=today(chosen))]
            if not ids:
                typer.echo("Aucune pièce n’a passé son terme.")
                return
        try:
            made = request_elimination(chosen.id, ids, reason=reason, actor=ACTOR)
        except CannotEliminate as error:
            fail(str(error), code=2)
        typer.echo(f"Demande {made.id} : {len(ids)} pièces. Une autre personne l’approuve sur la page « Archive ».")


@eliminate.command("list")
def list_eliminations(organisation: Named = None) -> None:
    """Montre les demandes, les dernières d’abord : identifiant, jour, état, nombre de pièces, raison."""
    with platform_open():
        from django.db.models import Count

        from faitfoi.accounts.tenancy import acting_for
        from faitfoi.records.models import Elimination

        chosen = the_organisation(organisation)
        with acting_for(chosen.id):
            for each in Elimination.objects.annotate(pieces=Count("items")).order_by("-id"):
                state = each.get_state_display()
                typer.echo(f"{each.id}\t{each.created_at:%d/%m/%Y}\t{state}\t{each.pieces}\t{each.reason}")


@eliminate.command("refuse")
def refuse(
    elimination_id: str,
    reason: Reason,
    by: Annotated[
        str, typer.Option("--by", help="Le compte (e-mail) qui refuse ; vide : retire une demande d’ici.")
    ] = "",
    organisation: Named = None,
) -> None:
    """Refuse une demande, ou retire celle que cette commande a faite : rien ne part."""
    with platform_open():
        from faitfoi.accounts.duties import NotApart
        from faitfoi.pipeline.elimination import CannotEliminate, refuse_elimination
        from faitfoi.records.models import Elimination

        chosen, which = the_organisation(organisation), _uuid(elimination_id)
        try:
            refuse_elimination(chosen.id, which, reason=reason, actor=_person(by) if by else ACTOR)
        except NotApart as error:
            fail(str(error) if by else "Cette demande n’est pas d’ici : ajoutez --by avec le compte de qui la refuse.")
        except CannotEliminate as error:
            fail(str(error))
        except Elimination.DoesNotExist:
            fail(f"Aucune demande {elimination_id} chez {chosen.name}.", code=2)
        typer.echo("La demande est refusée : rien ne part.")


@eliminate.command("approve")
def approve(elimination_id: str, by: By, organisation: Named = None) -> None:
    """Approuve une demande (jamais la sienne), et élimine."""
    with platform_open():
        from faitfoi.accounts.duties import NotApart
        from faitfoi.evidence.shelf import ObjectAltered, ObjectMissing
        from faitfoi.evidence.witness_wire import WitnessSilent
        from faitfoi.pipeline.attesting import CannotAttest
        from faitfoi.pipeline.elimination import CannotEliminate, approve_elimination, run
        from faitfoi.pipeline.sealing import CannotSeal
        from faitfoi.pipeline.witnessing import JournalBehind
        from faitfoi.records.models import Elimination

        chosen, which = the_organisation(organisation), _uuid(elimination_id)
        try:
            approve_elimination(chosen.id, which, actor=_person(by))
        except (CannotEliminate, NotApart) as error:
            fail(str(error))
        except Elimination.DoesNotExist:
            fail(f"Aucune demande {elimination_id} chez {chosen.name}.", code=2)
        try:
            run(chosen.id, which, actor=ACTOR)
        except (
            *(CannotAttest, CannotEliminate, CannotSeal, JournalBehind),
            *(ObjectAltered, ObjectMissing, OSError, WitnessSilent),
        ) as error:
            fail(f"Approuvée, mais pas finie : {error} Elle reprendra d’elle-même.")
        typer.echo("Éliminées ; l’attestation est sur la page « Archive ».")


def export(
    organisation: Annotated[str, typer.Argument(help="L’organisation (son nom court).")],
    output: Annotated[Path, typer.Option("--output", "-o", help="Le dossier où écrire ; le même reprend un export.")],
    part_megabytes: Annotated[int, typer.Option("--part", help="La taille d’une partie, en millions d’octets.")] = 1000,
) -> None:
    """Exporte toute l’archive d’une organisation (BagIt) : fichiers, écritures et preuves, lignes, clés."""
    with platform_open():
        from faitfoi.evidence.shelf import ObjectAltered, ObjectMissing
        from faitfoi.evidence.witness_wire import WitnessSilent
        from faitfoi.pipeline.attesting import CannotAttest
        from faitfoi.pipeline.exporting import CannotExport
        from faitfoi.pipeline.exporting import export as export_archive
        from faitfoi.pipeline.restitution import attest_restitution
        from faitfoi.pipeline.sealing import CannotSeal
        from faitfoi.pipeline.witnessing import JournalBehind

        chosen = the_organisation(organisation)
        try:
            done = export_archive(
                chosen.id,
                output,
                part_bytes=max(part_megabytes, 1) * 1_000_000,
                progress=lambda so_far, whole: typer.echo(f"{so_far} octets sur {whole}", err=True),
            )
            paper = attest_restitution(chosen.id, done, output, actor=ACTOR)
        except (CannotExport, JournalBehind, ObjectAltered, ObjectMissing, WitnessSilent) as error:
            fail(str(error))
        except (CannotAttest, CannotSeal) as error:
            fail(f"L’archive est écrite dans {output}, sans son attestation : {error} La même commande la fera.")
        except OSError as error:
            fail(f"L’export ne s’écrit pas dans {output} : {error.strerror}. Choisissez un autre endroit (-o).")
        typer.echo(
            f"{output} : {len(done.parts)} partie(s), {done.objects} fichiers, {done.entries} écritures, {paper}."
        )


def import_(source: Annotated[Path, typer.Argument(help="Le dossier d’un export complet.")]) -> None:
    """Revérifie tout un export, puis le restaure ici : tout, ou rien. Rien n’est jamais renvoyé."""
    with platform_open():
        from faitfoi.evidence.bag import BagRefused
        from faitfoi.pipeline.importing import CannotImport, import_archive

        try:
            done = import_archive(source, actor=ACTOR)
        except BagRefused as error:
            fail(f"{error}. Rien n’est importé.")
        except CannotImport as error:
            fail(str(error))
        except OSError as error:
            fail(f"{source} ne se lit pas : {error.strerror}.", code=2)
        typer.echo(
            f"{done.organisation.name} : {done.documents} pièces, {done.objects} fichiers, {done.entries} écritures."
        )


def _person(email: str) -> str:
    """The actor that an e-mail names, once its password is given (asked for, or in FAITFOI_PASSWORD)."""
    from faitfoi.accounts.models import User

    password = os.environ.get("FAITFOI_PASSWORD") or typer.prompt(f"Mot de passe de {email}", hide_input=True)
    user = User.objects.filter(email=email.lower(), is_active=True).first()
    if user is None or not user.check_password(password):
        fail("Ce compte et ce mot de passe ne vont pas ensemble.")
    return f"user:{user.pk}"


def _uuid(text: str) -> UUID:
    try:
        return UUID(text)
    except ValueError:
        fail(f"« {text} » n’est pas un identifiant : copiez-le de la liste.", code=2)


def _period(text: str) -> tuple[date, date]:
    first, _, last = text.partition(":")
    try:
        return date.fromisoformat(first), date.fromisoformat(last)
    except ValueError:
        fail(f"« {text} » n’est pas une période : écrivez par exemple 2026-01-01:2026-12-31.", code=2)
