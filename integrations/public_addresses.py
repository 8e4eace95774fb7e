"""Addresses that somebody typed: which of them we may ever send something to. Pure.

`target_of` reads an https address strictly, so that no two readers can take it for two hosts. `is_public` judges the
IP address a socket is about to connect to, or has connected to.
"""

import re
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network
from typing import Final

HTTPS_PORT: Final = 443
LONGEST: Final = 500

_HTTPS: Final = re.compile(
    r"(?P<scheme>https?)://(?P<host>[A-Za-z0-9](?:[A-Za-z0-9.-]*[A-Za-z0-9])?|\[[0-9A-Fa-f:.]+\])(?::(?P<port>\d{1,5}))?"
    r"(?P<path>/[!$-;=?-Z\[\]_a-z~]*)?"
)
_UNICAST: Final = ip_network("2000::/3")
"""What is handed out of IPv6; everything else is local, mapped, translated (NAT64) or for groups."""
_NOT_PUBLIC: Final = tuple(
    map(
        ip_network,
        (
            "192.0.0.0/24",  # of protocols; Pythons differ on what of it is global
            "192.88.99.0/24",  # relays of 6to4
            "168.63.129.16/32",  # looks public and is the host of every machine in Azure
            "2001::/23",  # Teredo, ORCHID and others that lead somewhere else
            "2001:db8::/32",
            "2002::/16",  # 6to4: an IPv4 address in disguise
            "3fff::/20",
        ),
    )
)


class Unfit(ValueError):
    """An address that nothing is sent to; the message says why, in words for whoever typed it."""


@dataclass(frozen=True, slots=True)
class Target:
    """An address in its parts."""

    is_https: bool
    host: str
    port: int
    path: str

    @property
    def shown(self) -> str:
        """As much of it as may be shown anywhere: paths often hold a secret."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{'https' if self.is_https else 'http'}://{host}/…"


def target_of(address: str, *, may_be_private: bool = False) -> Target:
    """The parts of an https address at port 443; raises Unfit.

    With `may_be_private` http, other ports and addresses of this machine are taken too.
    """
    found = _HTTPS.fullmatch(address) if len(address) <= LONGEST else None
    if found is None:
        raise Unfit(
            "Write it as https://host/path: without a user, a fragment, blanks or other letters than ASCII."
        )
    is_https = found["scheme"] == "https"
    port = int(found["port"] or (HTTPS_PORT if is_https else 80))
    target = Target(is_https, found["host"].strip("[]").lower(), port, found["path"] or "/")
    if not may_be_private:
        _refuse_private(target)
    return target


def is_public(address: str) -> bool:
    """Whether an IP address is one of the public internet, and none that leads to another behind it."""
    try:
        found = ip_address(address)
    except ValueError:
        return False
    if isinstance(found, IPv6Address) and (found.scope_id or found not in _UNICAST):
        return False
    if any(found in network for network in _NOT_PUBLIC if network.version == found.version):
        return False
    return found.is_global and not (found.is_multicast or found.is_reserved or found.is_unspecified)


def _refuse_private(target: Target) -> None:
    if not target.is_https:
        raise Unfit("Only https addresses are sent to.")
    if target.port != HTTPS_PORT:
        raise Unfit("Only port 443 is sent to; leave the port out.")
    is_literal = _is_ip(target.host)
    if (is_literal and not is_public(target.host)) or (not is_literal and "." not in target.host):
        raise Unfit("Only addresses on the public internet are sent to.")


def _is_ip(host: str) -> bool:
    try:
        return isinstance(ip_address(host), IPv4Address | IPv6Address)
    except ValueError:
        return False
