"""Three judges (the shell script, ours, the page) name the file that lies, in hundreds of lying dossiers."""

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import sync_playwright

from faitfoi.evidence.dossier_check import verify_dossier
from faitfoi.evidence.seal import SealKey
from faitfoi.evidence.verifier_page import verifier_page
from tests.evidence.conftest import make_key
from tests.evidence.dossier_mutants import Mutant, mutants, tolerated
from tests.evidence.made_dossier import Made, make, shell, write
from tests.evidence.tsa import Authority, serving

pytestmark = pytest.mark.slow

COUNT = int(os.environ.get("MUTANTS_D", "300"))
SEED = int(os.environ.get("SEED", "1"))
CHROMIUM = os.environ.get("CHROMIUM") or next(filter(None, map(shutil.which, ("chromium", "chromium-browser"))), None)
JUDGE = """async (written) => {
  const files = new Map(Object.entries(written).map(([name, content]) => [name, fromHex(content)]));
  return (await verifyDossier(files)).lies.map(({ file, sentence }) => `${file} : ${sentence}`).join("\\n");
}"""


@pytest.fixture(scope="module")
def key(tmp_path_factory: pytest.TempPathFactory) -> SealKey:
    return make_key(tmp_path_factory.mktemp("keys") / "alice")


@pytest.fixture(scope="module")
def pair(key: SealKey, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Made, Made]]:
    """Two invoices' dossiers of one journal, each under its own checkpoint."""
    with serving(Authority(tmp_path_factory.mktemp("tsa") / "tsa")) as authority:
        yield tuple(make(key, number=number, authority=authority, witnesses=2) for number in ("F-1", "F-2"))  # type: ignore[misc]


def by_us(mutant: Mutant) -> str:
    return "\n".join(f"{lie.file} : {lie.sentence}" for lie in verify_dossier(mutant.files).lies)


def missed(mutant: Mutant, said: str) -> bool:
    """Whether a mutant was not seen, or seen without its name; where it is tolerated, only other names would be odd."""
    if tolerated(mutant):
        return False
    name = "data/original" if mutant.file.startswith("data/original.") else mutant.file
    return name not in said


def test_the_script_and_our_check_name_every_file_that_lies(pair: tuple[Made, Made], tmp_path: Path) -> None:
    good, other = pair
    assert shell(write(good.files, tmp_path / "good")).returncode == 0
    faults: list[str] = []
    survivors: dict[str, int] = {}
    for mutant in mutants(good.files, other.files, count=COUNT, seed=SEED):
        done = shell(write(mutant.files, tmp_path / "mutant"))
        ours = by_us(mutant)
        reason = tolerated(mutant)
        if reason and not ours:
            survivors[reason] = survivors.get(reason, 0) + 1
        # Who changes the script is seen by the other judges.
        script = done.stderr if mutant.file != "verify.sh" else ours
        faults += [f"verify.sh, {mutant}: {done.stdout[-300:]}{done.stderr}"] * missed(mutant, script)
        unseen = mutant.file == "data/evidence.ers" and mutant.change != "remove" and mutant.file not in ours
        faults += [f"verify_dossier, {mutant}: {ours}"] * (unseen or missed(mutant, ours))
    print(f"{COUNT} mutants; tolerated: {survivors}")
    assert not faults, "\n".join(faults)


@pytest.mark.browser
@pytest.mark.skipif(CHROMIUM is None, reason="no Chromium here: install it (apt install chromium) or set CHROMIUM")
def test_the_page_names_every_file_that_lies(pair: tuple[Made, Made], tmp_path: Path) -> None:
    good, other = pair
    (tmp_path / "page.html").write_bytes(verifier_page())
    arguments = ["--no-sandbox"] if os.geteuid() == 0 else []  # Chromium's sandbox does not start for root
    faults: list[str] = []
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=arguments)
        page = browser.new_page()
        page.goto((tmp_path / "page.html").as_uri())
        assert page.evaluate(JUDGE, {name: content.hex() for name, content in good.files.items()}) == ""
        for mutant in mutants(good.files, other.files, count=COUNT, seed=SEED):
            said = page.evaluate(JUDGE, {name: content.hex() for name, content in mutant.files.items()})
            faults += [f"{mutant}: {said}"] * missed(mutant, said)
        browser.close()
    assert not faults, "\n".join(faults)
