"""Addresses of a Redis that sentinels watch: who they are, what they call it, and how to log in to it.

Each library has a form of its own for this, and none has all of it in one address, so that there is one here.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl, quote, unquote

from config.tls_options import tls_option

SCHEMES = ("sentinel", "sentinels")
EXAMPLE = "sentinel://host1:26379,host2:26379,host3:26379/0?service=mymaster"
#: Where a sentinel listens unless it is told otherwise.
PORT = 26379
#: What may stand behind the question mark beside what encrypted connections have.
SERVICE, LOGIN = "service", ("sentinel_user", "sentinel_password")


@dataclass(frozen=True, slots=True, kw_only=True)
class SentinelAddress:
    """A checked address, taken apart."""

    #: Host and port of each sentinel.
    sentinels: tuple[tuple[str, int], ...]
    #: What they call the primary and its replicas.
    service: str
    database: int = 0
    #: For the servers that hold the data.
    user: str | None = None
    password: str | None = field(default=None, repr=False)
    #: For the sentinels, which have users of their own.
    sentinel_user: str | None = None
    sentinel_password: str | None = field(default=None, repr=False)
    #: What encrypted connections have; none where they are not encrypted.
    tls: Mapping[str, str] = field(default_factory=dict)
    encrypted: bool = False

    @property
    def shown(self) -> str:
        """For people: without user or password."""
        return shown(self.service, self.sentinels)

    def text(self) -> str:
        """The address in one form."""
        query = [f"{SERVICE}={quote(self.service, safe='')}"]
        values = (self.sentinel_user, self.sentinel_password)
        query += [
            f"{name}={quote(value, safe='')}" for name, value in zip(LOGIN, values, strict=True) if value
        ]
        query += [f"{name}={quote(value, safe='/')}" for name, value in self.tls.items()]
        hosts = ",".join(_place(*each) for each in self.sentinels)
        return f"{SCHEMES[self.encrypted]}://{self._login()}{hosts}/{self.database}?{'&'.join(query)}"

    def for_celery(self) -> str:
        """The form of kombu and of Celery's results, which are told the rest by their options."""
        return ";".join(
            f"sentinel://{self._login()}{_place(*each)}/{self.database}" for each in self.sentinels
        )

    def sentinel_login(self) -> dict[str, Any]:
        """How the sentinels are logged in to, in redis-py's words."""
        found: dict[str, Any] = {"username": self.sentinel_user, "password": self.sentinel_password}
        return {name: value for name, value in found.items() if value} | self.encryption()

    def encryption(self) -> dict[str, Any]:
        """How connections are encrypted, in redis-py's words; empty where they are not."""
        return {"ssl": True, **self.tls} if self.encrypted else {}

    def _login(self) -> str:
        if self.user is None and self.password is None:
            return ""
        password = "" if self.password is None else ":" + quote(self.password, safe="")
        return f"{quote(self.user or '', safe='')}{password}@"


def shown(service: str, sentinels: Iterable[tuple[str, int]]) -> str:
    """How people are told of a service and of who watches it."""
    return f"{service} of the sentinels {', '.join(_place(*each) for each in sentinels)}"


def is_sentinels(url: str) -> bool:
    """Whether an address names sentinels."""
    return url.partition("://")[0].lower() in SCHEMES


def parsed(url: str) -> SentinelAddress:
    """Take an address apart whose user and password are known to end where they seem to.

    Raises:
        ValueError: it is not of the form of `EXAMPLE`.
    """
    scheme, _, rest = url.partition("://")
    if "#" in rest:
        raise ValueError(f"has a # in it: write a # of the password as %23, for instance {EXAMPLE}")
    if ";" in rest:
        raise ValueError(
            f"has a ; in it: write the sentinels with commas between them, for instance {EXAMPLE}"
        )
    place, _, query = rest.partition("?")
    network, _, path = place.partition("/")
    login, at, hosts = network.rpartition("@")
    user, colon, password = login.partition(":")
    database = path.strip("/")
    if database and not (database.isascii() and database.isdecimal()):
        raise ValueError(f"ends in something else than a database number: use for instance {EXAMPLE}")
    encrypted = scheme.lower() == SCHEMES[True]
    told = _query(query, encrypted)
    if not told.get(SERVICE):
        raise ValueError(
            f"does not say what the sentinels call the primary: put ?{SERVICE}= and its name behind it, "
            f"for instance {EXAMPLE}"
        )
    return SentinelAddress(
        sentinels=_hosts(hosts),
        service=told.pop(SERVICE),
        database=int(database or 0),
        user=(unquote(user) or None) if at else None,
        password=unquote(password) if colon else None,
        sentinel_user=told.pop(LOGIN[0], None),
        sentinel_password=told.pop(LOGIN[1], None),
        tls=told,
        encrypted=encrypted,
    )


def _place(host: str, port: int) -> str:
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def _hosts(text: str) -> tuple[tuple[str, int], ...]:
    found = []
    for each in text.split(","):
        if each.startswith("["):
            host, closed, rest = each[1:].partition("]")
            port = rest.removeprefix(":") if closed and rest[:1] in {"", ":"} else "?"
        else:
            host, _, port = each.partition(":")
        port = port or str(PORT)
        if not host or not (port.isascii() and port.isdecimal() and 0 < int(port) < 65536):
            raise ValueError(f"names no sentinel, or a port that cannot be read: use for instance {EXAMPLE}")
        found.append((host, int(port)))
    return tuple(dict.fromkeys(found))


def _query(text: str, encrypted: bool) -> dict[str, str]:
    found = {}
    for name, value in parse_qsl(text, keep_blank_values=True):
        if name in (SERVICE, *LOGIN):
            found[name] = value
        else:
            found[name] = tls_option(name, value, encrypted=encrypted, scheme="sentinels")
    return found
