"""`faitfoi explain`: what a rule or a business term means, where it is in the model, and what to do."""

import difflib
import json
from functools import cache
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from rich.console import Console

    from faitfoi.einvoice.rules import Rule

UNKNOWN = 2

# Rules that no function judges: the reader's, the schema's, and those that only the sheets know.
_OTHERS = {
    "FF-UNREADABLE": (
        "Le fichier n’est pas une facture que nous savons lire, ou il est abîmé.",
        "The file is no invoice that we can read, or it is damaged.",
    ),
    "FF-VALUE": (
        "Une valeur ne se lit pas : un nombre, une date ou une pièce jointe mal écrits.",
        "A value cannot be read: a number, a date or an attachment that is badly written.",
    ),
    "FF-REPEATED": (
        "Un élément est donné plusieurs fois, quand la norme n’en prévoit qu’un : seul le premier est repris.",
        "An element is given several times where the norm has room for one: only the first is kept.",
    ),
    "FF-NOT-KEPT": (
        "Un élément n’a pas de place dans le modèle : il reste dans le fichier d’origine.",
        "An element has no place in the model: it stays in the original file.",
    ),
    "FF-LOST": (
        "Une donnée n’a pas de place dans la syntaxe ou le profil demandé.",
        "A value has no room in the syntax or profile that was asked for.",
    ),
    "FF-PROFILE": (
        "Le JSON dit quelque chose que son profil (BT-24) ne prévoit pas : retirez-le, ou indiquez un profil étendu.",
        "The JSON says something that its profile (BT-24) has no place for: leave it out, or name an extended profile.",
    ),
    "FF-XSD": (
        "Le document ne suit pas le schéma de sa syntaxe : un élément manque, est de trop ou mal placé.",
        "The document does not follow the schema of its syntax: an element is missing, too many or misplaced.",
    ),
    "FF-XSLT": (
        "Le juge officiel s’est arrêté avant son verdict : le document ne peut pas être dit valide.",
        "The official judge stopped before its verdict: the document cannot be called valid.",
    ),
    "FF-ROOT": (
        "Ce XML n’est ni une facture CII, ni une facture ou un avoir UBL.",
        "This XML is neither a CII invoice, nor a UBL invoice or credit note.",
    ),
    "FF-SCHEMATRON": (
        "Une règle officielle sans numéro : le juge officiel en donne le texte.",
        "An official rule without a number: the official judge gives its text.",
    ),
}
_PREFIXES = {
    "FX-SCH-": (
        "Règle de syntaxe de Factur-X : un élément manque, est de trop, ou n’a pas la valeur permise par le profil.",
        "Rule of syntax of Factur-X: an element is missing, too many, or without a value that the profile allows.",
    ),
    "FF-PDF-": (
        "Ce PDF n’est pas un PDF/A qui puisse porter une facture : faitfoi convert --pdf en donne les raisons.",
        "This PDF is not a PDF/A that can carry an invoice: faitfoi convert --pdf gives the reasons.",
    ),
    "UBL-": (
        "Règle de syntaxe d’UBL : un élément est de trop, ou répété.",
        "Rule of syntax of UBL: an element is too many, or repeated.",
    ),
    "CII-": (
        "Règle de syntaxe de CII : un élément est de trop, ou répété.",
        "Rule of syntax of CII: an element is too many, or repeated.",
    ),
    "PEPPOL-": (
        "Règle de Peppol BIS 3.",
        "Rule of Peppol BIS 3.",
    ),
    "BR-DE-": ("Règle allemande de XRechnung.", "German rule of XRechnung."),
}
_LABELS = (
    ("En anglais", "sentence_en"),
    ("Remède", "remedy_fr"),
    ("", "remedy_en"),
    ("Gravité", "severity"),
    ("Famille", "family"),
    ("Source", "source"),
    ("Feuilles", "sheets"),
)
_ALIKE = str.maketrans("OIL_ ", "011--")
_SEVERITIES = {"fatal": "bloquante", "warning": "avertissement", "information": "remarque"}


@cache
def known_ids() -> tuple[str, ...]:
    """Every id that `explain` knows, rules first."""
    from faitfoi.einvoice.model import term_paths
    from faitfoi.einvoice.rules import RULES

    return (*RULES, *_OTHERS, *term_paths())


def complete_id(incomplete: str) -> list[str]:
    """The ids that begin like what was typed, for the shell."""
    ids = known_ids()
    # The shell only offers what begins exactly like what was typed.
    spelt = tuple(each.lower() for each in ids) if incomplete.islower() else ids
    return [each for each in spelt if each.startswith(incomplete)]


