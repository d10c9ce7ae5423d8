"""Checks of single settings. Each raises `ValueError` with the mend; none repeats a value that is secret."""

from __future__ import annotations

import ipaddress
import re
from pathlib import Path
from urllib.parse import SplitResult, urlsplit

from config import amqp_address, redis_address, sentinel_address

SCHEME = re.compile(r"^([a-z][a-z0-9+.-]{0,30})://", re.IGNORECASE)
#: Between two addresses.
BETWEEN = re.compile(r"[\s,]+(?=[a-z][a-z0-9+.-]*://)", re.IGNORECASE)
HEADER = re.compile(r"^[A-Za-z0-9!#$%&'*+.^_`|~-]+$")
SENTRY_DSN = re.compile(r"^https?://[^@:/\s]+(:[^@/\s]+)?@[^@/\s]+/(\S*/)?\d+$")


def _split(url: str, schemes: tuple[str, ...], example: str) -> SplitResult:
    """Take an address apart whose scheme must be one of `schemes`."""
    mend = f"use {' or '.join(f'{scheme}://' for scheme in schemes)}, for instance {example}"
    found = SCHEME.match(url)
    if found is None:
        raise ValueError(f"is not an address: {mend}")
    if found[1].lower() not in schemes:
        raise ValueError(f"begins with {found[1]}://: {mend}")
    try:
        parts = urlsplit(url)
        _ = parts.port
    except ValueError:
        raise ValueError(f"has a host or port that cannot be read: {mend}") from None
    return parts


def redis_url(url: str) -> str:
    """An address of a Redis server, or of sentinels that watch one, with a database number or none."""
    if SCHEME.match(url):
        redis_address.check_login(url)
    if sentinel_address.is_sentinels(url):
        return sentinel_address.parsed(url).text()
    schemes = ("redis", "rediss", "unix", *sentinel_address.SCHEMES)
    return redis_address.checked(_split(url, schemes, redis_address.EXAMPLE))


def redis_shards(value: str) -> str:
    """One or more addresses of further Redis servers."""
    return ",".join(map(redis_url, addresses(value)))


def broker_url(url: str) -> str:
    """An address of a RabbitMQ server."""
    found = SCHEME.match(url)
    if found is not None:
        redis_address.check_login(url)
        if found[1].lower() in ("redis", "rediss", "unix", *sentinel_address.SCHEMES):
            raise ValueError(
                "is an address of Redis: without this setting the queue is in the Redis of REDIS_URL, so leave it out"
            )
    return amqp_address.checked(_split(url, amqp_address.SCHEMES, amqp_address.EXAMPLE))


def database_url(url: str) -> str:
    """An address of SQLite in a file, or of PostgreSQL."""
    schemes = ("sqlite", "postgresql", "postgres", "postgresql+psycopg")
    parts = _split(url, schemes, "sqlite:////var/lib/lockstep.db")
    if parts.scheme == "sqlite" and (
        parts.path.strip("/") in {"", ":memory:"} or "mode=memory" in parts.query
    ):
        raise ValueError(
            "is a database in memory, which forgets what was synced: "
            "name a file, for instance sqlite:////var/lib/lockstep.db"
        )
    return url


def web_url(url: str) -> str:
    """An address of a web service; a slash at its end is taken off."""
    parts = _split(url, ("http", "https"), "https://api.notion.com")
    if not parts.hostname:
        raise ValueError("names no host: use for instance https://api.notion.com")
    return url.rstrip("/")


def notion_token(token: str) -> str:
    """A token that can stand in a header."""
    if not token.isascii() or not token.isprintable() or " " in token:
        raise ValueError(
            "contains characters that no token has: copy the integration's secret again, without quotes"
        )
    return token


def notion_webhook_secret(value: str) -> str:
    """One or more tokens of webhook subscriptions, with commas between them."""
    for token in map(str.strip, value.split(",")):
        if not token.isascii() or not token.isprintable() or " " in token or len(token) < 16:
            raise ValueError(
                "is not the token of a webhook subscription: `lockstep webhooks show` shows it as it came"
            )
    return value


def sentry_dsn(dsn: str) -> str:
    """A Sentry DSN."""
    if SENTRY_DSN.match(dsn) is None:
        raise ValueError(
            "is not a Sentry DSN: use the project's client key, https://<key>@<host>/<project number>"
        )
    return dsn


def flower_basic_auth(value: str) -> str:
    """One or more `user:password`, with commas between them."""
    for pair in value.split(","):
        user, _, password = pair.strip().partition(":")
        if not user or not password:
            raise ValueError("is not of the form user:password: use for instance admin:<a long password>")
    return value


def addresses(value: str) -> list[str]:
    """Several addresses with commas or spaces between them; a comma may also be in one."""
    return [part for part in BETWEEN.split(value.strip()) if part]


def alert_urls(value: str) -> str:
    """One or more addresses of services that take messages."""
    for number, address in enumerate(addresses(value), 1):
        if SCHEME.match(address) is None or any(sign.isspace() for sign in address):
            raise ValueError(
                f"has no address that can be read in place {number}: write each as apprise has it, such as "
                "mailtos://user:password@example.com or json://localhost:9000/alerts"
            )
    return value


def metrics_token(token: str) -> str:
    """A token that can stand in a header, and that nobody guesses."""
    if not token.isascii() or not token.isprintable() or " " in token or len(token) < 16:
        raise ValueError(
            "is no token of at least 16 letters, digits and signs: make one, such as by openssl rand -hex 24"
        )
    return token


def ping(url: str) -> str:
    """The address of a check of Healthchecks."""
    parts = _split(url, ("http", "https"), "https://hc-ping.com/<the check's UUID>")
    if not parts.hostname or parts.query or parts.fragment:
        raise ValueError(
            "is not the address of a check: use for instance https://hc-ping.com/<the check's UUID>"
        )
    return url.rstrip("/")


def _web_password(value: str) -> str:
    if value.startswith("$") and not value.startswith("$argon2id$"):
        raise ValueError("is a hash of another kind than Argon2id: such a one begins with $argon2id$")
    if len(value) < 8:
        raise ValueError("is shorter than 8 characters: use a long password that nobody guesses")
    return value


#: A password, or its hash in Argon2id's usual form.
web_password = web_readonly_password = _web_password


def header_name(name: str) -> str:
    """The name of a header, in lower case."""
    if HEADER.match(name) is None:
        raise ValueError("is not the name of a header: use for instance X-Forwarded-User")
    return name.lower()


def network(text: str) -> str:
    """An address, or a network of them."""
    try:
        ipaddress.ip_network(text)
    except ValueError:
        raise ValueError(
            f"names {text!r}, which is no address and no network: use for instance 127.0.0.1 or 10.0.0.0/8"
        ) from None
    return text


def state_dir(path: Path) -> Path:
    """A directory that is there or can be made."""
    path = path.expanduser()
    if path.exists() and not path.is_dir():
        raise ValueError("is a file: name a directory")
    return path
