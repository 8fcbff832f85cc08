"""`faitfoi dossier`, `checkpoint`, `witness`: hand the proof out, show the journal's head, vouch for another's."""

import secrets
import signal
import threading
from pathlib import Path
from typing import Annotated

import typer

from faitfoi.cli.sending import Named
from faitfoi.cli.server import fail, platform_open, the_organisation

WITNESS_PORT = 8830


def dossier(
    number: Annotated[str, typer.Argument(help="Le numéro de la facture ou de l’avoir.")],
    output: Annotated[Path | None, typer.Option("--output", "-o", help="Où l’écrire.")] = None,
    organisation: Named = None,
) -> None:
    """Écrit le dossier de preuve d’une facture : il se vérifie sans Faitfoi, hors ligne, par « sh verify.sh »."""
    with platform_open():
        from faitfoi.accounts.tenancy import acting_for
        from faitfoi.evidence.witness_wire import WitnessSilent
        from faitfoi.pipeline.dossiers import make_dossier
        from faitfoi.pipeline.witnessing import JournalBehind
        from faitfoi.records.models import Document

        chosen = the_organisation(organisation)
        with acting_for(chosen.id):
            document = Document.objects.filter(number=number).order_by("-issue_date").first()
        if document is None:
            fail(f"Aucune facture {number} chez {chosen.name}. Vérifiez le numéro.", code=2)
        try:
            name, content = make_dossier(chosen.id, document.id)
        except (JournalBehind, WitnessSilent) as error:
            fail(str(error))
        target = output or Path(f"{name}.zip")
        draft = target.with_name(f".{target.name}.{secrets.token_hex(4)}")
        try:
            draft.write_bytes(content)
            draft.replace(target)
        except OSError as error:
            draft.unlink(missing_ok=True)
            fail(f"Le dossier ne s’écrit pas dans {target} : {error.strerror}. Choisissez un autre endroit (-o).")
        typer.echo(f"{target} : dossier de la facture {number}. Pour le vérifier : décompressez-le, « sh verify.sh ».")


def checkpoint() -> None:
    """Montre où en est le journal, signé par lui et par son témoin, et les clés qui le vérifient."""
    with platform_open():
        from faitfoi.evidence.witness_wire import WitnessSilent
        from faitfoi.pipeline.witnessing import JournalBehind, has_far_witness, log_signer, witness_key, witnessed
        from faitfoi.records.models import Checkpoint

        try:
            size = witnessed()
        except (JournalBehind, WitnessSilent) as error:
            fail(str(error))
        if size:
            typer.echo(Checkpoint.objects.get(size=size).note)
        typer.echo(f"Clé du journal : {log_signer().verifier.vkey}")
        typer.echo(f"Clé du témoin  : {witness_key().vkey}")
        if not has_far_witness():
            typer.echo(
                "Le témoin est dans un dossier de cette machine : il voit une base ramenée en arrière, pas une machine "
                "entière restaurée. Pour l’avoir ailleurs : « faitfoi witness » sur une autre machine, puis "
                "FAITFOI_WITNESS et FAITFOI_WITNESS_KEY ici.",
                err=True,
            )


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