def explain(
    rule: Annotated[
        str,
        typer.Argument(
            help="Une règle (BR-CO-10, FF-SIREN…) ou un terme (BT-131).", autocompletion=complete_id, show_default=False
        ),
    ],
    as_json: Annotated[bool, typer.Option("--json", help="Un objet JSON.")] = False,
) -> None:
    """Explique une règle ou un terme : ce qu’il faut, où c’est dans le modèle, et quoi faire."""
    found = explanation(rule)
    if found is None:
        typer.echo(_unknown(rule), err=True)
        raise typer.Exit(UNKNOWN)
    if as_json:
        print(json.dumps(found, ensure_ascii=False, indent=2))
    else:
        from rich.console import Console

        _show(Console(soft_wrap=True, highlight=False), found)


def explanation(asked: str) -> dict[str, Any] | None:
    """What there is to say of a rule or a term, whatever the case it is typed in; None when it is not known."""
    from faitfoi.einvoice.model import term_paths
    from faitfoi.einvoice.rules import RULES

    name = _by_case().get(asked.strip().upper(), asked.strip().upper())
    if name in RULES:
        return _of_rule(RULES[name])
    if name in term_paths():
        return {**_term(name), "rules": [each.id for each in RULES.values() if name in each.terms]}
    prefix = next((each for each in _PREFIXES if name.startswith(each)), "")
    said = _OTHERS.get(name) or _PREFIXES.get(prefix)
    return {"rule": name, "sentence_fr": said[0], "sentence_en": said[1]} if said else None


@cache
def _by_case() -> dict[str, str]:
    return {each.upper(): each for each in known_ids()}


def _of_rule(rule: "Rule") -> dict[str, Any]:
    texts = rule.texts
    return {
        "rule": rule.id,
        "sentence_fr": texts.fr,
        "sentence_en": rule.sentence,
        "remedy_fr": texts.remedy_fr,
        "remedy_en": texts.remedy,
        "severity": rule.severity.value,
        "family": rule.family.value,
        "source": rule.source,
        "sheets": sorted(sheet.value for sheet in rule.sheets),
        "terms": [_term(each) for each in rule.terms],
    }


def _term(code: str) -> dict[str, str]:
    from faitfoi.einvoice.model import term_paths
    from faitfoi.einvoice.places import term_name

    return {
        "term": code,
        "name_fr": term_name(code, language="fr"),
        "name_en": term_name(code, language="en"),
        "path": term_paths().get(code, ""),
    }


def _unknown(asked: str) -> str:
    ids = {each.upper().translate(_ALIKE): each for each in known_ids()}
    typed = asked.strip().upper().translate(_ALIKE)
    # Official ids have parts (BR-FR-16_BT-119): who types the first means any of them.
    begun = [ids[each] for each in ids if each.startswith((f"{typed}-", f"{typed}_"))]
    near = begun[:20] or [ids[each] for each in difflib.get_close_matches(typed, ids, n=5, cutoff=0.5)]
    told = f" Les plus proches : {', '.join(near)}." if near else ""
    return f"« {asked} » n’est ni une règle ni un terme connus.{told}"


def _show(console: "Console", found: dict[str, Any]) -> None:
    from rich.text import Text

    if "rule" not in found:
        console.print(Text.assemble((found["term"], "bold"), f"  {found['name_fr']}, {found['name_en']}"))
        _line(console, "Modèle", found["path"])
        _line(console, "Règles", ", ".join(found["rules"]) or "aucune")
        return
    console.print(Text.assemble((found["rule"], "bold"), "  ", found["sentence_fr"] or found["sentence_en"]))
    shown = {**found, "severity": _SEVERITIES.get(found.get("severity", ""), "")}
    if not found["sentence_fr"]:
        shown["sentence_en"] = ""  # said above
    shown["sheets"] = ", ".join(found.get("sheets", ()))
    for label, key in _LABELS:
        if shown.get(key):
            _line(console, label, shown[key])
    for place, term in enumerate(found.get("terms", ())):
        where = f", dans le modèle : {term['path']}" if term["path"] else ""
        name = f" {term['name_fr']}" if term["name_fr"] else ""
        _line(console, "" if place else "Termes", f"{term['term']}{name}{where}")


def _line(console: "Console", label: str, text: str) -> None:
    from rich.text import Text

    console.print(Text.assemble((f"  {label + ' :' if label else '':<13}", "dim"), text))
