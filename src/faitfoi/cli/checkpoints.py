"""`faitfoi checkpoint`: where the journal stands, signed; its static files, published and checked."""

import shutil
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from faitfoi.cli.server import fail, platform_open, write_or_leave

if TYPE_CHECKING:
    from faitfoi.evidence.note import Verifier
    from faitfoi.evidence.static_tiles import Door


def checkpoint(
    tiles: Annotated[
        Path | None,
        typer.Option("--tiles", help="Publie là le journal en fichiers statiques (C2SP tlog-tiles), ou les complète."),
    ] = None,
    check: Annotated[
        Path | None,
        typer.Option("--check", help="Recalcule la racine de ces fichiers seuls ; code 1 : l’un d’eux ment."),
    ] = None,
    log: Annotated[
        str, typer.Option("--log", help="Avec --check : la clé du journal, pour vérifier sans cette installation.")
    ] = "",
) -> None:
    """Montre où en est le journal, signé par lui et par son témoin, et les clés qui le vérifient."""
    if check is not None:
        _check(check, _own_key() if not log else _key(log))
        return
    with platform_open():
        from faitfoi.evidence.static_tiles import TilesDiffer
        from faitfoi.evidence.witness_wire import WitnessSilent
        from faitfoi.pipeline.proof_view import public_keys
        from faitfoi.pipeline.publishing import publish_journal
        from faitfoi.pipeline.witnessing import JournalBehind, has_far_witness, protection, witnessed
        from faitfoi.records.models import Checkpoint

        try:
            size = witnessed()
        except (JournalBehind, WitnessSilent) as error:
            fail(str(error))
        if size:
            typer.echo(Checkpoint.objects.get(size=size).note)
        for place, key in enumerate(public_keys()):
            typer.echo(f"{'Clé du témoin  :' if place else 'Clé du journal :'} {key.vkey}\n    SHA-256 {key.sha256}")
        if not has_far_witness():
            typer.echo(protection(), err=True)
        if tiles is not None and size:
            try:
                written = publish_journal(size, folder_door(tiles))
            except TilesDiffer as error:
                fail(str(error))
            except OSError as error:
                fail(f"{tiles} : impossible d’y écrire, {error.strerror}.")
            typer.echo(f"{tiles} : le journal y est jusqu’à l’écriture {size - 1} ({written} écrites à l’instant).")


def folder_door(folder: Path) -> "Door":
    """Where static files are published: a folder, each file written whole or not at all."""
    from faitfoi.evidence.static_tiles import Door

    def write(name: str, content: bytes) -> None:
        place = folder / name
        place.parent.mkdir(parents=True, exist_ok=True)
        write_or_leave(place, content)

    def drop(name: str) -> None:
        shutil.rmtree(folder / name, ignore_errors=True)

    return Door(read=lambda name: _read(folder, name), write=write, drop=drop)


def _read(folder: Path, name: str) -> bytes | None:
    try:
        return (folder / name).read_bytes()
    except (FileNotFoundError, NotADirectoryError):
        return None


def _check(folder: Path, log: "Verifier") -> None:
    from faitfoi.evidence.note import NoteRefused
    from faitfoi.evidence.static_tiles import check_published

    try:
        found = check_published(lambda name: _read(folder, name), log)
    except NoteRefused as error:
        fail(f"{folder} : son « checkpoint » n’est pas signé de la clé de ce journal ({error})", code=2)
    except OSError as error:
        fail(f"{folder} ne se lit pas : {error.strerror}.", code=2)
    for name, sentence in found.lies:
        typer.echo(f"✗ {name} : {sentence}", err=True)
    if found.lies:
        raise typer.Exit(1)
    typer.echo(f"Les {found.size} écritures publiées donnent la racine que le journal a signée : {found.root.hex()}")


def _key(written: str) -> "Verifier":
    from faitfoi.evidence.note import NoteRefused, Verifier

    try:
        return Verifier.parse(written)
    except NoteRefused as error:
        fail(f"--log n’est pas une clé de journal ({error}). « faitfoi checkpoint » la montre.", code=2)


def _own_key() -> "Verifier":
    with platform_open():
        from faitfoi.pipeline.witnesses import log_signer

        return log_signer().verifier
