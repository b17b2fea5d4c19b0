"""Where webhooks may go: public addresses, and private ones that the operator has named.

A destination is a text that somebody typed, and the server stands where that somebody may not: without this
a webhook could ask the cloud's metadata service or a database next door (server-side request forgery). Names
are resolved here, every address is checked, and the connection goes to the very address that was checked, so
a name that answers differently the second time gains nothing.
"""

import ipaddress
import socket
from collections.abc import Sequence

from streetsight.service.faults import Invalid
from streetsight.service.settings import Network

Address = ipaddress.IPv4Address | ipaddress.IPv6Address

# Public by their number, yet answering only inside a cloud: Azure's agent, Oracle's metadata.
_INSIDE = (ipaddress.ip_network("168.63.129.16/32"), ipaddress.ip_network("192.0.0.0/24"))
# IPv6 addresses that carry an IPv4 address: NAT64 (RFC 6052, RFC 8215).
_NAT64 = (ipaddress.ip_network("64:ff9b::/96"), ipaddress.ip_network("64:ff9b:1::/48"))


class AddressRefused(Invalid):
    """The destination is an address that webhooks may not go to."""

    code = "address_refused"


class NameUnknown(Invalid):
    """The destination's name leads to no address."""

    code = "name_unknown"


def resolve(host: str, port: int, allowed: Sequence[Network]) -> list[Address]:
    """All addresses of a name, each of them checked.

    Args:
        allowed: networks that may be reached though they are not public.

    Raises:
        NameUnknown, AddressRefused: one refused address refuses the name.
    """
    try:
        answers = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, proto=socket.IPPROTO_TCP)
    except (OSError, UnicodeError) as error:
        raise NameUnknown("{host} leads to no address ({reason})", host=host, reason=error) from error
    found = list(dict.fromkeys(ipaddress.ip_address(str(each[4][0]).partition("%")[0]) for each in answers))
    for address in found:
        check(address, allowed)
    return found


def check(address: Address, allowed: Sequence[Network]) -> None:
    """Raises AddressRefused when webhooks may not go there."""
    if not is_allowed(address, allowed) and not is_public(address):
        raise AddressRefused(
            "{address} is not a public address; webhooks go there only when "
            "STREETSIGHT_WEBHOOK_PRIVATE_NETWORKS names its network",
            address=address,
        )


def is_allowed(address: Address, allowed: Sequence[Network]) -> bool:
    """Whether the operator has named a network of this address."""
    return any(_carried(address) in network for network in allowed)


def is_public(address: Address) -> bool:
    """Whether everybody on the Internet can reach this address."""
    inner = _carried(address)
    inside = inner.is_multicast or any(inner in network for network in _INSIDE)
    return inner.is_global and not inside


def _carried(address: Address) -> Address:
    """The IPv4 address inside an IPv6 address, if it carries one: that is where packets go."""
    if isinstance(address, ipaddress.IPv4Address):
        return address
    if any(address in network for network in _NAT64):
        return ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)
    return address.ipv4_mapped or address.sixtofour or (address.teredo or (None, None))[1] or address


def literal(host: str) -> Address | None:
    """The address that a host is written as; None for a name."""
    try:
        return ipaddress.ip_address(host.strip("[]"))
    except ValueError:
        return None
