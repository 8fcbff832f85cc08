"""Every kind of seal we make holds for judges written by others: EU DSS, poppler's pdfsig, pyHanko, veraPDF."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from faitfoi.einvoice.cii import write_cii
from faitfoi.einvoice.page import Look, render_page
from faitfoi.evidence.keys import SealKey, ready
from faitfoi.evidence.pdf_update import lay_out
from faitfoi.evidence.seal import seal
from faitfoi.evidence.seal_judge import Mark, judge_signatures
from faitfoi.evidence.seal_stamp import draw_stamp, read_place
from faitfoi.evidence.signers.csc import open_csc
from faitfoi.evidence.stamps import ask_stamp, load_roots
from faitfoi.simulators.csc import CscSimulator
from tests.einvoice.pages import invoice
from tests.evidence.authority import Authority, new_key
from tests.evidence.tsa import Authority as StampAuthority
from tests.evidence.tsa import serving
from tests.oracles.dss import dss
from tests.oracles.pdfsig import pdfsig
from tests.oracles.verapdf import verapdf

pytestmark = pytest.mark.oracle

KINDS = ("P-256", "P-384", "RSA-3072")


@dataclass(frozen=True, slots=True, kw_only=True)
class Made:
    """Sealed pages by what they are called, in a folder, and the roots that vouch for them."""

    files: dict[str, Path]
    roots: list[Path]
    at: datetime


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Made]:
    """Each algorithm and each driver, with and without a time-stamp, on a page that claims PDF/A-3a and PDF/UA-1."""
    folder = tmp_path_factory.mktemp("seals")
    at = datetime.fromtimestamp(int(datetime.now(UTC).timestamp()), UTC)  # noqa: TID251  # an authority stamps now
    keys: dict[str, SealKey] = {}
    roots: dict[str, x509.Certificate] = {}
    for kind in KINDS:
        authority, private_key = Authority(), new_key(kind)
        certificate = authority.issue(private_key, start=at - timedelta(days=1))
        keys[kind] = ready(private_key, certificate, (authority.certificate,), where=kind)
        roots[kind] = authority.root
    simulator = CscSimulator()
    simulator.start()
    keys["remote"] = open_csc(simulator.settings)
    roots["remote"] = simulator.certificates[-1]
    data = invoice(3)
    page = render_page(data, look=Look(), created=at, xml=write_cii(data))
    with serving(StampAuthority(folder / "tsa")) as authority_of_time:
        trusted = load_roots(authority_of_time.roots.read_bytes())

        def stamp(signature: bytes) -> bytes:
            return ask_stamp(signature, url=authority_of_time.url, roots=trusted, now=at).token

        files = {}
        for name, key in keys.items():
            for level, stamping in (("B-B", None), ("B-T", stamp)):
                files[f"{name}-{level}"] = folder / f"{name}-{level}.pdf"
                files[f"{name}-{level}"].write_bytes(seal(page, key, at=at, stamp=stamping))
        visible = partial(lay_out, stamp=draw_stamp("CUMA des Trois Vallées", read_place("360 20 180 36")))
        files["visible-B-B"] = folder / "visible-B-B.pdf"
        files["visible-B-B"].write_bytes(seal(page, keys["P-256"], at=at, lay_out=visible))
        simulator.stop()
        paths = [authority_of_time.roots]
        for name, root in roots.items():
            paths.append(folder / f"{name}.der")
            paths[-1].write_bytes(root.public_bytes(Encoding.DER))
        yield Made(files=files, roots=paths, at=at)


def test_dss_finds_every_seal_intact_and_of_its_level(made: Made) -> None:
    verdicts = dss(made.files.values(), roots=made.roots, at=made.at + timedelta(minutes=5))
    levels = {name: verdicts[path].format for name, path in made.files.items()}
    assert levels == {name: "PAdES-BASELINE-T" if name.endswith("B-T") else "PAdES-BASELINE-B" for name in made.files}
    assert all(verdict.intact and verdict.valid for verdict in verdicts.values())
    # Without revocation lists of a fictitious authority no more can be had than: nothing is wrong, revocation unknown.
    assert {(verdict.indication, verdict.reason) for verdict in verdicts.values()} <= {
        ("TOTAL_PASSED", "null"),
        ("INDETERMINATE", "TRY_LATER"),
        ("INDETERMINATE", "CERTIFICATE_CHAIN_GENERAL_FAILURE"),
    }


def test_dss_and_the_others_refuse_a_seal_whose_page_was_changed(made: Made, tmp_path: Path) -> None:
    spoilt = []
    for name, path in made.files.items():
        content = bytearray(path.read_bytes())
        content[len(content) // 3] ^= 1
        spoilt.append(tmp_path / f"{name}.pdf")
        spoilt[-1].write_bytes(content)
    verdicts = dss(spoilt, roots=made.roots, at=made.at + timedelta(minutes=5))
    assert all(verdict.indication != "TOTAL_PASSED" for verdict in verdicts.values())
    assert all("Signature is Valid." not in pdfsig(path) for path in spoilt)
    assert not any(judge_signatures(path.read_bytes()).sound for path in spoilt)


def test_pdfsig_finds_every_seal_valid_and_the_whole_document_signed(made: Made) -> None:
    for path in made.files.values():
        said = pdfsig(path)
        assert "Signature Validation: Signature is Valid." in said, said
        assert "Total document signed" in said
        assert "ETSI.CAdES.detached" in said


def test_pyhanko_finds_nothing_changed_since(made: Made) -> None:
    assert {judge_signatures(path.read_bytes()).mark for path in made.files.values()} == {Mark.GOOD}


@pytest.mark.parametrize("flavour", ["3a", "ua1"])
def test_verapdf_finds_every_sealed_variant_what_the_page_was(made: Made, flavour: str) -> None:
    assert verapdf(made.files.values(), flavour) == dict.fromkeys(made.files.values(), ())
