"""`faitfoi returned`: what came back of a batch or of a period, as a CSV file."""

from datetime import datetime
from pathlib import Path
from typing import Annotated

import typer

from faitfoi.cli.sending import NamedInFull
from faitfoi.cli.server import fail, platform_open, the_organisation, write_or_leave

DAY = ["%Y-%m-%d"]


def returned(
    organisation: NamedInFull = None,
    *,
    batch: Annotated[str, typer.Option("--batch", help="Un lot : son rang, son nom ou son identifiant.")] = "",
    first: Annotated[datetime | None, typer.Option("--from", formats=DAY, help="Premier jour des retours.")] = None,
    last: Annotated[datetime | None, typer.Option("--until", formats=DAY, help="Dernier jour des retours.")] = None,
    output: Annotated[Path, typer.Option("--output", "-o", help="Le fichier CSV à écrire.")] = Path("retours.csv"),
) -> None:
    """Écrit en CSV tout ce qui est revenu ou a été rejeté : qui, quoi, pourquoi, et où cela en est."""
    with platform_open():
        from faitfoi.accounts.tenancy import acting_for
        from faitfoi.pipeline.came_back import as_csv, came_back
        from faitfoi.pipeline.what_if import NoSuchBatch, find_batch

        chosen = the_organisation(organisation)
        with acting_for(chosen.id):
            try:
                named = find_batch(batch) if batch else None
            except NoSuchBatch as error:
                fail(str(error), code=2)
            days = {"first": first.date() if first else None, "last": last.date() if last else None}
            rows = list(came_back(chosen, batch=named, **days))
        write_or_leave(output, as_csv(iter(rows)))
    typer.echo(f"{len(rows)} retour(s) écrits dans {output}.")
