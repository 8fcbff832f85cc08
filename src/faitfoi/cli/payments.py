"""`faitfoi payment`: record what a customer has paid, see first what that declares, and take it back."""

import json
from datetime import date
from decimal import Decimal, InvalidOperation
from typing import Annotated
from uuid import UUID

import typer

from faitfoi.cli.sending import AsJson, Named
from faitfoi.cli.server import fail, platform_open, the_document, the_organisation

payment = typer.Typer(no_args_is_help=True, help="Les paiements reçus, et ce qu’ils déclarent (statut 212).")

Number = Annotated[str, typer.Argument(help="Le numéro de la facture.")]


@payment.command("add")
def add(  # noqa: PLR0917  # options of a command, never called by position
    number: Number,
    amount: Annotated[str, typer.Option("--amount", help="Le montant reçu, TVA comprise.")],
    paid_on: Annotated[str, typer.Option("--on", help="Le jour où il est arrivé (AAAA-MM-JJ).")],
    part: Annotated[list[str] | None, typer.Option("--part", help="Montant d’un taux : 20=120.00, répétable.")] = None,
    reference: Annotated[str, typer.Option("--reference", help="Libellé du virement, numéro du chèque…")] = "",
    tell: Annotated[
        bool | None, typer.Option("--tell/--no-tell", help="Déclarer l’encaissement ; par défaut si la TVA en dépend.")
    ] = None,
    yes: Annotated[bool, typer.Option("--yes", help="Enregistre sans demander confirmation.")] = False,
    organisation: Named = None,
    as_json: AsJson = False,
) -> None:
    """Enregistre un paiement, après avoir montré ce qu’il déclarerait et à qui.

    Pour un programme : --yes --json, dont la dernière ligne est du JSON.
    """
    with platform_open():
        from faitfoi.accounts.tenancy import acting_for
        from faitfoi.pipeline.installation import today
        from faitfoi.pipeline.payments import CannotRecord, Part, draft, record_payment, tell_payment

        chosen = the_organisation(organisation)
        document = the_document(chosen, number)
        parts = [Part(rate=_number(rate), amount=_number(value)) for rate, _, value in map(_split, part or [])]
        try:
            with acting_for(chosen.id):
                drafted = draft(
                    document,
                    paid_on=_day(paid_on),
                    amount=_number(amount),
                    today=today(chosen),
                    parts=parts,
                    reference=reference,
                    tell=tell,
                )
            for one in drafted.parts:
                typer.echo(f"  {one.amount:.2f} {drafted.currency} au taux de {one.rate.normalize():f} %")
            typer.echo(drafted.sentence)
            if not yes and not typer.confirm("Enregistrer ce paiement ?"):
                fail("Rien n’a été enregistré.", code=1)
            with acting_for(chosen.id):
                kept = record_payment(document, drafted, actor="operator")
        except CannotRecord as error:
            fail(str(error), code=2)
        if as_json:
            typer.echo(json.dumps({**tell_payment(kept), "left": f"{drafted.left:.2f}"}))
            return
        typer.echo(f"Paiement {kept.id} enregistré ; il reste {drafted.left:.2f} {drafted.currency} à recevoir.")


@payment.command("list")
def list_payments(number: Number, organisation: Named = None) -> None:
    """Liste les paiements d’une facture, et ce que chacun a déclaré."""
    with platform_open():
        from faitfoi.accounts.tenancy import acting_for
        from faitfoi.records.models import Payment

        chosen = the_organisation(organisation)
        document = the_document(chosen, number)
        with acting_for(chosen.id):
            for one in Payment.objects.filter(document=document).order_by("paid_on", "id"):
                told = "déclaré (212)" if one.told else "non déclaré"
                cells = (str(one.id), one.paid_on.isoformat(), f"{one.amount:.2f}", one.currency, told, one.reference)
                typer.echo("\t".join(cells))


@payment.command("reverse")
def reverse(
    payment_id: Annotated[str, typer.Argument(help="L’identifiant du paiement (faitfoi payment list).")],
    yes: Annotated[bool, typer.Option("--yes", help="Annule sans demander confirmation.")] = False,
    organisation: Named = None,
) -> None:
    """Annule un paiement par un paiement négatif, déclaré si le premier l’était."""
    with platform_open():
        from faitfoi.accounts.tenancy import acting_for
        from faitfoi.pipeline.installation import today
        from faitfoi.pipeline.payments import CannotRecord, reverse_payment
        from faitfoi.records.models import Payment

        chosen = the_organisation(organisation)
        try:
            identifier = UUID(payment_id)
        except ValueError:
            fail(
                f"« {payment_id} » n’est pas l’identifiant d’un paiement : prenez-le de « faitfoi payment list ».",
                code=2,
            )
        if not yes and not typer.confirm("Annuler ce paiement par un paiement négatif ?"):
            fail("Rien n’a été changé.", code=1)
        try:
            with acting_for(chosen.id):
                kept = reverse_payment(identifier, today=today(chosen), actor="operator")
        except Payment.DoesNotExist:
            fail("Ce paiement n’est pas de cette organisation : prenez-le de « faitfoi payment list ».", code=2)
        except CannotRecord as error:
            fail(str(error), code=2)
        typer.echo(f"Paiement annulé par {kept.id}.")


def _split(text: str) -> tuple[str, str, str]:
    return text.partition("=")


def _number(text: str) -> Decimal:
    try:
        value = Decimal(text.strip().replace(",", "."))
    except InvalidOperation:
        fail(f"« {text} » n’est pas un nombre : écrivez par exemple 120.00.", code=2)
    if not value.is_finite():
        fail(f"« {text} » n’est pas un nombre : écrivez par exemple 120.00.", code=2)
    return value


def _day(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError:
        fail(f"« {text} » n’est pas un jour : écrivez AAAA-MM-JJ.", code=2)
