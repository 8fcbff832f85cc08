"""An organisation's own key comes in with its password, is looked at first, and seals with its chain inside."""

from datetime import timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import BestAvailableEncryption, Encoding, pkcs12

from faitfoi.evidence import cms
from faitfoi.evidence.keys import KeyRefused, keep_key, load_key
from faitfoi.evidence.keys_import import read_pkcs12
from faitfoi.evidence.seal import seal
from faitfoi.evidence.seal_check import SealState, check_seal, sealed_by
from tests.evidence.authority import PASSWORD, Authority, new_key
from tests.evidence.conftest import AT, SECRET, plain_pdf
from tests.evidence.oracle import judge


@pytest.mark.parametrize("kind", ["P-256", "P-384", "RSA-3072"])
def test_a_key_brought_in_seals_with_its_chain_and_its_root_is_enough_to_judge(tmp_path: Path, kind: str) -> None:
    authority, private_key = Authority(), new_key(kind)
    content = authority.pkcs12(private_key, authority.issue(private_key))
    private_key, certificates = read_pkcs12(content, password=PASSWORD, at=AT, where="cachet.p12")
    keep_key(tmp_path / "key", private_key, certificates, secret=SECRET)
    key = load_key(tmp_path / "key", secret=SECRET)

    assert len(key.chain) == 2
    sealed = seal(plain_pdf(), key, at=AT)
    assert check_seal(sealed, [key.certificate]) is SealState.INTACT
    assert sealed_by(sealed) == certificates[0].fingerprint(certificates[0].signature_hash_algorithm).hex()  # type: ignore[arg-type]
    root = certificates[-1].public_bytes(Encoding.DER)
    verdict = judge(sealed, root, at=AT)
    assert verdict.valid
    assert verdict.trusted
    assert verdict.covers_all


def test_a_certificate_that_has_nothing_to_do_with_the_seal_is_not_hidden_in_it(tmp_path: Path) -> None:
    authority, stranger, private_key = Authority(), Authority(), new_key("P-256")
    certificate = authority.issue(private_key)
    keep_key(tmp_path / "key", private_key, (certificate, stranger.root), secret=SECRET)
    key = load_key(tmp_path / "key", secret=SECRET)
    assert check_seal(seal(plain_pdf(), key, at=AT), [key.certificate]) is SealState.FORGED


@pytest.mark.parametrize("kind", ["RSA-2048", "P-521"])
def test_a_key_that_would_not_last_is_refused(kind: str) -> None:
    authority, private_key = Authority(), new_key(kind)
    content = authority.pkcs12(private_key, authority.issue(private_key))
    with pytest.raises(KeyRefused, match=r"cachet\.p12"):
        read_pkcs12(content, password=PASSWORD, at=AT, where="cachet.p12")


def test_what_is_wrong_with_a_file_is_said() -> None:
    authority, private_key = Authority(), new_key("P-256")
    good = authority.pkcs12(private_key, authority.issue(private_key))
    for content, password, said in (
        (good, "un autre", "mot de passe"),
        (good[:200], PASSWORD, "mot de passe"),
        (b"rien", PASSWORD, "PKCS#12"),
        (bytes(2_000_000), PASSWORD, "pas une clé"),
        (without_key(authority.root), PASSWORD, "pas à la fois une clé et son certificat"),
        (authority.pkcs12(private_key, authority.issue(private_key, days=3)), PASSWORD, "renouveler"),
        (
            authority.pkcs12(private_key, authority.issue(private_key, start=AT + timedelta(days=1))),
            PASSWORD,
            "vaut du",
        ),
        (authority.pkcs12(private_key, authority.issue(private_key, signs=False)), PASSWORD, "pas fait pour signer"),
    ):
        with pytest.raises(KeyRefused, match=said):
            read_pkcs12(content, password=password, at=AT, where="cachet.p12")


def without_key(certificate: x509.Certificate) -> bytes:
    """A file with certificates only."""
    return pkcs12.serialize_key_and_certificates(
        None, None, None, [certificate], BestAvailableEncryption(PASSWORD.encode())
    )


def test_a_seal_says_its_chain_in_the_order_of_der(tmp_path: Path) -> None:
    authority, private_key = Authority(), new_key("P-256")
    keep_key(tmp_path / "key", private_key, (authority.issue(private_key), authority.certificate), secret=SECRET)
    key = load_key(tmp_path / "key", secret=SECRET)
    written = cms.write(
        bytes(32),
        certificate=key.certificate,
        issuer=key.issuer,
        serial=key.serial,
        algorithm=key.algorithm,
        sign=key.sign,
        chain=key.chain,
    )
    assert list(cms.read(written).certificates) == sorted((key.certificate, *key.chain))
