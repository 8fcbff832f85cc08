"""How a connection ends by which something was being handed over: what has not left by then must never leave.

A closed socket goes on sending what it was given, for minutes, even after its process was killed; a document that
comes after its deadline comes when its sender has already been asked about. Closed abruptly, it sends nothing more.
"""

import socket
import struct

_ON, _OFF = struct.pack("ii", 1, 0), struct.pack("ii", 0, 0)


def close_abruptly(connection: socket.socket) -> None:
    """Have a connection drop what has not left when it is closed, by us or by the end of our process."""
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _ON)


def close_politely(connection: socket.socket) -> None:
    """Have it closed as usual again: its answer has come."""
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _OFF)
