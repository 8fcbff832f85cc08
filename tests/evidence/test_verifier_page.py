"""The page that verifies a dossier, in a real browser, from its own file and without a network."""

import os
import re
import shutil
import zipfile
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.serialization import Encoding
from playwright.sync_api import Browser, Page, expect, sync_playwright

from faitfoi.evidence.dossier import fingerprints
from faitfoi.evidence.ers import EvidenceRecord
from faitfoi.evidence.seal import SealKey
from faitfoi.evidence.verifier_page import PAGE, verifier_page
from tests.evidence.conftest import AT, make_key
from tests.evidence.made_dossier import Made, make, refreshed, write
from tests.evidence.past_tsa import PastAuthority
from tests.evidence.records import GROUPS, START, YEARS, grow, renewed
from tests.evidence.tsa import Authority, serving
from tests.waiting import PATIENCE

CHROMIUM = os.environ.get("CHROMIUM") or next(filter(None, map(shutil.which, ("chromium", "chromium-browser"))), None)
# RFC 8032 §7.1, tests 1 to 3: public key, message, signature.
ED25519 = (
    (
        "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a",
        "",
        "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bacc61e39701cf9b46bd25bf5f0595bbe24655141438e7a100b",
    ),
    (
        "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c",
        "72",
        "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00",
    ),
    (
        "fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025",
        "af82",
        "6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac18ff9b538d16f290ae67f760984dc6594a7c15e9716ed28dc027beceea1ec40a",
    ),
)

pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(CHROMIUM is None, reason="no Chromium here: install it (apt install chromium) or set CHROMIUM"),
]


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    arguments = ["--no-sandbox"] if os.geteuid() == 0 else []  # Chromium's sandbox does not start for root
    with sync_playwright() as playwright:
        running = playwright.chromium.launch(executable_path=CHROMIUM, args=arguments)
        yield running
        running.close()


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Authority]:
    with serving(Authority(tmp_path_factory.mktemp("tsa") / "tsa")) as made:
        yield made


@pytest.fixture(scope="module")
def made(key: SealKey, authority: Authority) -> Made:
    return make(key, authority=authority, witnesses=2, extensions=("faitfoi serie/2026 117",))


@pytest.fixture
def page(browser: Browser, made: Made, tmp_path: Path) -> Iterator[Page]:
    """The page of the unpacked dossier on a phone, opened from its file; it asks the network for nothing."""
    context = browser.new_context(viewport={"width": 390, "height": 844}, locale="en-GB", offline=True)
    context.set_default_timeout(PATIENCE * 1000)
    said: list[str] = []
    page = context.new_page()
    page.on("console", lambda message: said.append(message.text))
    page.on("pageerror", lambda error: said.append(str(error)))
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.goto((made.unpack(tmp_path) / PAGE).as_uri())
    yield page
    context.close()
    assert said == []
    assert [url for url in asked if not url.startswith("file:") or not url.endswith(PAGE)] == []


def shown(page: Page) -> str:
    expect(page.locator("#result h2")).to_be_visible()
    return page.locator("#result").inner_text()


def test_a_true_dossier_is_told_true_from_its_archive(page: Page, made: Made, tmp_path: Path) -> None:
    (tmp_path / "d.zip").write_bytes(made.archive)
    page.set_input_files("#zip", tmp_path / "d.zip")
    said = shown(page)
    assert "✓ Le dossier est vrai" in said
    assert "le témoin « temoin-3 » l’a vu le 21/11/2026 à 09:30:00 UTC" in said
    assert "dit horloge.example" in said
    assert "le cachet couvre toute la facture" in said
    expect(page.locator("#result")).to_be_focused()
    source = made.source
    for each in fingerprints(
        log=source.log, witnesses=source.witnesses, certificate=source.certificate, stamp_roots=source.stamp_roots
    ):
        assert each.sha256 in re.sub(r"\s", "", said)


def test_the_unpacked_folder_is_told_true_and_expected_keys_are_ticked(page: Page, made: Made, tmp_path: Path) -> None:
    page.set_input_files("#folder", tmp_path / made.name)
    assert "✓ Le dossier est vrai" in shown(page)
    (log, *_) = fingerprints(log=made.source.log)
    page.click("summary >> text=Empreintes attendues")
    page.fill("#expected", f"Clé du journal : {log.sha256.upper()}\n{'0' * 64}")
    page.locator("#expected").blur()
    expect(page.locator("#result")).to_contain_text("✓ c’est une des empreintes attendues")
    expect(page.locator("#result")).to_contain_text("Aucune clé du dossier n’a cette empreinte attendue")


