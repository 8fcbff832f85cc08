"""A command typed wrong is told in French: which word, what is expected there, and where to read on."""

import re
from typing import Any

import typer

MISUSE: type[Exception] = next(base for base in typer.BadParameter.__mro__ if base.__name__ == "ClickException")
"""Whatever typer refuses before a command begins."""

EXPECTED = {
    "int_parsing": "un nombre entier",
    "int_type": "un nombre entier",
    "float_parsing": "un nombre",
    "uuid_parsing": "un identifiant",
    "bool_parsing": "oui ou non",
}
"""What would have done, by the name of pydantic's error, by which typer reads values."""


def in_french(error: Exception) -> str:
    """Say what is wrong with a command, then how to see what it takes; empty when typer has said it all."""
    if type(error).__name__ == "NoArgsIsHelpError":
        return ""  # the help itself has been shown
    said = _said(error)
    context = getattr(error, "ctx", None)
    path = context.command_path if context is not None else "faitfoi"
    return f"{said}\nCe qui est attendu : « {path} --help »."


def _said(error: Any) -> str:
    message = str(getattr(error, "message", error) or "")
    param = getattr(error, "param", None)
    match type(error).__name__:
        case "NoSuchOption":
            near = ", ".join(sorted(getattr(error, "possibilities", None) or ()))
            return f"L’option {error.option_name} n’existe pas." + (f" Peut-être : {near} ?" if near else "")
        case "MissingParameter" if param is not None:
            what = getattr(param, "help", None) or ""
            return f"Il manque {_name(param)}" + (f" : {what}" if what else ".")
        case "BadParameter" if param is not None:
            return _unfit(error.__cause__, message, _name(param))
        case "BadOptionUsage":
            return f"L’option {error.option_name} attend une valeur."
    if found := re.match(r"No such command '(.*?)'", message):
        others = ", ".join(re.findall(r"'([^']+)'", message[found.end() :]))
        return f"La commande « {found[1]} » n’existe pas." + (f" Peut-être : {others} ?" if others else "")
    if found := re.match(r"Got unexpected extra argument(?:s|\(s\))? \((.*)\)", message):
        return f"« {found[1]} » est de trop."
    if message.startswith("Missing command"):
        return "Il manque la commande."
    return message


def _name(param: Any) -> str:
    """The option as it is typed, or the argument as the help shows it."""
    options = [each for each in getattr(param, "opts", ()) if each.startswith("--")]
    return options[0] if options else f"« {param.name} »"


def _unfit(cause: Any, message: str, name: str) -> str:
    """Name the value that an option does not take, and what it takes."""
    found = cause.errors()[0] if hasattr(cause, "errors") else None  # pydantic's, by which typer reads
    value = f"« {str(found['input'])[:60]} »" if found else "La valeur donnée"
    return f"{value} ne convient pas à {name}. Il y faut {_expected(found, message)}."


def _expected(found: Any, message: str) -> str:
    if "does not match the formats" in message:
        return "une date, comme 2027-09-01"
    if choices := re.search(r"is not one of (.+?)\.?$", message):
        return "l’un de : " + ", ".join(re.findall(r"'([^']*)'", choices[1]))
    if "does not exist" in message:
        return "un fichier ou un dossier qui existe"
    kind, context = (found["type"], found.get("ctx", {})) if found else ("", {})
    if "ge" in context or "gt" in context:
        return f"un nombre, {context.get('ge', context.get('gt'))} au moins"
    if "le" in context or "lt" in context:
        return f"un nombre, {context.get('le', context.get('lt'))} au plus"
    return EXPECTED.get(kind, "une autre valeur")
