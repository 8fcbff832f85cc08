"""`faitfoi follow`, `route`, `fsck`: ask for news now, look again for a way, recompute everything from bytes."""

import json
from datetime import date, datetime
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console
from rich.progress import Progress

from faitfoi.cli.sending import AsJson, Named
from faitfoi.cli.server import fail, platform_open, the_document, the_organisation

if TYPE_CHECKING:
    from faitfoi.accounts.models import Organisation


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
    number: Annotated[str, typer.Argument(help="Le numéro de la facture ou de l’avoir.")] = "",
    organisation: Named = None,
    engagement: Annotated[str, typer.Option("--engagement", help="Le numéro d’engagement qui manquait.")] = "",
    on: Annotated[
        datetime | None, typer.Option("--on", formats=["%Y-%m-%d"], help="Le chemin un autre jour ; ne change rien.")
    ] = None,
    batch: Annotated[str, typer.Option("--batch", help="Tout un lot : son rang, son nom ou son identifiant.")] = "",
) -> None:
    """Explique par quel canal une facture part, pourquoi, et ce qui le changerait ; si elle attend, cherche encore.

    Avec --on ou --batch, rien n’est changé : c’est « et si ? ». La dernière ligne est du JSON ; code 1 si un client ne
    peut pas être joint.
    """
    if bool(number) == bool(batch):
        fail("Donnez le numéro d’un document, ou --batch et un lot.", code=2)
    with platform_open():
        chosen = the_organisation(organisation)
        if batch or on is not None:
            _suppose(chosen, number=number, batch=batch, on=on.date() if on else None)
        else:
            _route_now(chosen, number, engagement)


def _route_now(chosen: "Organisation", number: str, engagement: str) -> None:
    from faitfoi.accounts.tenancy import acting_for
    from faitfoi.pipeline.installation import today
    from faitfoi.pipeline.rerouting import route_again
    from faitfoi.pipeline.what_if import changes_for

    document = the_document(chosen, number)
    still = route_again(chosen, document.id, actor="operator", engagement=engagement)
    if still:
        typer.echo(still, err=True)
    with acting_for(chosen.id):
        document.refresh_from_db()
        for delivery in document.deliveries.order_by("purpose", "sequence"):
            typer.echo(f"{delivery.get_purpose_display()} → {delivery.get_channel_display()} : {delivery.reason}")
        changes = changes_for(chosen, document, day=today(chosen))
    if changes:
        typer.echo("Ce qui mènerait ailleurs aujourd’hui :")
    for change in changes:
        typer.echo(f"  · {change.supposing}, {change.then}")
    if still:
        raise typer.Exit(1)


def _suppose(chosen: "Organisation", *, number: str, batch: str, on: date | None) -> None:
    """Say where a document or a whole batch would go on a day, and who could not be reached."""
    from faitfoi.accounts.tenancy import acting_for
    from faitfoi.pipeline.installation import today
    from faitfoi.pipeline.legal import legal_tables
    from faitfoi.pipeline.what_if import (
        NoSuchBatch,
        find_batch,
        in_words,
        kept,
        reached,
        route_batch_on,
        route_on,
        unreached,
    )

    day = on or today(chosen)
    document = the_document(chosen, number) if number else None
    with acting_for(chosen.id):
        try:
            answers = (
                route_batch_on(chosen, find_batch(batch), day=day)
                if document is None
                else [route_on(chosen, document, day=day)]
            )
        except NoSuchBatch as error:
            fail(str(error), code=2)
    for answer in answers if document else ():
        typer.echo(f"{answer.number} → {answer.channel_in_words} : {answer.why}")
    missing = unreached(answers)
    for customer, theirs in missing.items() if document is None else ():
        more = f" (et {len(theirs) - 1} autre(s))" if len(theirs) > 1 else ""
        typer.echo(f"✗ {customer}{more} : {theirs[0].why}")
    if document is None:
        typer.echo(in_words(answers, day=day))
    told = {
        "on": day.isoformat(),
        "tables": legal_tables().edition.isoformat(),
        "documents": len(answers),
        "routes": reached(answers),
        "unreached": sum(map(len, missing.values())),
        "kept": kept(answers),
        "customers": sorted(missing),
    }
    typer.echo(json.dumps(told, ensure_ascii=False))
    raise typer.Exit(1 if missing else 0)


def directory(
    address: Annotated[str, typer.Argument(help="L’adresse de facturation électronique (BT-49).")],
    organisation: Named = None,
    raw: Annotated[bool, typer.Option("--raw", help="Montre aussi la réponse telle qu’elle est venue.")] = False,
) -> None:
    """Demande à l’annuaire si une adresse reçoit des factures : oui, non ou indéterminé."""
    with platform_open():
        from faitfoi.accounts.tenancy import acting_for
        from faitfoi.pipeline.directory import ask_now, describe, raw_answer

        chosen = the_organisation(organisation)
        if not address.strip():
            fail("Donnez une adresse de facturation électronique (BT-49) : le SIREN du client, par exemple.", code=2)
        answer = ask_now(chosen.id, address.strip(), actor="operator")
        if isinstance(answer, str):
            fail(answer)
        for sentence in describe(answer):
            typer.echo(sentence)
        if raw:
            with acting_for(chosen.id):
                typer.echo(raw_answer(answer))
    raise typer.Exit(0 if answer.reach == "yes" else 1)


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
