"""A key in a module or at a service seals like one of our own; down, slow or lying, it seals nothing."""

from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from datetime import datetime, timedelta
from multiprocessing import get_context
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from faitfoi.evidence.keys import KeyRefused, SealKey, SignerRefused, SignerSilent
from faitfoi.evidence.seal import seal
from faitfoi.evidence.seal_check import SealState, check_seal, legal_way
from faitfoi.evidence.seal_way import QC_STATEMENTS, Way
from faitfoi.evidence.signers.csc import open_csc
from faitfoi.evidence.signers.judged import judged_key
from faitfoi.evidence.signers.pkcs11 import certificate_in_pkcs11, open_pkcs11
from faitfoi.simulators.control import Fault, FaultKind
from faitfoi.simulators.csc import TOKEN_SECONDS, CscSimulator
from tests.evidence import softhsm
from tests.evidence.authority import Authority, certify, new_key
from tests.evidence.conftest import AT, plain_pdf
from tests.evidence.oracle import judge
from tests.waiting import PATIENCE


@pytest.fixture(scope="module")
def provider() -> Iterator[CscSimulator]:
    simulator = CscSimulator(start=AT)
    simulator.start()
    yield simulator
    simulator.stop()


@pytest.fixture
def service(provider: CscSimulator) -> CscSimulator:
    provider.obey("POST /control/reset", {})
    return provider


def fault(service: CscSimulator, kind: FaultKind, *, on: str = "signHash", seconds: float = 0.0) -> None:
    service.faults.add(Fault(kind=kind, times=1, on=on, seconds=seconds))


def holds(sealed: bytes, key: SealKey, *, root: bytes, at: datetime = AT) -> None:
    assert check_seal(sealed, [key.certificate]) is SealState.INTACT
    verdict = judge(sealed, root, at=at)
    assert (verdict.valid, verdict.trusted, verdict.covers_all) == (True, True, True)


@pytest.mark.parametrize("algorithm", ["P-256", "RSA-3072"])
def test_a_remote_key_seals_and_its_root_is_enough_to_judge(algorithm: str) -> None:
    simulator = CscSimulator(algorithm=algorithm, start=AT)
    simulator.start()
    try:
        key = open_csc(simulator.settings)
        for _ in range(2):
            holds(seal(plain_pdf(), key, at=AT), key, root=simulator.certificates[-1].public_bytes(Encoding.DER))
        assert len(key.chain) == 2
        assert simulator.signed == 2
    finally:
        simulator.stop()


@pytest.mark.parametrize(
    ("kind", "on"),
    [
        (FaultKind.DOWN, "signHash"),
        (FaultKind.DOWN, "authorize"),
        (FaultKind.REFUSE, "signHash"),
        (FaultKind.REFUSE, "authorize"),
        (FaultKind.LOSE_ANSWER, "signHash"),
        (FaultKind.LOSE_ANSWER, "authorize"),
    ],
)
def test_one_failure_is_tried_once_more_and_two_seal_nothing(service: CscSimulator, kind: FaultKind, on: str) -> None:
    key = open_csc(service.settings)
    fault(service, kind, on=on)
    holds(seal(plain_pdf(), key, at=AT), key, root=service.certificates[-1].public_bytes(Encoding.DER))
    fault(service, kind, on=on)
    fault(service, kind, on=on)
    with pytest.raises(SignerSilent, match=r"n’a pas signé.*attendent"):
        seal(plain_pdf(), key, at=AT)


def test_a_slow_service_is_not_waited_for(service: CscSimulator) -> None:
    key = open_csc({**service.settings, "timeout": "1"})
    fault(service, FaultKind.SLOW, seconds=PATIENCE)
    fault(service, FaultKind.SLOW, seconds=PATIENCE)
    with pytest.raises(SignerSilent, match="n’a pas signé"):
        seal(plain_pdf(), key, at=AT)


def test_a_wrong_signature_is_never_put_in_a_document(service: CscSimulator) -> None:
    key = open_csc(service.settings)
    fault(service, FaultKind.GARBAGE)
    with pytest.raises(SignerRefused, match="rien n’a été scellé"):
        seal(plain_pdf(), key, at=AT)


def test_an_ended_bearer_token_is_renewed(service: CscSimulator) -> None:
    key = open_csc(service.settings)
    service.obey("POST /control/advance", {"seconds": TOKEN_SECONDS + 1})
    holds(seal(plain_pdf(), key, at=AT), key, root=service.certificates[-1].public_bytes(Encoding.DER))


