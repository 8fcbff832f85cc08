"""Machines of their own: network namespaces on one bridge, and a PostgreSQL that answers them on TCP with passwords.

Simulators listen on this machine's loopback only. Each host forwards the same ports of its own loopback to the bridge,
so that a host that is cut off is cut off from all of it at once: silence, and what was under way goes on later.
What decides (a deposit, the end of a mail) may also be held on the bridge, whole, until it is let through.
"""

import asyncio
import fcntl
import os
import re
import secrets
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self

import psycopg
from psycopg import sql

from faitfoi.database import embedded, roles
from faitfoi.database.binaries import bin_folder
from faitfoi.database.layout import PORT, SHELTER, existing

BRIDGE, SUBNET = "ff-bridge", "10.213.77"
GATE = f"{SUBNET}.1"
PIECE = 65536
DECISIVE = re.compile(rb"POST \S+/(?:deposer/flux|flows) HTTP/|(?:^|\r\n)\.\r\n$")
"""Where a document is handed over, and where its mail ends."""


def cannot_make_hosts() -> str:
    """Say why this machine does not let us make network namespaces; empty when it does."""
    if os.geteuid() != 0 or shutil.which("ip") is None:
        return "network namespaces need root and the command `ip`"
    made = subprocess.run(["ip", "netns", "add", "ff-probe"], capture_output=True, text=True, check=False)
    pair = ["ip", "link", "add", "ff-probe", "type", "veth", "peer", "name", "eth0", "netns", "ff-probe"]
    linked = subprocess.run(pair, capture_output=True, text=True, check=False)
    subprocess.run(["ip", "netns", "del", "ff-probe"], capture_output=True, check=False)
    refused = made.stderr.strip() or linked.stderr.strip()
    return f"network namespaces are not allowed here: {refused}" if refused else ""


class Hosts:
    """Namespaces with a link to one bridge, between entering and leaving.

    Their names and addresses are the machine's: another run of these tests waits for its turn.
    """

    def __init__(self, names: Sequence[str]) -> None:
        self._names = names
        self._turn = os.open(Path(tempfile.gettempdir(), f"{BRIDGE}.lock"), os.O_RDWR | os.O_CREAT | os.O_CLOEXEC)

    def __enter__(self) -> Self:
        fcntl.flock(self._turn, fcntl.LOCK_EX)
        self._remove()  # what a killed run left
        _ip("link", "add", BRIDGE, "type", "bridge")
        _ip("addr", "add", f"{GATE}/24", "dev", BRIDGE)
        _ip("link", "set", BRIDGE, "up")
        for rank, name in enumerate(self._names, start=11):
            _ip("netns", "add", f"ff-{name}")
            _ip("link", "add", f"ff-{name}", "type", "veth", "peer", "name", "eth0", "netns", f"ff-{name}")
            _ip("-n", f"ff-{name}", "addr", "add", f"{SUBNET}.{rank}/24", "dev", "eth0")
            for device in ("lo", "eth0"):
                _ip("-n", f"ff-{name}", "link", "set", device, "up")
            self.join(name)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._remove()
        os.close(self._turn)

    def cut_off(self, name: str) -> None:
        """Have nothing of a host arrive anywhere, and nothing arrive there, without a word to anybody."""
        _ip("link", "set", f"ff-{name}", "nomaster")

    def join(self, name: str) -> None:
        """Link a host to the others (again)."""
        _ip("link", "set", f"ff-{name}", "master", BRIDGE, "up")

    def _remove(self) -> None:
        for name in self._names:
            subprocess.run(["ip", "netns", "del", f"ff-{name}"], capture_output=True, check=False)
            subprocess.run(["ip", "link", "del", f"ff-{name}"], capture_output=True, check=False)
        subprocess.run(["ip", "link", "del", BRIDGE], capture_output=True, check=False)


def inside(name: str) -> tuple[str, ...]:
    """Return the words before a command that has it run on a host."""
    return ("ip", "netns", "exec", f"ff-{name}")


def _ip(*words: str) -> None:
    subprocess.run(["ip", *words], check=True, capture_output=True)


