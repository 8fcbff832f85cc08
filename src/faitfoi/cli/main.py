"""`faitfoi`: the library's commands need nothing but the library; the others open the platform."""

import io
import sys

import typer

from faitfoi.cli import database, leash, library, serving
from faitfoi.cli.misuse import MISUSE, in_french
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
    if len(sys.argv) <= 2 or "--help" in sys.argv:
        _name_the_panels()
    try:
        code = app(standalone_mode=False)
    except MISUSE as error:
        if said := in_french(error):
            typer.echo(said, err=True)
        sys.exit(getattr(error, "exit_code", 2))
    except typer.Abort:
        sys.exit("Abandonné.")
    except Died as error:
        sys.exit(str(error))
    sys.exit(code if isinstance(code, int) else 0)


def _name_the_panels() -> None:
    """Put the frame of the help into the language of what it frames; only then is it worth loading."""
    from typer import rich_utils

    rich_utils.COMMANDS_PANEL_TITLE = "La plateforme"
    rich_utils.REQUIRED_LONG_STRING = "[obligatoire]"
    rich_utils.DEFAULT_STRING = "[sinon : {}]"