def test_settings_that_cannot_serve_are_said(service: CscSimulator) -> None:
    good = service.settings
    for wrong, said in (
        ({"url": "http://signature.example"}, "https"),
        ({"credential": ""}, "credential"),
        ({"client_secret": ""}, "client_secret"),
        ({"timeout": "soon"}, "secondes"),
    ):
        with pytest.raises(KeyRefused, match=said):
            open_csc({**good, **wrong})
    for wrong in ({"client_secret": "un autre"}, {"credential": "autre"}):
        with pytest.raises(SignerSilent, match="HTTP 40"):
            open_csc({**good, **wrong})
    with pytest.raises(SignerSilent, match="n’a pas signé"):
        seal(plain_pdf(), open_csc({**good, "pin": "0"}), at=AT)


def in_a_process(folder: Path, algorithm: str) -> tuple[bytes, bytes, bytes]:
    """Seal with a token: SoftHSM keeps its first configuration as long as its process lives."""
    authority, private_key = Authority(), new_key(algorithm)
    certificate = authority.issue(private_key)
    values = softhsm.new_token(folder, private_key, certificate)
    with pytest.raises(SignerSilent, match="attendent"):
        seal(plain_pdf(), open_pkcs11({**values, "pin": "0000"}, [certificate]), at=AT)
    assert certificate_in_pkcs11(values) == certificate
    key = open_pkcs11(values, [certificate, authority.certificate])
    sealed = [seal(plain_pdf(), key, at=AT) for _ in range(3)]
    for wrong in ({"label": "autre"}, {"token": "autre"}, {"module": "/nulle/part.so"}):
        with pytest.raises(SignerSilent, match="attendent"):
            seal(plain_pdf(), open_pkcs11({**values, **wrong}, [certificate]), at=AT)
    # Another key's certificate: what the token signs does not verify, and is not used.
    stranger = authority.issue(new_key(algorithm))
    with pytest.raises(SignerRefused, match="rien n’a été scellé"):
        seal(plain_pdf(), open_pkcs11(values, [stranger]), at=AT)
    with pytest.raises(KeyRefused, match="pin"):
        open_pkcs11({**values, "pin": ""}, [certificate])
    return sealed[-1], key.certificate, authority.root.public_bytes(Encoding.DER)


@pytest.mark.oracle
@softhsm.needs_softhsm
@pytest.mark.parametrize("algorithm", ["P-256", "P-384", "RSA-3072"])
def test_a_key_in_a_module_seals_without_leaving_it(tmp_path: Path, algorithm: str) -> None:
    with ProcessPoolExecutor(max_workers=1, mp_context=get_context("spawn")) as pool:
        sealed, certificate, root = pool.submit(in_a_process, tmp_path, algorithm).result()
    assert check_seal(sealed, [certificate]) is SealState.INTACT
    assert judge(sealed, root, at=AT).trusted


def test_a_weak_key_is_refused_wherever_it_is() -> None:
    key = new_key("RSA-2048")
    with pytest.raises(KeyRefused, match="2048"):
        judged_key(certify("Trop court", key), (), lambda _: b"", where="Le module")


def statements(content: str) -> x509.UnrecognizedExtension:
    return x509.UnrecognizedExtension(QC_STATEMENTS, bytes.fromhex(content))


WHOLE = "30293008060604008e4601013008060604008e4601043013060604008e4601063009060704008e46010602"
FOR_SIGNATURE = WHOLE[:-2] + "01"
WITHOUT_DEVICE = "301f3008060604008e4601013013060604008e4601063009060704008e46010602"
WITHOUT_TYPE = "30143008060604008e4601013008060604008e460104"


@pytest.mark.parametrize(
    ("content", "way"),
    [
        (WHOLE, Way.QUALIFIED_SEAL),
        (FOR_SIGNATURE, Way.QUALIFIED_SIGNATURE),
        (WITHOUT_DEVICE, Way.AUDIT_TRAIL),
        (WITHOUT_TYPE, Way.AUDIT_TRAIL),
        (WHOLE[:-4], Way.AUDIT_TRAIL),
        ("0500", Way.AUDIT_TRAIL),
    ],
)
def test_only_the_certificate_s_own_statements_say_qualified(content: str, way: Way) -> None:
    certificate = Authority().issue(new_key("P-256"), more=(statements(content),))
    told = legal_way(certificate.public_bytes(Encoding.DER))
    assert told.way is way
    assert told.qualified == (way is not Way.AUDIT_TRAIL)
    assert ("n’est pas qualifié" in told.sentence) != told.qualified
    assert "289 VII" in told.source


def test_a_certificate_that_signed_itself_qualifies_nobody() -> None:
    certificate = certify("Moi-même", new_key("P-256"), more=(statements(WHOLE),))
    assert legal_way(certificate.public_bytes(Encoding.DER)).way is Way.AUDIT_TRAIL


def test_a_fictitious_qualified_provider_is_read_as_one_when_it_says_so() -> None:
    simulator = CscSimulator(qualified=True, start=AT - timedelta(days=1))
    try:
        assert legal_way(simulator.certificates[0].public_bytes(Encoding.DER)).way is Way.QUALIFIED_SEAL
    finally:
        simulator.stop()
