"""Addresses of Redis: checked, in one form, and in the form of each library that connects by them."""

from __future__ import annotations

import re
from urllib.parse import SplitResult, parse_qsl, quote, unquote, urlsplit

from config import sentinel_address
from config.tls_options import tls_option

EXAMPLE = "redis://localhost:6379/0"
#: Signs that end a part of an address, or that some library takes for something else.
RAW = re.compile(r"[/#?\[\]\s]")


def checked(parts: SplitResult) -> str:
    """The address in one form: a small scheme, and a user and a password that no library can misread.

    Raises:
        ValueError: it is not an address that all parts understand alike.
    """
    scheme = parts.scheme.lower()
    if parts.fragment:
        raise ValueError(f"has a # in it: write a # of the password as %23, for instance {EXAMPLE}")
    query = _query(scheme, parts.query)
    login = _login(parts)
    if scheme == "unix":
        if parts.netloc.rpartition("@")[2] or not unquote(parts.path).strip("/"):
            raise ValueError("names no socket: use for instance unix:///run/redis/redis.sock")
        return f"unix://{login}{parts.path}{query}"
    database = parts.path.strip("/")
    if database and not (database.isascii() and database.isdecimal()):
        raise ValueError(f"ends in something else than a database number: use for instance {EXAMPLE}")
    return f"{scheme}://{login}{parts.netloc.rpartition('@')[2]}{parts.path}{query}"


def check_login(url: str) -> None:
    """See to it that user and password end where they seem to.

    Raises:
        ValueError: a sign stands in them as it is that means something in an address.
    """
    scheme, _, rest = url.partition("://")
    login, found, _ = rest.rpartition("@")
    if scheme.lower() == "unix" and rest.startswith("/"):
        return  # an @ of the path
    if found and RAW.search(login):
        raise ValueError(
            "has a /, #, ?, [, ] or a blank in its user or password: percent-encode it, "
            "a / as %2F, a # as %23, a ? as %3F"
        )


def for_celery(url: str) -> str:
    """The address of a checked one as kombu and Celery's results take it: they have a form of their own for sockets."""
    if sentinel_address.is_sentinels(url):
        return sentinel_address.parsed(url).for_celery()
    parts = urlsplit(url)
    if parts.scheme != "unix":
        return url
    database = dict(parse_qsl(parts.query)).get("db", "0")
    return f"redis+socket://{parts.netloc}{parts.path}?virtual_host={database}"


def _login(parts: SplitResult) -> str:
    given, at, _ = parts.netloc.rpartition("@")
    if not at:
        return ""
    user, colon, password = given.partition(":")
    return quote(unquote(user), safe="") + colon + quote(unquote(password), safe="") + "@"


def _query(scheme: str, text: str) -> str:
    """What stands behind the question mark, with the mark."""
    kept = []
    for name, value in parse_qsl(text, keep_blank_values=True):
        if scheme == "unix" and name == "db":
            if not (value.isascii() and value.isdecimal()):
                raise ValueError("has a db that is no number: use for instance unix:///run/redis.sock?db=0")
            kept.append(f"db={value}")
        elif name == "db":
            raise ValueError(
                f"has a db behind a question mark: write the number behind a slash, for instance {EXAMPLE}"
            )
        else:
            told = tls_option(name, value, encrypted=scheme == "rediss", scheme="rediss")
            kept.append(f"{name}={quote(told, safe='/')}")
    return "?" + "&".join(kept) if kept else ""
