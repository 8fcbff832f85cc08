"""A key is made once, whole, for its owner alone, and says what it is not."""

import subprocess
from concurrent.futures import ProcessPoolExecutor
from datetime import UTC, datetime
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa

from faitfoi.evidence.keys import KeyRefused, create_key, load_key
from tests.evidence.conftest import AT, SECRET

NAME = "CUMA des Trois Vallées"


def test_the_certificate_names_the_organisation_and_says_demonstration(tmp_path: Path) -> None:
    create_key(tmp_path / "key", organisation=NAME, at=AT, secret=SECRET)
    certificate = x509.load_pem_x509_certificate((tmp_path / "key" / "certificate.pem").read_bytes())
    said = {attribute.oid.dotted_string: attribute.value for attribute in certificate.subject}
    assert said == {
        "2.5.4.10": NAME,
        "2.5.4.11": "Cachet de démonstration, non qualifié",
        "2.5.4.3": f"{NAME} (démonstration)",
    }
    usage = certificate.extensions.get_extension_for_class(x509.KeyUsage).value
    assert (usage.digital_signature, usage.content_commitment, usage.key_cert_sign) == (True, True, False)
    assert certificate.not_valid_before_utc == datetime(2026, 11, 21, tzinfo=UTC)
    assert certificate.not_valid_after_utc == datetime(2036, 11, 20, 23, 59, 59, tzinfo=UTC)


def test_only_its_owner_can_read_the_key(tmp_path: Path) -> None:
    create_key(tmp_path / "keys" / "alice", organisation=NAME, at=AT, secret=SECRET)
    folder = tmp_path / "keys" / "alice"
    assert folder.stat().st_mode & 0o777 == 0o700
    assert (folder / "key.pem").stat().st_mode & 0o777 == 0o600
    (folder / "key.pem").chmod(0o640)
    with pytest.raises(KeyRefused, match=r"lisible par d’autres utilisateurs.*chmod 600"):
        load_key(folder, secret=SECRET)


@pytest.mark.parametrize(
    ("algorithm", "kind"), [("P-256", ec.EllipticCurvePrivateKey), ("RSA-3072", rsa.RSAPrivateKey)]
)
def test_openssl_reads_key_and_certificate(tmp_path: Path, algorithm: str, kind: type) -> None:
    if algorithm == "P-256":
        create_key(tmp_path / "key", organisation=NAME, at=AT, secret=SECRET)
    else:
        create_key(tmp_path / "key", organisation=NAME, at=AT, secret=SECRET, algorithm="RSA-3072")
    pem = (tmp_path / "key" / "key.pem").read_bytes()
    assert pem.startswith(b"-----BEGIN ENCRYPTED PRIVATE KEY-----")
    opened = subprocess.run(
        ["openssl", "pkey", "-passin", f"pass:{SECRET.decode()}"], input=pem, check=True, capture_output=True
    )
    assert isinstance(serialization.load_pem_private_key(opened.stdout, password=None), kind)
    certificate = tmp_path / "key" / "certificate.pem"
    said = subprocess.run(
        ["openssl", "verify", "-attime", str(int(AT.timestamp())), "-CAfile", certificate, certificate],
        check=False,
        capture_output=True,
        text=True,
    )
    assert said.stdout.strip().endswith("OK"), said.stderr


def test_a_key_is_never_overwritten(tmp_path: Path) -> None:
    create_key(tmp_path / "key", organisation=NAME, at=AT, secret=SECRET)
    before = (tmp_path / "key" / "key.pem").read_bytes()
    with pytest.raises(KeyRefused, match="jamais remplacée"):
        create_key(tmp_path / "key", organisation=NAME, at=AT, secret=SECRET)
    assert (tmp_path / "key" / "key.pem").read_bytes() == before
    assert [path.name for path in tmp_path.iterdir()] == ["key"]


def test_a_folder_with_anything_in_it_is_not_taken(tmp_path: Path) -> None:
    (tmp_path / "key").mkdir()
    (tmp_path / "key" / "certificate.pem").write_text("of an older key")
    with pytest.raises(KeyRefused, match="contient déjà"):
        create_key(tmp_path / "key", organisation=NAME, at=AT, secret=SECRET)


def test_of_two_makers_at_once_one_wins_and_the_key_is_whole(tmp_path: Path) -> None:
    with ProcessPoolExecutor(max_workers=4) as pool:
        made = list(pool.map(try_to_create, [tmp_path / "key"] * 4))
    assert sorted(made) == [False, False, False, True]
    assert load_key(tmp_path / "key", secret=SECRET).subject.startswith("CN=CUMA")


def test_a_missing_mixed_or_unfit_key_says_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(KeyRefused, match="introuvable"):
        load_key(tmp_path / "none", secret=SECRET)
    create_key(tmp_path / "one", organisation=NAME, at=AT, secret=SECRET)
    create_key(tmp_path / "two", organisation=NAME, at=AT, secret=SECRET)
    (tmp_path / "one" / "certificate.pem").write_bytes((tmp_path / "two" / "certificate.pem").read_bytes())
    with pytest.raises(KeyRefused, match="n’est pas celui de la clé"):
        load_key(tmp_path / "one", secret=SECRET)
    (tmp_path / "one" / "key.pem").write_bytes(
        ed25519.Ed25519PrivateKey.generate().private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.BestAvailableEncryption(SECRET),
        )
    )
    with pytest.raises(KeyRefused, match="ni P-256, ni P-384, ni RSA"):
        load_key(tmp_path / "one", secret=SECRET)
    (tmp_path / "one" / "key.pem").write_bytes(b"torn")
    with pytest.raises(KeyRefused, match="illisible"):
        load_key(tmp_path / "one", secret=SECRET)


def test_another_secret_opens_nothing_and_a_key_in_clear_is_not_used(tmp_path: Path) -> None:
    create_key(tmp_path / "key", organisation=NAME, at=AT, secret=SECRET)
    with pytest.raises(KeyRefused, match="secret de l’installation"):
        load_key(tmp_path / "key", secret=b"another")
    clear = ec.generate_private_key(ec.SECP256R1()).private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    (tmp_path / "key" / "key.pem").write_bytes(clear)
    with pytest.raises(KeyRefused, match="pas chiffrée"):
        load_key(tmp_path / "key", secret=SECRET)


def test_a_very_long_name_still_gets_a_certificate(tmp_path: Path) -> None:
    create_key(tmp_path / "key", organisation="Coopérativé é" * 12, at=AT, secret=SECRET)
    assert "… (démonstration)" in load_key(tmp_path / "key", secret=SECRET).subject


def test_a_leap_day_has_a_tenth_anniversary(tmp_path: Path) -> None:
    create_key(tmp_path / "key", organisation=NAME, at=datetime(2028, 2, 29, 23, tzinfo=UTC), secret=SECRET)
    assert load_key(tmp_path / "key", secret=SECRET).not_after == datetime(2038, 2, 27, 23, 59, 59, tzinfo=UTC)


def test_the_key_does_not_show_in_a_log(tmp_path: Path) -> None:
    create_key(tmp_path / "key", organisation=NAME, at=AT, secret=SECRET)
    assert "PRIVATE" not in repr(load_key(tmp_path / "key", secret=SECRET))
    assert "sign=" not in repr(load_key(tmp_path / "key", secret=SECRET))


def try_to_create(folder: Path) -> bool:
    try:
        create_key(folder, organisation=NAME, at=AT, secret=SECRET)
    except KeyRefused:
        return False
    return True