@dataclass(frozen=True, slots=True, kw_only=True)
class TcpDatabase:
    """A PostgreSQL for the hosts: `app_url` and `owner_url` by TCP with passwords, `superuser_url` by its socket."""

    folder: Path
    app_url: str
    owner_url: str
    superuser_url: str

    def stop(self) -> None:
        """Stop the server."""
        embedded.stop(self.folder)


def start_tcp_database(folder: Path) -> TcpDatabase:
    """Make a cluster whose roles have passwords (SCRAM), and have it listen on the bridge."""
    made = embedded.start(folder, durable=False)
    passwords = {roles.APP: secrets.token_urlsafe(24), roles.OWNER: secrets.token_urlsafe(24)}
    with psycopg.connect(made.superuser_url, autocommit=True) as connection:
        for role, password in passwords.items():
            words = sql.SQL("ALTER ROLE {} PASSWORD {}").format(sql.Identifier(role), sql.Literal(password))
            connection.execute(words)
    embedded.stop(folder)
    layout = existing(folder)
    assert layout is not None
    with (layout.data / "pg_hba.conf").open("a") as rules:
        rules.write(f"host all all {SUBNET}.0/24 scram-sha-256\n")
    options = f"-c listen_addresses={GATE} -c port={PORT} -c unix_socket_directories={layout.socket_folder}"
    command: list[str | Path] = [bin_folder(layout.account, shelter=SHELTER) / "pg_ctl", "-D", layout.data.name]
    command += ["-l", layout.log.name, "-w", "-o", f"{options} -c fsync=off -c timezone=UTC", "start"]
    done = layout.account.run(command, cwd=layout.home)
    assert done.returncode == 0, done.stderr + layout.log.read_text()[-2000:]
    app, owner = (
        f"postgresql://{role}:{password}@{GATE}:{PORT}/{roles.DATABASE}" for role, password in passwords.items()
    )
    superuser = roles.on_database(made.superuser_url, roles.DATABASE)
    return TcpDatabase(folder=folder, app_url=app, owner_url=owner, superuser_url=superuser)


class Held:
    """What is kept on the bridge: the requests of some hosts, from the words on that decide something.

    A folder says it to the program that carries them, and hears from it: a file named as a host's address has its
    requests held, and `PORT-N` is the N-th one that is.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def hold(self, rank: int) -> None:
        """Hold what comes from the host of this rank (11 for the first)."""
        (self._folder / f"{SUBNET}.{rank}").touch()

    def let_through(self) -> None:
        """Let go of everything."""
        for name in self._folder.glob(f"{SUBNET}.*"):
            name.unlink()

    def count(self, port: int) -> int:
        """How many requests to a port have been held so far."""
        return len(list(self._folder.glob(f"{port}-*")))

    async def until_let_through(self, piece: bytes, *, host: str, port: int) -> None:
        """Wait, if this piece decides and its host is held."""
        order = self._folder / host
        if not order.exists() or not DECISIVE.search(piece):
            return
        (self._folder / f"{port}-{self.count(port) + 1}").touch()
        while order.exists():
            await asyncio.sleep(0.05)


async def forward(listen: str, target: str, ports: Sequence[int], held: Held | None) -> None:
    """Carry each connection to `listen` on to the same port of `target`, for ever."""

    async def carry(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, *, host: str = "", port: int) -> None:
        with suppress(OSError):
            while piece := await reader.read(PIECE):
                if held is not None and host:
                    await held.until_let_through(piece, host=host, port=port)
                writer.write(piece)
                await writer.drain()
        writer.close()

    def carrier(port: int) -> asyncio.Future[None]:
        async def accepted(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            try:
                far_reader, far_writer = await asyncio.open_connection(target, port)
            except OSError:
                writer.close()
                return
            host = writer.get_extra_info("peername")[0]
            await asyncio.gather(carry(reader, far_writer, host=host, port=port), carry(far_reader, writer, port=port))

        async def serve() -> None:
            server = await asyncio.start_server(accepted, listen, port)
            await server.serve_forever()

        return asyncio.ensure_future(serve())

    await asyncio.gather(*map(carrier, ports))


if __name__ == "__main__":
    kept = Held(Path(sys.argv[3])) if sys.argv[3] else None
    asyncio.run(forward(sys.argv[1], sys.argv[2], [int(port) for port in sys.argv[4:]], kept))
