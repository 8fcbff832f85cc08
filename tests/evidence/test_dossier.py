"""A dossier, made without a database, is true for the script and for our check; pins, witnesses, extension lines."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from faitfoi.evidence.dossier import fingerprints
from faitfoi.evidence.dossier_check import verify_dossier
from faitfoi.evidence.seal import SealKey
from tests.evidence.conftest import AT
from tests.evidence.made_dossier import WITNESSES, Made, make, shell
from tests.evidence.tsa import Authority, serving


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Authority]:
    with serving(Authority(tmp_path_factory.mktemp("tsa") / "tsa")) as made:
        yield made


@pytest.fixture(scope="module")
def made(key: SealKey, authority: Authority) -> Made:
    return make(key, authority=authority, witnesses=2, extensions=("faitfoi serie/2026 117",))


def test_a_dossier_of_several_witnesses_and_extension_lines_is_true(made: Made, tmp_path: Path) -> None:
    said = shell(made.unpack(tmp_path))
    assert (said.returncode, said.stderr) == (0, "")
    assert "dit temoin-2" in said.stdout
    assert "dit temoin-3" in said.stdout
    assert "dit horloge.example" in said.stdout
    found = verify_dossier(made.files)
    assert found.lies == ()
    assert found.seen_at == int(AT.timestamp())


def test_the_fingerprints_printed_apart_are_those_that_all_checks_show(made: Made, tmp_path: Path) -> None:
    source = made.source
    printed = fingerprints(
        log=source.log, witnesses=source.witnesses, certificate=source.certificate, stamp_roots=source.stamp_roots
    )
    said = shell(made.unpack(tmp_path)).stdout
    assert {each.file: each.sha256 for each in printed} == dict(verify_dossier(made.files).fingerprints)
    assert all(f"{each.file}  {each.sha256}" in said for each in printed)
    assert len(printed) == 5


def test_a_pinned_fingerprint_must_be_there(made: Made, tmp_path: Path) -> None:
    folder = made.unpack(tmp_path)
    pin = verify_dossier(made.files).fingerprints["data/horodatage/racines.pem"]
    spelt = ":".join(pin[n : n + 2] for n in range(0, 64, 2)).upper()
    for writing in (pin, pin.upper(), spelt):
        said = shell(folder, "--pin", f"sha256={writing}")
        assert (said.returncode, said.stderr) == (0, "")
        assert f"{pin} (attendue)" in said.stdout
    said = shell(folder, "--pin", "sha256=" + "0" * 64)
    assert (said.returncode, "0" * 64 in said.stderr) == (1, True)
    assert verify_dossier(made.files, pins=[pin]).sound
    assert [lie.file for lie in verify_dossier(made.files, pins=["0" * 64]).lies] == ["sha256=" + "0" * 64]
    assert shell(folder, "--pin").returncode == 2


def test_a_file_of_fingerprints_must_hold_every_key_of_the_dossier(made: Made, tmp_path: Path) -> None:
    folder, known = made.unpack(tmp_path), verify_dossier(made.files).fingerprints
    listed = tmp_path / "empreintes.txt"
    listed.write_text("Nos clés\n" + "".join(f"{name} : {digest}\n" for name, digest in known.items()))
    assert shell(folder, "--pin", str(listed)).returncode == 0
    assert verify_dossier(made.files, known=set(known.values())).sound
    witness = "data/cles/temoin-2.pem"
    listed.write_text("\n".join(digest for name, digest in known.items() if name != witness))
    said = shell(folder, "--pin", str(listed))
    assert (said.returncode, witness in said.stderr) == (1, True)
    judged = verify_dossier(made.files, known=set(known.values()) - {known[witness]})
    assert [lie.file for lie in judged.lies] == [witness]


def test_signatures_of_strangers_are_passed_over(key: SealKey, tmp_path: Path) -> None:
    """A line under a witness's name but of another key, such as one of another algorithm, is not that witness's."""
    stranger = WITNESSES[2].line("another text\n", at=AT).replace(WITNESSES[2].name, WITNESSES[0].name)
    made = make(key, others=(stranger,))
    said = shell(made.unpack(tmp_path))
    assert (said.returncode, said.stderr) == (0, "")
    assert verify_dossier(made.files).lies == ()
