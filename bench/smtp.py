"""Time e-mail handed to a local relay that speaks real SMTP: `make bench`, or `python bench/smtp.py`.

Each message is composed, signed (DKIM, RSA-2048) and carried by the channel itself, with a sealed page of 51 kB joined;
the relay is the least one there can be, in a process of its own: what is timed is our side. The floor is the same
bytes carried by the standard library's client, in the same turns, over as many connections.
"""

import argparse
import re
import smtplib
import subprocess
import sys
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, date, datetime
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))

from measure import keep, stop
from rich.console import Console

from faitfoi.channels.contract import Attachment, Parcel
from faitfoi.channels.smtp_mail import SmtpMail
from faitfoi.channels.smtp_mail_dkim import make_key, read_dkim, sign
from faitfoi.channels.smtp_mail_message import Sender, compose
from faitfoi.channels.smtp_mail_pool import POOL

WANTED = 300
RELAY = """
import socket, sys, threading
taken = []
def serve(session):
    session.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    session.sendall(b"220 relais.example ESMTP\\r\\n")
    lines = session.makefile("rb")
    for line in lines:
        word = line[:4].upper().strip()
        if word == b"DATA":
            session.sendall(b"354 Go ahead\\r\\n")
            content = b""
            while not content.endswith(b"\\r\\n.\\r\\n"):
                content += lines.read1(1 << 20)
            taken.append(len(content))
            session.sendall(b"250 2.0.0 Ok: queued\\r\\n")
        elif word == b"EHLO":
            session.sendall(b"250-relais.example\\r\\n250-SIZE 40000000\\r\\n250 DSN\\r\\n")
        elif word == b"QUIT":
            session.sendall(b"221 2.0.0 Bye\\r\\n")
            return
        else:
            session.sendall(b"250 2.0.0 Ok\\r\\n")
server = socket.create_server(("127.0.0.1", 0))
print(server.getsockname()[1], flush=True)
def accept():
    while True:
        threading.Thread(target=serve, args=(server.accept()[0],), daemon=True).start()
threading.Thread(target=accept, daemon=True).start()
sys.stdin.read()
print(len(taken), flush=True)
"""


def main() -> None:
    """Time both in turns, print them, keep the figures."""
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--messages", type=int, default=600, help="messages of a turn (600)")
    arguments.add_argument("--turns", type=int, default=4, help="turns of each (4)")
    arguments.add_argument("--connections", type=int, default=2, help="connections at once (2)")
    asked = arguments.parse_args()
    relay = subprocess.Popen([sys.executable, "-c", RELAY], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert relay.stdout is not None
    port = int(relay.stdout.readline())
    key = make_key()
    ours = lambda share: by_the_channel(port, key, share)  # noqa: E731
    floor = lambda share: by_the_standard_client(port, key, share)  # noqa: E731
    best = {"ours": 0.0, "floor": 0.0}
    shares = [range(start, asked.messages, asked.connections) for start in range(asked.connections)]
    with ThreadPoolExecutor(asked.connections) as hands:
        for _ in range(asked.turns):
            for name, carry in (("ours", ours), ("floor", floor)):
                best[name] = max(best[name], rate(hands, carry, shares, messages=asked.messages))
    POOL.empty()
    taken, _ = relay.communicate("")
    if int(re.findall(r"\d+", taken)[-1]) != 2 * asked.turns * asked.messages:
        stop("The relay did not take every message.")
    figures = {"smtp": {"messages_per_second": round(best["ours"]), "standard_client": round(best["floor"])}}
    Console().print(
        f"E-mail to a local relay: {best['ours']:.0f} messages/s over {asked.connections} connections "
        f"(goal {WANTED}); the standard client, message already made: {best['floor']:.0f}"
    )
    keep(figures)


def rate(hands: ThreadPoolExecutor, carry: Callable[[range], None], shares: list[range], *, messages: int) -> float:
    """Messages a second of one turn."""
    began = time.perf_counter()
    list(hands.map(carry, shares))
    return messages / (time.perf_counter() - began)


def by_the_channel(port: int, key: str, share: range) -> None:
    """Carry a share as the pipeline does: one channel, one parcel after the other."""
    channel = SmtpMail(
        {
            "host": "127.0.0.1",
            "port": str(port),
            "tls": "none",
            "sender_address": "factures@cooperative.example",
            "dkim": "on",
            "dkim_selector": "bench",
            "dkim_key": key,
        }
    )
    for number in share:
        channel.send(parcel(number))
    channel.close()


def by_the_standard_client(port: int, key: str, share: range) -> None:
    """Carry the same bytes, made once."""
    sender = Sender(address="factures@cooperative.example", name="CUMA des Trois Vallées")
    at = datetime(2026, 11, 21, 9, 30, tzinfo=UTC)
    letter = compose(parcel(0), sender=sender, at=at)
    content = sign(letter.content, read_dkim(domain="cooperative.example", selector="bench", pem=key), at=at)
    with smtplib.SMTP("127.0.0.1", port) as client:
        for _ in share:
            client.sendmail(letter.mail_from, [letter.recipient], content)


def parcel(number: int) -> Parcel:
    """One invoice to carry."""
    return Parcel(
        key=f"bench:{number}",
        message_ref=f"{number:026d}",
        number=f"F-{number}",
        issue_date=date(2026, 11, 4),
        document_kind="invoice",
        seller_name="CUMA des Trois Vallées",
        seller_siret="00000001800018",
        buyer_name="EARL des Grands Champs",
        address="factures@grands-champs.example",
        artefact=Attachment(filename=f"F-{number}.pdf", media_type="application/pdf", content=CONTENT),
        settings={},
        return_path=f"bounce+{number:026d}-aaaaaaaa@retours.example",
    )


CONTENT = b"%PDF-1.7\n" + bytes(range(256)) * 200


if __name__ == "__main__":
    main()
