"""A token of SoftHSM for the tests, in a folder of its own; nothing of the machine's own tokens is touched."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from faitfoi.evidence.keys import PrivateKey

MODULES = ("/usr/lib/softhsm/libsofthsm2.so", "/usr/lib/x86_64-linux-gnu/softhsm/libsofthsm2.so")
PIN, TOKEN, LABEL = "1234", "essai", "cachet"
MODULE = next((path for path in MODULES if Path(path).exists()), "")
# An oracle: skipped with its reason on a person's machine, a failure where CI is set.
needs_softhsm = pytest.mark.skipif(
    not MODULE or shutil.which("softhsm2-util") is None,
    reason="SoftHSM is not installed. On Debian or Ubuntu: sudo apt install softhsm2",
)


def new_token(folder: Path, key: PrivateKey, certificate: x509.Certificate) -> dict[str, str]:
    """Make a token that holds a key and its certificate; returns the settings that reach it.

    SoftHSM reads its configuration once per process: each test that wants a token runs in a process of its own.
    """
    (folder / "tokens").mkdir(parents=True, exist_ok=True)
    configuration = folder / "softhsm2.conf"
    configuration.write_text(f"directories.tokendir = {folder / 'tokens'}\nobjectstore.backend = file\n")
    os.environ["SOFTHSM2_CONF"] = str(configuration)
    pem = folder / "key.pem"
    pem.write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    for words in (
        ["--init-token", "--free", "--label", TOKEN, "--so-pin", "0000", "--pin", PIN],
        ["--import", str(pem), "--token", TOKEN, "--label", LABEL, "--id", "01", "--pin", PIN],
    ):
        subprocess.run(["softhsm2-util", *words], check=True, capture_output=True)
    settings = {"module": MODULE, "token": TOKEN, "pin": PIN, "label": LABEL}
    _keep_certificate(settings, certificate)
    return settings


def _keep_certificate(settings: dict[str, str], certificate: x509.Certificate) -> None:
    import pkcs11

    token = pkcs11.lib(settings["module"]).get_token(token_label=settings["token"])
    with token.open(rw=True, user_pin=settings["pin"]) as session:
        session.create_object(
            {
                pkcs11.Attribute.CLASS: pkcs11.ObjectClass.CERTIFICATE,
                pkcs11.Attribute.CERTIFICATE_TYPE: pkcs11.CertificateType.X_509,
                pkcs11.Attribute.TOKEN: True,
                pkcs11.Attribute.LABEL: settings["label"],
                pkcs11.Attribute.SUBJECT: certificate.subject.public_bytes(),
                pkcs11.Attribute.VALUE: certificate.public_bytes(Encoding.DER),
            }
        )
