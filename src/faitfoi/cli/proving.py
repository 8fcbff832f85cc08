"""`faitfoi verify`, `renew`, `witness`: check the proof, keep it young, vouch for another's journal."""

import json
import re
import secrets
import signal
import threading
import zipfile
import zlib
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from faitfoi.cli.archiving import judge_attestation
from faitfoi.cli.library_check import a_path
from faitfoi.cli.sending import AsJson
from faitfoi.cli.server import fail, platform_open, write_or_leave

WITNESS_PORT = 8830
DIGEST = re.compile(r"[0-9a-f]{64}")


def verify(
    path: Annotated[
        Path | None,
        typer.Argument(
            help="Un dossier de preuve (ZIP ou dossier) ou une attestation (PDF).", parser=a_path, metavar="CHEMIN"
        ),
    ] = None,
    pin: Annotated[
        list[str] | None,
        typer.Option(
            "--pin",
            help="Une empreinte qui doit être du dossier (sha256=…), ou un fichier de toutes celles qui y ont droit.",
        ),
    ] = None,
    page: Annotated[
        Path | None, typer.Option("--page", help="Écrit là la page HTML qui vérifie un dossier, hors ligne.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Vérifie un dossier de preuve ou une attestation, hors ligne. Code 0 : vrai ; 1 : il ment ; 2 : illisible."""
    from faitfoi.evidence.dossier_check import verify_dossier

    if page is not None:
        _write_page(page)
    if path is None:
        if page is None:
            fail("Quel dossier ? Donnez le ZIP, ou le dossier décompressé.", code=2)
        return
    pins, known = _pins(pin or [])
    what = "Le dossier est vrai"
    try:
        verdict = judge_attestation(path, pins=pins, known=known)
        if verdict is not None:
            what = "L’attestation est vraie"
        else:
            verdict = verify_dossier(_files_of(path), pins=pins, known=known)
    except (OSError, zipfile.BadZipFile, ValueError, RuntimeError, NotImplementedError, zlib.error) as error:
        fail(f"{path} n’est ni une attestation ni un dossier de preuve lisible : {error}", code=2)
    if as_json:
        lies = [{"file": lie.file, "sentence": lie.sentence} for lie in verdict.lies]
        facts = {"sound": verdict.sound, "size": verdict.size, "seen_at": verdict.seen_at}
        typer.echo(json.dumps({**facts, "fingerprints": verdict.fingerprints, "lies": lies}, ensure_ascii=False))
    else:
        for lie in verdict.lies:
            typer.echo(f"✗ {lie.file} : {lie.sentence}", err=True)
        for name, digest in verdict.fingerprints.items():
            typer.echo(f"  {name}  SHA-256 {digest}")
        if verdict.sound:
            seen = datetime.fromtimestamp(verdict.seen_at, tz=UTC)
            typer.echo(
                f"{what} : le journal ({verdict.size} écritures) a été vu par le témoin le "
                f"{seen:%d/%m/%Y à %H:%M:%S} UTC. Comparez les empreintes avec celles que l’émetteur publie."
            )
    raise typer.Exit(0 if verdict.sound else 1)


def _write_page(target: Path) -> None:
    from faitfoi.evidence.verifier_page import verifier_page

    write_or_leave(target, verifier_page())
    typer.echo(f"{target} : ouvrez cette page dans un navigateur ; elle vérifie un dossier sans réseau.")


def _pins(written: list[str]) -> tuple[list[str], set[str] | None]:
    """The fingerprints that must be there, and those that alone may be; None when no file was given."""
    pins: list[str] = []
    known: set[str] | None = None
    for each in written:
        if each.lower().startswith("sha256="):
            digest = re.sub(r"[\s:]", "", each[7:].lower())
            if not DIGEST.fullmatch(digest):
                fail(f"« {each} » n’est pas une empreinte : sha256= et 64 signes hexadécimaux.", code=2)
            pins.append(digest)
            continue
        try:
            found = DIGEST.findall(Path(each).read_text(encoding="utf-8", errors="replace").lower())
        except OSError as error:
            fail(f"{each} ne se lit pas : {error.strerror}.", code=2)
        if not found:
            fail(f"{each} : aucune empreinte (64 signes hexadécimaux) n’y est écrite.", code=2)
        known = (known or set()) | set(found)
    return pins, known


def _files_of(path: Path) -> dict[str, bytes]:
    """The files of a dossier by their names in it. Raises OSError, ValueError, BadZipFile for what cannot be one."""
    from faitfoi.evidence.dossier_check import refuse_too_much, unzipped

    if path.is_dir():
        found = sorted(each for each in path.rglob("*") if each.is_file())
        refuse_too_much(len(found), sum(each.stat().st_size for each in found))
        return {each.relative_to(path).as_posix(): each.read_bytes() for each in found}
    return unzipped(path.read_bytes())


def renew() -> None:
    """Renouvelle dès maintenant les preuves d’ancienneté qui doivent l’être (c’est fait chaque nuit)."""
    with platform_open():
        from faitfoi.pipeline.renewing import CAUSE, HASH_CAUSE, HashUnknown
        from faitfoi.pipeline.renewing import renew as renew_now
        from faitfoi.records.models import Alarm

        try:
            done = renew_now()
        except HashUnknown as error:
            fail(str(error), code=2)
        said = list(Alarm.objects.filter(cause__in=(CAUSE, HASH_CAUSE)).values_list("sentence", flat=True))
    typer.echo(f"{done.stamped} horodatages renouvelés, {done.hashed} preuves d’ancienneté hachées de nouveau.")
    if said:
        fail(" ".join(said))


def witness(
    folder: Annotated[Path, typer.Argument(help="Où garder sa clé et sa mémoire : ne les perdez pas.")],
    log: Annotated[list[str], typer.Option("--log", help="La clé d’un journal (« faitfoi checkpoint » la montre).")],
    name: Annotated[str, typer.Option("--name", help="Le nom sous lequel il signe.")] = "temoin",
    host: Annotated[str, typer.Option("--host", help="L’adresse où il écoute.")] = "127.0.0.1",
    port: Annotated[int, typer.Option("--port", help="Le port où il écoute.")] = WITNESS_PORT,
) -> None:
    """Tient un témoin : il ne signe que des journaux qui grandissent, et se souvient de ce qu’il a vu."""
    from faitfoi.accounts.secret_files import kept_secret
    from faitfoi.evidence.note import NoteRefused
    from faitfoi.evidence.witness_wire import open_witness, witness_server

    key = kept_secret(folder / "key", lambda: secrets.token_bytes(32))
    try:
        vouching = open_witness(folder / "memory", name=name, key=key, logs=tuple(log))
    except NoteRefused as error:
        fail(str(error), code=2)
    try:
        server = witness_server(vouching, host=host, port=port)
    except OSError as error:
        fail(f"Le témoin ne peut pas écouter sur {host}:{port} : {error.strerror}. Choisissez un autre port.")
    for each in (signal.SIGINT, signal.SIGTERM):
        signal.signal(each, lambda *_: threading.Thread(target=server.shutdown).start())
    typer.echo(f"FAITFOI_WITNESS=http://{host}:{server.server_address[1]}")
    typer.echo(f"FAITFOI_WITNESS_KEY={vouching.verifier.vkey}")
    with server:
        server.serve_forever()
