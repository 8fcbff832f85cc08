"""What the mail tests stand on: parcels, settings, opened channels, and servers that follow a script."""

import email
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from datetime import UTC, date, datetime
from email import policy
from email.message import EmailMessage
from typing import cast

from faitfoi.channels.contract import Attachment, Parcel
from faitfoi.channels.smtp_mail import SmtpMail
from faitfoi.simulators.smtp import SmtpSimulator
from tests.waiting import PATIENCE

NOW = datetime(2026, 11, 21, 9, 30, tzinfo=UTC)
PDF = b"%PDF-1.7\r\n.\r\n..\n.\n" + bytes(range(256)) * 40 + b"%%EOF\n"
TERMS = b"%PDF-1.4 conditions de vente"


def settings_for(port: int, **more: str) -> dict[str, str]:
    return {
        "host": "127.0.0.1",
        "port": str(port),
        "tls": "none",
        "sender_address": "factures@cooperative.example",
        "sender_name": "Coopérative du Val Fleuri",
        "reply_to": "compta@cooperative.example",
        "deadline_seconds": "60",
    } | more


def parcel(ref: str = "mfrggzdfmztwq2lknnwg23tpoa", **changes: object) -> Parcel:
    return replace(
        Parcel(
            key=f"org:doc:legal:email:{ref}",
            message_ref=ref,
            number="F-2026-117",
            issue_date=date(2026, 9, 1),
            document_kind="invoice",
            seller_name="Coopérative du Val Fleuri",
            seller_siret="00000001800017",
            buyer_name="Ferme de l’Étang, EARL",
            address="compta@client.example",
            artefact=Attachment(filename="F-2026-117.pdf", media_type="application/pdf", content=PDF),
            settings={},
            payable="1 234,56 €",
            return_path=f"bounce+{ref}-0011aabb@rp.cooperative.example",
        ),
        **changes,  # type: ignore[arg-type]
    )


def read(content: bytes) -> EmailMessage:
    return email.message_from_bytes(content, policy=policy.default)


def files_of(message: EmailMessage) -> list[tuple[str | None, str, bytes]]:
    return [
        (part.get_filename(), part.get_content_type(), cast("bytes", part.get_payload(decode=True)))
        for part in message.iter_attachments()
    ]


@contextmanager
def running(simulator: SmtpSimulator) -> Iterator[SmtpSimulator]:
    simulator.start()
    try:
        yield simulator
    finally:
        simulator.stop()


@contextmanager
def opened(settings: dict[str, str]) -> Iterator[SmtpMail]:
    channel = SmtpMail(settings, clock=lambda: NOW)
    try:
        yield channel
    finally:
        channel.close()


@contextmanager
def scripted(replies: list[bytes], *, drip: float = 0.0) -> Iterator[int]:
    """A server that gives these replies in turn, whatever is asked; with `drip`, then one byte at each interval."""
    over = threading.Event()
    with socket.create_server(("127.0.0.1", 0)) as server:

        def serve() -> None:
            session, _ = server.accept()
            with session:
                for rank, reply in enumerate(replies):
                    if rank:
                        heard = session.recv(1 << 20)
                        while replies[rank - 1].startswith(b"354") and not heard.endswith(b"\r\n.\r\n"):
                            heard += session.recv(1 << 20)
                    session.sendall(reply)
                if not drip:
                    session.shutdown(socket.SHUT_WR)
                while not over.wait(drip or 5):
                    session.sendall(b"5")

        def serve_quietly() -> None:
            with suppress(OSError):  # the channel hangs up, as it should
                serve()

        thread = threading.Thread(target=serve_quietly, daemon=True)
        thread.start()
        try:
            yield server.getsockname()[1]
        finally:
            over.set()
            thread.join(timeout=PATIENCE)
