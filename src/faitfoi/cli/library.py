"""Commands that work with the invoice library alone, without the server extra."""

import typer

from faitfoi.cli import library_check, library_convert, library_explain


def register(app: typer.Typer) -> None:
    """Add the library's commands."""
    app.command()(library_check.check)
    app.command()(library_check.compare)
    app.command()(library_convert.convert)
    app.command()(library_convert.extract)
    app.command()(library_convert.render)
    app.command()(library_explain.explain)
