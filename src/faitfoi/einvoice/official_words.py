"""The schema validator's complaints in words that people read, in French and in English."""

import re

_NAMESPACE = re.compile(r"\{[^}]*\}")
_SHAPES = (
    (
        re.compile(r"Element '([^']+)': This element is not expected\.(?: Expected is (?:one of )?\( (.+?) \)\.)?$"),
        "{0} n’a pas sa place ici",
        ", le schéma y attend {1}",
    ),
    (
        re.compile(r"Element '([^']+)': Missing child element\(s\)\.(?: Expected is (?:one of )?\( (.+?) \)\.)?$"),
        "{0} est incomplet",
        ", il y manque {1}",
    ),
    (
        re.compile(r"Element '([^']+)'(?:, attribute '[^']+')?: '(.*)' is not a valid value of .*$"),
        "{0} n’a pas la forme voulue",
        " : « {1} »",
    ),
    (
        re.compile(
            r"Element '([^']+)'(?:, attribute '([^']+)')?: The attribute '[^']+' is (?:required|not allowed).*$"
        ),
        "un attribut de {0} manque ou est de trop",
        " : {1}",
    ),
    (
        re.compile(r"Element '([^']+)': Character content is not allowed.*$"),
        "{0} contient du texte, qui n’a pas sa place ici",
        "",
    ),
)


def in_english(message: str) -> str:
    """The validator's message without its namespaces."""
    return _NAMESPACE.sub("", message).strip()


def in_french(message: str) -> str:
    """The same in French where its shape is known, else as `in_english`."""
    said = in_english(message)
    for shape, sentence, more in _SHAPES:
        found = shape.match(said)
        if found is not None:
            groups = found.groups(default="")
            detail = groups[1].replace(", ", " ou ") if len(groups) > 1 else ""
            return sentence.format(groups[0]) + (more.format("", detail) if detail and more else "") + "."
    return said
