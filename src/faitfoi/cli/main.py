"""`faitfoi`: the library's commands need nothing but the library; the others open the platform."""

import io
import sys

import typer

from faitfoi.cli import database, leash, library, serving
from faitfoi.cli.supervisor import Died

app = typer.Typer(
    name="faitfoi",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    help="Envoie les factures par le bon canal, suit chacune, et garde une preuve que chacun peut vérifier.",
)
app.add_typer(database.app, name="database")
library.register(app)
serving.register(app)


def main() -> None:
    """Run the command line."""
    leash.hold()
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")  # a terminal without accents still gets its answer
    try:
        app()
    except Died as error:
        sys.exit(str(error))
