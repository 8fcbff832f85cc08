"""`faitfoi rebuild`: make the tables again from the journal, or say in what they differ."""

import json
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated, Any
from uuid import UUID

import typer

from faitfoi.cli.sending import AsJson, Named
from faitfoi.cli.server import fail, platform_open, the_organisation

if TYPE_CHECKING:
    from collections.abc import Iterator

    from faitfoi.pipeline.mirroring import MirroredEntry
    from faitfoi.pipeline.rebuilding import Rebuilt

MOST_SAID = 200


def rebuild(
    check: Annotated[bool, typer.Option("--check", help="Compare seulement : rien n’est changé.")] = False,
    from_mirror: Annotated[
        bool, typer.Option("--from-mirror", help="Lit le miroir du journal, sur les étagères, et non la base.")
    ] = False,
    organisation: Named = None,
    as_json: AsJson = False,
) -> None:
    """Refait les tables depuis le journal, et remet ce qui en diffère. Code 1 : des lignes diffèrent (--check)."""
    with platform_open():
        from faitfoi.pipeline.mirroring import MirrorDamaged
        from faitfoi.pipeline.rebuilding import CannotRebuild

        try:
            done = list(_all(organisation, check=check, from_mirror=from_mirror, quiet=as_json))
        except (CannotRebuild, MirrorDamaged) as error:
            fail(str(error), code=2)
    differences = [each for one in done for each in one.differences]
    if as_json:
        told = {"entries": sum(one.entries for one in done), "rows": sum(one.rows for one in done)}
        rows = [{"organisation": str(one.organisation), **asdict(each)} for one in done for each in one.differences]
        typer.echo(json.dumps({**told, "mended": not check, "differences": rows}, ensure_ascii=False))
    else:
        for each in differences[:MOST_SAID]:
            typer.echo(f"✗ {each.sentence}", err=True)
        if len(differences) > MOST_SAID:
            typer.echo(f"… et {len(differences) - MOST_SAID} autres lignes (--json les donne toutes).", err=True)
        typer.echo(_outcome(done, check=check))
    raise typer.Exit(1 if check and differences else 0)


def _all(slug: str | None, *, check: bool, from_mirror: bool, quiet: bool) -> "Iterator[Rebuilt]":
    import psycopg
    from rich.console import Console
    from rich.progress import Progress as Bar
    from rich.progress import TextColumn

    from faitfoi.pipeline.jobs import every_organisation
    from faitfoi.pipeline.rebuilding import rebuild as rebuild_one
    from faitfoi.records.journal import sequence

    while sequence():
        pass
    chosen = [the_organisation(slug).id] if slug else every_organisation()
    if from_mirror:
        mirrored = _in_the_mirror()
        if slug and chosen[0] not in mirrored:
            fail(f"Le miroir n’a aucune écriture de « {slug} » : rien n’a été changé.", code=2)
        chosen = chosen if slug else mirrored
    bar = Bar(TextColumn("{task.description} {task.completed} écritures"), console=Console(stderr=True), disable=quiet)
    with psycopg.connect(**_owner(), autocommit=True) as owner, bar:
        for number, organisation_id in enumerate(chosen, start=1):
            task = bar.add_task(f"Organisation {number}/{len(chosen)}")
            yield rebuild_one(
                owner,
                organisation_id,
                mend=not check,
                actor="rebuild",
                entries=_mirror_of(organisation_id) if from_mirror else None,
                progress=lambda _, done, task=task: bar.update(task, completed=done),  # type: ignore[misc]
            )


def _owner() -> dict[str, Any]:
    """How psycopg reaches the database as its owner."""
    from django.db import connections
    from procrastinate.contrib.django.utils import connector_params

    if "owner" not in connections:
        fail("Donnez dans FAITFOI_OWNER_URL l’adresse du rôle propriétaire de la base : lui seul refait les tables.")
    return connector_params("owner")


def _in_the_mirror() -> list[UUID]:
    """Whose entries the mirror holds, once it is the journal that the witnesses have signed."""
    from faitfoi.pipeline.mirroring import mirrored_entries
    from faitfoi.pipeline.rebuilding import mirrored_root
    from faitfoi.pipeline.witnesses import held, log_signer

    furthest = held().furthest(log_signer().verifier)
    root, whose = mirrored_root(mirrored_entries(), furthest.size if furthest else 0)
    if furthest and root != furthest.root:
        fail(
            "Le miroir n’est pas le journal que le témoin a vu : « faitfoi fsck » dit où. Rien n’a été changé.", code=2
        )
    return sorted(whose)


def _mirror_of(organisation_id: UUID) -> "Iterator[MirroredEntry]":
    from faitfoi.pipeline.mirroring import mirrored_entries

    own = f'"organisation":"{organisation_id}"'
    return (entry for entry in mirrored_entries() if own in entry.body)


def _outcome(done: "list[Rebuilt]", *, check: bool) -> str:
    entries, rows = sum(one.entries for one in done), sum(one.rows for one in done)
    differing = sum(len(one.differences) for one in done)
    erased = sum(one.erased for one in done)
    said = f"{entries} écritures lues, {rows} lignes refaites : "
    if not differing:
        said += "les tables sont ce que le journal dit."
    elif check:
        said += f"{differing} lignes en diffèrent. Sans --check, elles seront remises comme le journal les dit."
    else:
        said += f"{differing} lignes en différaient ; elles sont remises, et le journal le dit."
    return said + (f" Détails effacés : {erased} écritures (archives éliminées)." if erased else "")
