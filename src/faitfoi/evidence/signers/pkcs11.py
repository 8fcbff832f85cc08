"""A key in a hardware module, by PKCS#11: it signs there, and never leaves (extra `seal`: python-pkcs11)."""

import hashlib
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature

from faitfoi.evidence import cms, der
from faitfoi.evidence.keys import KeyRefused, SealKey, SignerSilent
from faitfoi.evidence.signers.judged import judged_key

SETTINGS = ("module", "token", "pin", "label")


def open_pkcs11(values: Mapping[str, str], certificates: Sequence[x509.Certificate]) -> SealKey:
    """The key that a token holds, with its certificate first and those above it.

    `values`: `module` (path of the module's library), `token` (its label), `pin`, `label` (of the key). Raises
    KeyRefused when a setting is missing or python-pkcs11 is not installed. Its `sign` raises SignerSilent when the
    module cannot be reached, and reaches anew next time.
    """
    if missing := [name for name in SETTINGS if not values.get(name)]:
        raise KeyRefused(f"Il manque des réglages du module PKCS#11 : {', '.join(missing)}.")
    _library()
    certificate, *chain = certificates
    module = _Module(values=dict(values), is_rsa=isinstance(certificate.public_key(), rsa.RSAPublicKey))
    return judged_key(certificate, chain, module.sign, where=f"Le module PKCS#11 « {values['token']} »")


def certificate_in_pkcs11(values: Mapping[str, str]) -> x509.Certificate:
    """The certificate that the token holds under the key's label. Raises KeyRefused, SignerSilent."""
    if missing := [name for name in SETTINGS if not values.get(name)]:
        raise KeyRefused(f"Il manque des réglages du module PKCS#11 : {', '.join(missing)}.")
    pkcs11 = _library()
    module = _Module(values=dict(values), is_rsa=False)
    with module.turn:
        try:
            wanted = {pkcs11.Attribute.CLASS: pkcs11.ObjectClass.CERTIFICATE, pkcs11.Attribute.LABEL: values["label"]}
            found = [bytes(each[pkcs11.Attribute.VALUE]) for each in module.session().get_objects(wanted)]
        except _troubles(pkcs11) as error:
            raise module.silent(error) from error
        finally:
            module.close()
    if len(found) != 1:
        raise KeyRefused(
            f"Le module PKCS#11 a {len(found)} certificats nommés « {values['label']} » : il en faut un. "
            "Sinon, donnez le certificat dans un fichier."
        )
    return x509.load_der_x509_certificate(found[0])


@dataclass(slots=True, kw_only=True)
class _Module:
    """One session with a token, opened at need; one signature at a time, as most modules want."""

    values: dict[str, str] = field(repr=False)
    is_rsa: bool
    turn: threading.Lock = field(default_factory=threading.Lock)
    opened: Any = None
    key: Any = None

    def sign(self, data: bytes) -> bytes:
        """Sign with the mechanism that takes a digest: the one mechanism for ECDSA that every module has."""
        pkcs11 = _library()
        digest = hashlib.sha256(data).digest()
        with self.turn:
            try:
                key = self.key or self._find(pkcs11)
                if self.is_rsa:
                    info = der.encode(der.SEQUENCE, _SHA256_INFO, der.encode(der.OCTET_STRING, digest))
                    return bytes(key.sign(info, mechanism=pkcs11.Mechanism.RSA_PKCS))
                raw = bytes(key.sign(digest, mechanism=pkcs11.Mechanism.ECDSA))
            except _troubles(pkcs11) as error:
                self.close()
                raise self.silent(error) from error
        half = len(raw) // 2
        return encode_dss_signature(int.from_bytes(raw[:half], "big"), int.from_bytes(raw[half:], "big"))

    def session(self) -> Any:
        """The session with the token, opened when there is none."""
        if self.opened is None:
            pkcs11 = _library()
            token = pkcs11.lib(self.values["module"]).get_token(token_label=self.values["token"])
            try:
                self.opened = token.open(user_pin=self.values["pin"])
            except pkcs11.exceptions.UserAlreadyLoggedIn:
                # One sign-in serves all the sessions that a process has with a token.
                self.opened = token.open()
        return self.opened

    def silent(self, error: Exception) -> SignerSilent:
        """What to say of a module's trouble, whose own text is often empty."""
        said = type(error).__name__
        return SignerSilent(
            f"Le module PKCS#11 « {self.values['token']} » ne signe pas ({said}) : vérifiez qu’il est branché, "
            "son code et le nom de sa clé. Les factures attendent."
        )

    def close(self) -> None:
        """Forget the session: the next signature opens another."""
        opened, self.opened, self.key = self.opened, None, None
        if opened is not None:
            try:
                opened.close()
            except _troubles(_library()):
                return

    def _find(self, pkcs11: Any) -> Any:
        self.key = self.session().get_key(object_class=pkcs11.ObjectClass.PRIVATE_KEY, label=self.values["label"])
        return self.key


_SHA256_INFO = der.encode(der.SEQUENCE, der.oid("2.16.840.1.101.3.4.2.1"), der.NULL)
assert _SHA256_INFO != cms.SHA256  # DigestInfo has the NULL that CMS leaves out  # noqa: S101


def _library() -> Any:
    try:
        import pkcs11
    except ImportError as error:
        raise KeyRefused(
            "Il manque python-pkcs11 pour parler au module : installez « faitfoi[server,seal] »."
        ) from error
    return pkcs11


def _troubles(pkcs11: Any) -> tuple[type[Exception], ...]:
    return (pkcs11.exceptions.PKCS11Error, OSError, RuntimeError)