@pytest.mark.parametrize("refresh", [False, True])
def test_each_file_that_lies_is_named(page: Page, made: Made, refresh: bool, tmp_path: Path) -> None:
    for name in (each for each in made.files if each.startswith("data/")):
        altered = bytearray(made.files[name])
        # A token carries a copy of the root, which nobody needs: its signature is at its end.
        altered[-5 if name.endswith((".tst", ".ers")) else len(altered) // 2] ^= 1
        files = {**made.files, name: bytes(altered)}
        folder = write(refreshed(files) if refresh else files, tmp_path / "forged")
        page.reload()
        page.set_input_files("#folder", folder)
        said = shown(page)
        assert "✗" in said, name
        assert name in said, said


def test_what_is_no_dossier_is_said_so(page: Page, tmp_path: Path) -> None:
    (tmp_path / "x.zip").write_bytes(b"PK\x05\x06 rien")
    page.set_input_files("#zip", tmp_path / "x.zip")
    assert "Ce n’est pas un dossier lisible" in shown(page)


def test_a_seal_by_rsa_is_read_too(page: Page, tmp_path: Path) -> None:
    made = make(make_key(tmp_path / "rsa", "RSA-3072"))
    (tmp_path / "d.zip").write_bytes(made.archive)
    page.set_input_files("#zip", tmp_path / "d.zip")
    assert "✓ Le dossier est vrai" in shown(page)


def test_an_imported_invoice_is_judged_where_it_came_from_too(page: Page, made: Made, tmp_path: Path) -> None:
    once = replace(made.source, origin=made.archive)
    twice = replace(made.source, origin=once.write(at=AT))
    (tmp_path / "d.zip").write_bytes(twice.write(at=AT))
    page.set_input_files("#zip", tmp_path / "d.zip")
    said = shown(page)
    assert "✓ Le dossier est vrai" in said
    assert said.count("là d’où elle vient, là d’où elle vient, le cachet couvre toute la facture") == 1
    assert "data/origine.zip:data/origine.zip:data/cles/journal.pem" in said


@pytest.mark.parametrize("lie", ["byte", "other", "no zip"])
def test_an_origin_that_lies_is_named(page: Page, made: Made, key: SealKey, lie: str, tmp_path: Path) -> None:
    named = "data/origine.zip"
    if lie == "byte":
        named = "data/origine.zip:data/entry.json"
        inner = tmp_path / "inner.zip"
        with zipfile.ZipFile(inner, "w") as archive:
            for name, content in made.files.items():
                archive.writestr(
                    f"d/{name}", content.replace(b"F-2026", b"F-2027") if name.endswith("y.json") else content
                )
        origin = inner.read_bytes()
    else:
        origin = make(key, number="F-2").archive if lie == "other" else b"PK"
    (tmp_path / "d.zip").write_bytes(replace(made.source, origin=origin).write(at=AT))
    page.set_input_files("#zip", tmp_path / "d.zip")
    said = shown(page)
    assert "✗" in said
    assert named in said


def test_a_renewed_record_is_judged_whole(page: Page) -> None:
    aged, content = grow(), GROUPS[3]["entry-3.json"]
    roots = [root.public_bytes(Encoding.DER).hex() for root in aged.roots]
    judge = """async ([record, content, roots]) => {
      try { return await recordedAt(readRecord(fromHex(record)), fromHex(content), roots.map(fromHex)); }
      catch (error) { if (error instanceof Illisible) return error.message; throw error; }
    }"""

    def judged(record: bytes, of: bytes = content) -> object:
        return page.evaluate(judge, [record.hex(), of.hex(), roots])

    ages = (aged.first, aged.stamped_again, aged.stamped_twice, aged.hashed_again)
    for renewals, records in enumerate(ages):
        instants = [(START + 4 * n * YEARS).timestamp() * 1000 for n in range(renewals + 1)]
        assert judged(records[3].dump()) == instants
        assert judged(records[3].dump(), b"{4}") == "elle est celle d’un autre fichier"
        assert isinstance(judged(records[3].dump()[:-1]), str)
        assert isinstance(judged(records[3].dump() + b"0"), str)
    whole = aged.hashed_again[3]
    first, second = whole.chains
    for forged in (
        EvidenceRecord(chains=((first[0], first[2]), second)),
        EvidenceRecord(chains=((first[1],), second)),
        EvidenceRecord(chains=(first[:2], second)),
        EvidenceRecord(chains=(first, aged.hashed_again[4].chains[1])),
        EvidenceRecord(chains=((first[0], first[2], first[1]),)),
    ):
        assert isinstance(judged(forged.dump()), str)
    late = PastAuthority(START + 6 * YEARS - timedelta(days=1))
    roots.append(late.root.public_bytes(Encoding.DER).hex())
    assert "après l’expiration" in str(judged(renewed(aged.first, late, at=START + 6 * YEARS)[3].dump()))


def test_ed25519_is_that_of_the_rfc(page: Page) -> None:
    judge = "([key, message, signature]) => verifyEd25519(fromHex(key), fromHex(message), fromHex(signature))"
    for key, message, signature in ED25519:
        assert page.evaluate(judge, [key, message, signature]) is True
        for place in (0, 40, 70, 127):
            digit = f"{int(signature[place], 16) ^ 1:x}"
            assert page.evaluate(judge, [key, message, signature[:place] + digit + signature[place + 1 :]]) is False
        assert page.evaluate(judge, [key, message + "00", signature]) is False
    order = 2**252 + 27742317777372353535851937790883648493
    key, message, signature = ED25519[0]
    scalar = int.from_bytes(bytes.fromhex(signature[64:]), "little") + order
    malleable = signature[:64] + scalar.to_bytes(32, "little").hex()
    assert page.evaluate(judge, [key, message, malleable]) is False


def test_the_page_may_reach_nothing(page: Page) -> None:
    policy = page.locator("meta[http-equiv=Content-Security-Policy]").get_attribute("content") or ""
    assert policy.startswith("default-src 'none'; script-src 'sha256-")
    assert "unsafe" not in policy
    assert b"http://" not in verifier_page()
    assert b"https://" not in verifier_page()


def test_the_page_is_reached_by_keyboard_and_fits_a_phone(page: Page, made: Made, tmp_path: Path) -> None:
    focused = []
    for _ in range(5):
        page.keyboard.press("Tab")
        focused.append(page.evaluate("document.activeElement.id || document.activeElement.tagName"))
    assert focused[:2] == ["zip", "folder"]
    assert "SUMMARY" in focused
    page.set_input_files("#folder", tmp_path / made.name)
    shown(page)
    for width in (320, 390, 1280):
        page.set_viewport_size({"width": width, "height": 844})
        over = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
        assert over <= 0, width
