"""Addresses of RabbitMQ: checked, in one form, and in the form of kombu, which connects by them."""

from __future__ import annotations

import ssl
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import SplitResult, parse_qsl, quote, unquote, urlsplit

from config.tls_options import tls_option

SCHEMES = ("amqp", "amqps")
EXAMPLE = "amqp://user:password@host:5672/vhost"
#: Where it listens unless it is told otherwise, without encryption and with it.
PORTS = {"amqp": 5672, "amqps": 5671}
#: What `ssl_cert_reqs` means.
CERTIFICATES = {"none": ssl.CERT_NONE, "optional": ssl.CERT_OPTIONAL, "required": ssl.CERT_REQUIRED}


@dataclass(frozen=True, slots=True, kw_only=True)
class AmqpAddress:
    """A checked address, taken apart."""

    host: str
    port: int
    user: str
    vhost: str
    encrypted: bool
    #: What kombu connects by, without what is for encryption.
    url: str = field(repr=False)
    #: How connections are encrypted, in py-amqp's words; empty where they are not.
    tls: dict[str, Any] = field(default_factory=dict)

    @property
    def shown(self) -> str:
        """For people: without user and password."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{host}:{self.port}" + ("" if self.vhost == "/" else f"/{self.vhost}")


def checked(parts: SplitResult) -> str:
    """The address in one form: a small scheme, and user, password and virtual host that no library can misread.

    Raises:
        ValueError: it is not an address that all parts understand alike.
    """
    scheme = parts.scheme.lower()
    if parts.fragment:
        raise ValueError(f"has a # in it: write a # of the password as %23, for instance {EXAMPLE}")
    if ";" in parts.netloc + parts.path or "," in parts.netloc.rpartition("@")[2]:
        raise ValueError(
            f"names several servers: give one, or what stands before them, for instance {EXAMPLE}"
        )
    if not parts.hostname:
        raise ValueError(f"names no host: use for instance {EXAMPLE}")
    vhost = parts.path.removeprefix("/")
    if "/" in vhost.removeprefix("/"):
        raise ValueError(f"has a / in its virtual host: write it as %2F, for instance {EXAMPLE}")
    login, at, place = parts.netloc.rpartition("@")
    user, colon, password = login.partition(":")
    login = quote(unquote(user), safe="") + colon + quote(unquote(password), safe="") + at
    options = [
        f"{name}={quote(tls_option(name, value, encrypted=scheme == 'amqps', scheme='amqps'), safe='/')}"
        for name, value in parse_qsl(parts.query, keep_blank_values=True)
    ]
    query = "?" + "&".join(options) if options else ""
    return f"{scheme}://{login}{place}/{quote(unquote(vhost), safe='')}{query}"


def parsed(url: str) -> AmqpAddress:
    """Take a checked address apart."""
    parts = urlsplit(url)
    encrypted = parts.scheme == "amqps"
    # Without a virtual host it is the one that every new server has.
    return AmqpAddress(
        host=str(parts.hostname),
        port=parts.port or PORTS[parts.scheme],
        user=unquote(parts.username or "guest"),
        vhost=unquote(parts.path.removeprefix("/")) or "/",
        encrypted=encrypted,
        url=url.partition("?")[0],
        tls=_tls(dict(parse_qsl(parts.query))) if encrypted else {},
    )


def _tls(options: dict[str, str]) -> dict[str, Any]:
    mode = CERTIFICATES[options.get("ssl_cert_reqs", "required")]
    names = {"ca_certs": "ssl_ca_certs", "certfile": "ssl_certfile", "keyfile": "ssl_keyfile"}
    files = {name: options[option] for name, option in names.items() if option in options}
    # `None` is the host of the address; without a name none is compared.
    compared = {} if mode is ssl.CERT_NONE else {"server_hostname": None}
    return {"cert_reqs": mode, **files, **compared}
