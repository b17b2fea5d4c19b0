"""Where and when may be sent: networks by interface, name or address, and hours of the day."""

import array
import contextlib
import fcntl
import re
import socket
import struct
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, time
from ipaddress import ip_address, ip_network
from urllib.parse import urlsplit

_HOURS = re.compile(r"([01]\d|2[0-3]):([0-5]\d)-([01]\d|2[0-4]):([0-5]\d)")
_SIOCGIFADDR, _SIOCGIWESSID = 0x8915, 0x8B1B  # linux/sockios.h, linux/wireless.h
_ESSID_BYTES = 32


@dataclass(frozen=True, slots=True)
class Attachment:
    """How the vehicle would reach its server now; None where it cannot be told."""

    address: str | None
    interface: str | None
    ssid: str | None


def parse_hours(text: str) -> tuple[time, time]:
    """Begin and end of "19:00-06:00"; an end at or before the beginning is the next day's.

    Raises:
        ValueError: for anything else.
    """
    found = _HOURS.fullmatch(text.strip())
    if found is None or (found[3] == "24" and found[4] != "00"):
        raise ValueError(f'expected hours such as "19:00-06:00", got {text!r}')
    begin_h, begin_m, end_h, end_m = map(int, found.groups())
    return time(begin_h, begin_m), time(end_h % 24, end_m)


def within_hours(hours: Sequence[str], moment: datetime) -> bool:
    """Whether a local time lies in one of them; always when there are none."""
    return not hours or any(_within(*parse_hours(each), moment.time()) for each in hours)


def _within(begin: time, end: time, at: time) -> bool:
    return begin <= at < end if begin < end else at >= begin or at < end


def on_network(networks: Sequence[str], here: Attachment) -> bool:
    """Whether the vehicle is attached to one of them; always when there are none."""
    return not networks or any(_fits(each, here) for each in networks)


def _fits(network: str, here: Attachment) -> bool:
    if network.startswith("ssid:"):
        return here.ssid is not None and network.removeprefix("ssid:") == here.ssid
    if "/" in network:
        return here.address is not None and ip_address(here.address) in ip_network(network)
    return network == here.interface


def attachment_to(url: str) -> Attachment:
    """By which address, interface and wireless network packets to this server leave; nothing is sent."""
    address = _own_address(url)
    interface = _interface_of(address) if address else None
    return Attachment(address, interface, _ssid_of(interface) if interface else None)


def _own_address(url: str) -> str | None:
    parts = urlsplit(url)
    port = parts.port or (443 if parts.scheme == "https" else 80)
    with contextlib.suppress(OSError):
        for family, kind, _, _, target in socket.getaddrinfo(parts.hostname, port, type=socket.SOCK_DGRAM):
            with contextlib.suppress(OSError), socket.socket(family, kind) as probe:
                probe.connect(target)  # of UDP: asks for the route only
                return str(probe.getsockname()[0])
    return None


def _interface_of(address: str) -> str | None:
    """IPv4 by the kernel's answer per interface, IPv6 by its table."""
    if ":" in address:
        return _interface_of_v6(address)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as asker:
        for _, name in socket.if_nameindex():
            with contextlib.suppress(OSError):  # an interface without an IPv4 address
                answer = fcntl.ioctl(asker, _SIOCGIFADDR, struct.pack("256s", name.encode()[:15]))
                if socket.inet_ntoa(answer[20:24]) == address:
                    return name
    return None


def _interface_of_v6(address: str) -> str | None:
    packed = socket.inet_pton(socket.AF_INET6, address.partition("%")[0]).hex()
    with contextlib.suppress(OSError), open("/proc/net/if_inet6", encoding="ascii") as table:
        for line in table:
            fields = line.split()
            if fields[0] == packed:
                return fields[-1]
    return None


def _ssid_of(interface: str) -> str | None:
    name = array.array("B", bytes(_ESSID_BYTES + 1))
    pointer, _ = name.buffer_info()
    request = struct.pack("16sPHH", interface.encode()[:15], pointer, _ESSID_BYTES, 0)
    with contextlib.suppress(OSError), socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as asker:
        fcntl.ioctl(asker, _SIOCGIWESSID, request)
        return name.tobytes().rstrip(b"\0").decode("utf-8", "replace") or None
    return None
