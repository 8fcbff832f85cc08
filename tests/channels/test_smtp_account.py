"""Settings, encryption and accounts: what is wrong with our own side is never said of the document."""

import datetime
import ipaddress
import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from faitfoi.channels.contract import NotSent
from faitfoi.channels.registry import open_channel
from faitfoi.channels.smtp_mail import SmtpMail, read_settings
from faitfoi.simulators.control import Fault, FaultKind
from faitfoi.simulators.smtp import SmtpSimulator
from tests.channels.mail_rig import NOW, parcel, settings_for

pytestmark = pytest.mark.filterwarnings("ignore:Requiring AUTH while not requiring TLS")


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A key and its own certificate for 127.0.0.1, in one PEM file."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "relais.example")])
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(datetime.datetime(2020, 1, 1, tzinfo=datetime.UTC))
        .not_valid_after(datetime.datetime(2099, 1, 1, tzinfo=datetime.UTC))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    path = tmp_path_factory.mktemp("tls") / "relay.pem"
    path.write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
        + made.public_bytes(serialization.Encoding.PEM)
    )
    return path


@contextmanager
def relay(*, certificate: Path | None = None, users: dict[str, str] | None = None) -> Iterator[SmtpSimulator]:
    context = None
    if certificate is not None:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate)
    simulator = SmtpSimulator(tls=context, users=users)
    simulator.start()
    try:
        yield simulator
    finally:
        simulator.stop()


def send(simulator: SmtpSimulator, **more: str) -> None:
    channel = SmtpMail(settings_for(simulator.port, **more), clock=lambda: NOW)
    try:
        channel.send(parcel())
    finally:
        channel.close()


def test_a_message_goes_over_starttls_with_an_account(certificate: Path) -> None:
    with relay(certificate=certificate, users={"compta": "motdepasse"}) as simulator:
        send(simulator, tls="starttls", ca_file=str(certificate), user="compta", password="motdepasse")
        assert len(simulator.received) == 1


def test_a_certificate_nobody_vouches_for_is_not_accepted(certificate: Path) -> None:
    with relay(certificate=certificate) as simulator:
        with pytest.raises(NotSent, match="certificat") as caught:
            send(simulator, tls="starttls")
        assert caught.value.precondition
        assert simulator.received == ()


def test_a_relay_without_tls_is_not_spoken_to_in_the_clear() -> None:
    with relay() as simulator:
        with pytest.raises(NotSent, match="chiffrement") as caught:
            send(simulator, tls="starttls")
        assert caught.value.precondition
        with pytest.raises(NotSent):
            send(simulator, tls="tls")
        assert simulator.received == ()


@pytest.mark.parametrize(("user", "password"), [("compta", "faux"), ("autre", "motdepasse"), ("clé", "clé de voûte")])
def test_a_wrong_password_is_a_precondition(user: str, password: str) -> None:
    with relay(users={"compta": "motdepasse"}) as simulator:
        with pytest.raises(NotSent, match="identifiant") as caught:
            send(simulator, user=user, password=password)
        assert caught.value.precondition
        assert password not in str(caught.value)


def test_an_account_with_accents_logs_in_and_a_wrong_one_is_the_relays_word() -> None:
    with relay(users={"clé": "clé de voûte"}) as simulator:
        send(simulator, user="clé", password="clé de voûte")
        assert len(simulator.received) == 1
        with pytest.raises(NotSent, match="identifiant"):
            send(simulator, user="clé", password="clé de sol")
        assert len(simulator.received) == 1


def test_an_account_that_the_relay_does_not_ask_for_is_a_precondition_too() -> None:
    with relay() as simulator, pytest.raises(NotSent) as caught:
        send(simulator, user="compta", password="motdepasse")
    assert caught.value.precondition


def test_a_relay_that_wants_an_account_we_do_not_give_is_a_precondition() -> None:
    with relay(users={"compta": "motdepasse"}) as simulator, pytest.raises(NotSent) as caught:
        send(simulator)
    assert caught.value.precondition


def test_a_relay_that_is_away_is_not_a_precondition() -> None:
    with relay(users={"compta": "motdepasse"}) as simulator:
        simulator.faults.add(Fault(kind=FaultKind.DOWN, on="connect", code="421 4.3.2 Going down"))
        with pytest.raises(NotSent) as caught:
            send(simulator, user="compta", password="motdepasse")
        assert not caught.value.precondition


@pytest.mark.parametrize(
    ("changes", "names"),
    [
        ({"host": ""}, "host"),
        ({"host": "un nom\r\n"}, "host"),
        ({"host": "x" * 70}, "host"),
        ({"tls": "ssl3"}, "tls"),
        ({"port": "0"}, "port"),
        ({"port": "smtp"}, "port"),
        ({"sender_address": ""}, "sender_address"),
        ({"sender_address": "a@b.example\r\nX: y"}, "sender_address"),
        ({"reply_to": "personne"}, "reply_to"),
        ({"helo_domain": "a b"}, "helo_domain"),
        ({"deadline_seconds": "9999"}, "deadline_seconds"),
        ({"host": "relais.example", "user": "compta"}, "user"),
        ({"tls": "tls", "ca_file": "/nulle/part.pem"}, "ca_file"),
    ],
)
def test_an_impossible_setting_is_named_in_french(changes: dict[str, str], names: str) -> None:
    with pytest.raises(ValueError, match=names) as caught:
        SmtpMail(settings_for(25) | changes)
    assert str(caught.value).startswith("Réglages du courrier : ")


def test_settings_have_sensible_defaults_and_hide_the_password() -> None:
    read = read_settings({"host": "relais.example", "sender_address": "a@coopérative.example", "password": "secret"})
    assert (read.tls, read.port, read.deadline.total_seconds()) == ("starttls", 587, 120)
    assert read.sender_address == "a@xn--cooprative-e7a.example"
    assert read.helo_domain == "xn--cooprative-e7a.example"
    assert "secret" not in repr(read)


def test_the_registry_opens_it() -> None:
    with relay() as simulator:
        channel = open_channel("email", settings_for(simulator.port))
        channel.send(parcel())
        channel.close()
        assert len(simulator.received) == 1
