"""`faitfoi compare`: both verdicts, every difference, one object a file and one for all."""

import json
import shutil
from pathlib import Path

from faitfoi.cli.library_compare import Agreements
from tests.cli.commands import ask

KEYS = {"file", "ours", "official", "only_ours", "only_official", "own", "apart", "unjudged"}


def test_json_has_one_object_per_file_and_one_for_all(inbox: Path, wrong: Path, tmp_path: Path) -> None:
    folder = tmp_path / "folder"
    folder.mkdir()
    for path in (inbox / "TV-2026-0401.pdf", inbox / "TV-2026-0402.xml", inbox / "TV-2026-0406.json", wrong):
        shutil.copy(path, folder)
    (folder / "rules.xslt").write_text('<xsl:stylesheet xmlns:xsl="http://www.w3.org/1999/XSL/Transform"/>')
    (folder / "README").write_text("no invoice")
    done = ask("compare", "--json", folder)
    *rows, last = (json.loads(line) for line in done.stdout.splitlines())
    assert done.exit_code == 2
    by_name = {Path(row["file"]).name: row for row in rows}
    assert all(set(row) >= KEYS for row in rows)
    assert by_name["wrong.xml"]["ours"] == by_name["wrong.xml"]["official"]
    assert "BR-CO-10" in by_name["wrong.xml"]["official"]
    assert {name for name, row in by_name.items() if "unreadable" in row} == {"rules.xslt", "README"}
    assert set(last) == {
        "files", "agreed_files", "verdicts", "agreed_verdicts", "unreadable", "ours_ms", "official_ms",
    }  # fmt: skip
    assert (last["files"], last["agreed_files"], last["unreadable"]) == (6, 4, 2)
    assert last["verdicts"] == last["agreed_verdicts"] == sum(len(row["official"]) for row in rows)
    assert 0 < last["ours_ms"] < last["official_ms"]


def test_people_see_both_verdicts(inbox: Path, wrong: Path) -> None:
    done = ask("compare", wrong, inbox / "TV-2026-0402.xml")
    assert done.exit_code == 0
    assert "✓ d’accord" in done.stdout
    assert "Juge officiel : " in done.stdout
    assert "d’accord sur 2 de 2, 0 différent, 0 illisible." in done.stdout


def test_a_difference_is_counted_and_an_unreadable_file_is_none() -> None:
    sums = Agreements()
    row = {
        "only_ours": [],
        "only_official": [],
        "verdicts": 3,
        "agreed_verdicts": 3,
        "ours_ms": 1.0,
        "official_ms": 9.0,
    }
    sums.add(row)
    sums.add({**row, "only_official": ["BR-CO-10"], "agreed_verdicts": 2})
    sums.add({"unreadable": "…"})
    assert (sums.files, sums.agreed_files, sums.differing, sums.unreadable) == (3, 1, 1, 1)
    assert (sums.verdicts, sums.agreed_verdicts) == (6, 5)
