"""Every complaint of users of similar systems that falls to us has a test that says it answers it.

The list is kept beside the project (`shared/complaints.md`), as numbered lines under lettered parts; a test names the
lines it answers in its docstring ("Complaint B13", "Complaints D42 and D43"): `grep -rnE "Complaints? [A-G]" tests`.
"""

import ast
import os
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
LIST = Path(os.environ.get("FAITFOI_SHARED") or ROOT.parent / "shared") / "complaints.md"
PARTS = "ABDEG"
"""Channels, lifecycle, batches, returns and operations: what leaves and what comes back."""

NOT_HERE_YET = {
    "B29": "e-reporting of payments and of sales to consumers",
    "D50": "credit notes in mass",
    "E55": "post",
    "G63": "a printer that takes invoices in",
}
"""What nothing in the project shows as working yet."""


def answered(text: str) -> set[str]:
    """Return the lines that the tests of one file say they answer: those their docstrings name."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.FunctionDef) and node.name.startswith("test_"):
            for said in re.findall(r"Complaints? ((?:[A-Z]\d+(?:, | and )?)+)", ast.get_docstring(node) or ""):
                found |= set(re.findall(r"[A-Z]\d+", said))
    return found


def told(page: str) -> set[str]:
    """Return the numbered lines of the list's parts, as `B13`."""
    lines: set[str] = set()
    part = ""
    for line in page.splitlines():
        if heading := re.match(r"#+ ([A-Z])\. ", line):
            part = heading[1]
        elif line.startswith("# "):
            part = ""
        elif part in PARTS and part and (number := re.match(r"(\d+)\. ", line)):
            lines.add(f"{part}{number[1]}")
    return lines


def test_every_complaint_that_falls_to_us_has_its_test() -> None:
    if not LIST.is_file():
        pytest.skip(f"{LIST} is not there: the list of complaints is kept beside the project")
    lines = told(LIST.read_text(encoding="utf-8"))
    ours = {line for path in (ROOT / "tests").rglob("test_*.py") for line in answered(path.read_text(encoding="utf-8"))}
    assert len(lines) > 50
    assert sorted(lines - ours - set(NOT_HERE_YET)) == []
    assert sorted(ours - lines) == []  # no test names a line that is not there
    assert sorted(set(NOT_HERE_YET) & ours) == []  # what is here has left that list


def test_only_a_test_s_own_words_count_as_an_answer() -> None:
    spoken = 'def test_x():\n    """Complaints A1, A2 and B3."""\ndef helper():\n    """Complaint D9."""\n'
    assert answered(spoken) == {"A1", "A2", "B3"}
    assert told("### A. x\n1. one\n### C. y\n2. two\n### G. z\n3. three\n# End\n4. four\n") == {"A1", "G3"}
