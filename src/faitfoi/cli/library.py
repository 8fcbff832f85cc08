"""Commands that work with the invoice library alone, without the server extra."""

import typer

from faitfoi.cli import library_check, library_convert, library_explain

PANEL = "Les factures, sans base ni serveur"


def register(app: typer.Typer) -> None:
    """Add the library's commands."""
    app.command(rich_help_panel=PANEL)(library_check.check)
    app.command(rich_help_panel=PANEL)(library_check.compare)
    app.command(rich_help_panel=PANEL)(library_convert.convert)
    app.command(rich_help_panel=PANEL)(library_convert.extract)
    app.command(rich_help_panel=PANEL)(library_convert.render)
    app.command(rich_help_panel=PANEL)(library_explain.explain)
