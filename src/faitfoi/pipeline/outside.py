"""Which addresses a page may take: only those of the outside world, never this machine or the network around it.

Whoever runs the installation gives its own by command; a tenant who could would look through a wall by the answers.
"""

import socket
from ipaddress import IPv4Address, IPv6Address, ip_address

from faitfoi.channels.http_wire import LOOPBACK_HOSTS

Address = IPv4Address | IPv6Address


def leads_inside(host: str) -> bool:
    """Whether a name or address leads, today, to this machine or a network that is not public; looks names up.

    A name that leads nowhere does not: trying it tells so.
    """
    return any(not each.is_global or each.is_multicast for each in _addresses(host))


def leads_to_this_machine(host: str) -> bool:
    """Whether it is one of the names of this machine by which simulators are reached."""
    return host in LOOPBACK_HOSTS


def _addresses(host: str) -> list[Address]:
    try:
        return [_plain(ip_address(host))]
    except ValueError:
        pass
    try:
        # The system reads what `ip_address` does not, and a client would follow: 127.1, 0x7f000001.
        found = socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError):
        return []
    return [_plain(ip_address(str(each[4][0]).partition("%")[0])) for each in found]


def _plain(address: Address) -> Address:
    """An IPv4 address written as IPv6 is the IPv4 address: ::ffff:127.0.0.1."""
    return (address.ipv4_mapped or address) if isinstance(address, IPv6Address) else address
