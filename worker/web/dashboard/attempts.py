"""Passwords may be guessed only so often from one address."""

from __future__ import annotations

import ipaddress
from collections import deque
from collections.abc import Callable

from tasks.clock import boot_seconds

#: Failed attempts that an address has …
ATTEMPTS = 10
#: … within so many seconds.
WITHIN = 300.0
#: Addresses that are remembered; of more, those that failed longest ago are forgotten.
REMEMBERED = 10_000


class Attempts:
    """The failed attempts of this process. An IPv6 network of one household counts as one address."""

    def __init__(self, clock: Callable[[], float] = boot_seconds) -> None:
        self._clock = clock
        self._failed: dict[str, deque[float]] = {}

    def wait(self, address: str) -> float:
        """Seconds until an address may try again; 0 where it may."""
        times = self._failed.get(_network(address), deque())
        since = self._clock() - WITHIN
        recent = [at for at in times if at > since]
        return 0.0 if len(recent) < ATTEMPTS else recent[-ATTEMPTS] - since

    def failed(self, address: str) -> None:
        """Note a failed attempt."""
        network = _network(address)
        times = self._failed.pop(network, None) or deque(maxlen=ATTEMPTS)
        times.append(self._clock())
        self._failed[network] = times  # the last one again
        while len(self._failed) > REMEMBERED:
            del self._failed[next(iter(self._failed))]


def _network(address: str) -> str:
    try:
        parsed = ipaddress.ip_address(address)
    except ValueError:
        return address
    return str(ipaddress.ip_network((address, 64), strict=False)) if parsed.version == 6 else address
