"""Names and addresses that can only mean this machine."""

from __future__ import annotations

import ipaddress


def is_here(host: str) -> bool:
    """Whether an address or name can only mean this machine."""
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return host.lower() == "localhost"


def name_of(host: str) -> str:
    """The name in a `Host` header, without its port."""
    if host.startswith("["):
        return host.partition("]")[0] + "]"
    return host.rpartition(":")[0] if host.count(":") == 1 else host
