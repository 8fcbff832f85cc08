"""The page that verifies a dossier in a browser: one HTML file, offline, that may run nothing but its own script."""

import base64
import hashlib
from functools import cache
from importlib.resources import files

PAGE = "verifier.html"
SCRIPTS = ("bytes.js", "ed25519.js", "der.js", "journal.js", "evidence.js", "checks.js", "zip.js", "show.js")


@cache
def verifier_page() -> bytes:
    """The page's bytes, the same for one version of Faitfoi.

    Its content security policy allows no source but the digests of its own script and style: no network, no frame, no
    form (CSP level 3 §6.7.3.2).
    """
    program = '\n"use strict";\n' + "\n".join(map(_part, SCRIPTS))
    look = "\n" + _part("look.css")
    page = _part("page.html")
    for place, content in (
        ("{script}", _source(program)),
        ("{style}", _source(look)),
        ("{look}", look),
        ("{program}", program),
    ):
        before, after = page.split(place)
        page = f"{before}{content}{after}"
    return page.encode()


def _part(name: str) -> str:
    return (files("faitfoi.evidence") / "data" / "page" / name).read_text()


def _source(text: str) -> str:
    return f"sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}"
