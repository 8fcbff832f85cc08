"""What another device or another company signs is believed once it verifies, and not before."""

from collections.abc import Callable, Sequence

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa

from faitfoi.evidence.keys import SealKey, SignerRefused, of_certificate, refuse_weak, shape_of


def judged_key(
    certificate: x509.Certificate, chain: Sequence[x509.Certificate], sign: Callable[[bytes], bytes], *, where: str
) -> SealKey:
    """A key kept elsewhere: `sign` asks it, and each answer is verified with the certificate before it is used.

    Raises KeyRefused for a weak key; its `sign` raises SignerRefused for an answer that does not verify.
    """
    public_key = certificate.public_key()
    refuse_weak(public_key, where=where)
    algorithm, largest = shape_of(public_key)

    def signed(data: bytes) -> bytes:
        signature = sign(data)
        if not _verifies(public_key, signature, data):
            raise SignerRefused(
                f"{where} a rendu une signature qui n’est pas celle du certificat : rien n’a été scellé. "
                "Vérifiez que le certificat et la clé vont ensemble, puis prévenez le prestataire."
            )
        return signature

    return of_certificate(certificate, chain, algorithm=algorithm, largest_signature=largest, sign=signed)


def _verifies(public_key: object, signature: bytes, data: bytes) -> bool:
    try:
        if isinstance(public_key, rsa.RSAPublicKey):
            public_key.verify(signature, data, padding.PKCS1v15(), hashes.SHA256())
        elif isinstance(public_key, ec.EllipticCurvePublicKey):
            public_key.verify(signature, data, ec.ECDSA(hashes.SHA256()))
        else:
            return False
    except InvalidSignature:
        return False
    return True
