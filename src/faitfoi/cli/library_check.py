"""`faitfoi check` and `faitfoi compare`: one file or ten thousand, from any syntax, by either judge.

Only what these commands are called with is here, so that a shell completes them, and others start, without delay.
"""

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer


class Language(StrEnum):
    """The language of what is said."""

    FR = "fr"
    EN = "en"


def a_path(text: str) -> Path:
    """The path that was typed; an empty text is none, though `Path("")` is the current folder."""
    if not text:
        raise typer.BadParameter(
            "un nom vide ne désigne aucun fichier : vérifiez la variable qui le donne, ou écrivez . pour ce dossier."
        )
    return Path(text)


Files = Annotated[
    list[Path],
    typer.Argument(
        help="Factures (PDF, XML ou JSON) ou dossiers ; - pour l’entrée standard.",
        show_default=False,
        parser=a_path,
        metavar="FICHIERS",
    ),
]
AsJson = Annotated[bool, typer.Option("--json", help="Une ligne de JSON par fichier.")]
BrFr = Annotated[
    bool | None,
    typer.Option(
        "--br-fr/--no-br-fr",
        help="Applique, ou non, les règles françaises BR-FR. Sans cette option, le document décide : elles bloquent "
        "s’il dit les suivre (EXTENDED-CTC-FR), et conseillent si le vendeur est en France.",
        show_default=False,
    ),
]
Jobs = Annotated[int, typer.Option("--jobs", "-j", min=0, help="Fichiers jugés à la fois ; 0 : un par cœur.")]
Report = Annotated[
    Path | None,
    typer.Option(
        "--report",
        help="Compte rendu (une ligne de JSON par fichier) : une nouvelle exécution saute ce qui y est déjà jugé.",
        show_default=False,
    ),
]


def check(
    files: Files,
    *,
    as_json: AsJson = False,
    official: Annotated[
        bool, typer.Option("--official", help="Juge par les schémas et le Schematron officiels, plus lents.")
    ] = False,
    br_fr: BrFr = None,
    everything: Annotated[bool, typer.Option("--all", "-a", help="Montre aussi les valides et les remarques.")] = False,
    lang: Annotated[Language, typer.Option("--lang", help="Langue des explications.")] = Language.FR,
    jobs: Jobs = 0,
    report: Report = None,
) -> None:
    """Vérifie des factures. Code 0 : toutes valides ; 1 : l’une ne l’est pas ; 2 : l’une est illisible."""
    from faitfoi.cli.library_desk import Question
    from faitfoi.cli.library_run import check_all

    question = Question(official=official, br_fr=br_fr, language=lang.value)
    raise typer.Exit(check_all(files, question, as_json=as_json, everything=everything, jobs=jobs, report=report))


def compare(
    files: Files,
    *,
    as_json: Annotated[
        bool, typer.Option("--json", help="Une ligne de JSON par fichier, puis une dernière pour l’ensemble.")
    ] = False,
    br_fr: BrFr = None,
    jobs: Jobs = 0,
    report: Report = None,
) -> None:
    """Compare nos règles et le juge officiel, règle par règle. Code 0 : d’accord ; 1 : non ; 2 : fichier illisible."""
    from faitfoi.cli.library_desk import Question
    from faitfoi.cli.library_run import compare_all

    raise typer.Exit(compare_all(files, Question(compare=True, br_fr=br_fr), as_json=as_json, jobs=jobs, report=report))
