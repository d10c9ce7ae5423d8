"""Takes the secrets of this process out of text before it is logged, stored, shown or sent anywhere."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Mapping
from typing import Any
from urllib.parse import unquote, urlsplit

from pydantic import SecretStr

from config import shards
from config.errors import SettingsError
from config.redactor import LOGIN, MASK, SECRET_NAME, Redactor
from config.sentinel_address import is_sentinels, parsed
from config.settings import Settings, get_settings

__all__ = ["MASK", "Redactor", "know", "redacted", "redactor_for", "secret_values"]


def _named_secrets(data: Any) -> Iterable[str]:
    """The values of all secret-named entries of nested data, and the passwords in addresses."""
    if isinstance(data, Mapping):
        for key, item in data.items():
            if isinstance(item, str) and SECRET_NAME.search(str(key)):
                yield item
            else:
                yield from _named_secrets(item)
    elif isinstance(data, str):
        yield from _passwords(data)
    elif isinstance(data, list | tuple):
        for item in data:
            yield from _named_secrets(item)


def _passwords(text: str) -> Iterable[str]:
    for found in LOGIN.finditer(text):
        yield from {found[1], unquote(found[1])}


#: What stands between the parts of an address.
_BETWEEN = re.compile(r"[/?&=@:,#\s]+")
#: Letters that a part of an address must have to be searched for, with a digit in it and without; others may be words.
_PART, _PART_OF_LETTERS = 8, 20


def parts_of(address: str) -> set[str]:
    """What may be secret in the address of a service that takes messages: it stands anywhere in it."""
    parts = [part for part in _BETWEEN.split(address.partition("://")[2]) if "." not in part]
    telling = {
        part
        for part in parts
        if len(part) >= (_PART if any(sign.isdigit() for sign in part) else _PART_OF_LETTERS)
    }
    return {address} | telling | set(_passwords(address))


def secret_values(settings: Settings) -> set[str]:
    """Every secret that this process knows: in the settings, in tables of `lockstep.toml` and in the environment."""
    found = set(_named_secrets((settings.sync, settings.node))) | set(_named_secrets(os.environ))
    for table in settings.sync:
        if isinstance(table.get("ping"), str):
            found |= parts_of(table["ping"])
    for name in type(settings).model_fields:
        value = getattr(settings, name)
        if not isinstance(value, SecretStr):
            continue
        secret = value.get_secret_value()
        if name == "database_url" and secret.startswith("sqlite:"):
            continue  # the path of a file, which an error has to name
        found.add(secret)
        if name == "ping":
            found |= parts_of(secret)
        elif "://" in secret and name != "alert_urls":
            found |= set(_passwords(secret))
            if name == "sentry_dsn" and (user := urlsplit(secret).username):
                found.add(user)
            if name == "redis_url" and is_sentinels(secret):
                found |= set(filter(None, [parsed(secret).sentinel_password]))
        elif name == "flower_basic_auth":
            found |= {pair.partition(":")[2] for pair in secret.split(",")}
        elif name == "alert_urls":
            found |= {part for address in settings.alert_addresses() for part in parts_of(address)}
        elif name == "notion_webhook_secret":
            found |= {part.strip() for part in secret.split(",")}
    for place in shards.all_of(settings) if settings.redis_shards is not None else ():
        found |= secret_values(place)
    return found


def redactor_for(settings: Settings) -> Redactor:
    """A redactor that knows the secrets of `settings` by value."""
    return Redactor(secret_values(settings))


_own: tuple[Settings | None, Redactor] | None = None
#: Secrets of tables that were read since this process began.
_further: set[str] = set()


def know(settings: Settings) -> None:
    """Let `redacted` know the secrets of these settings as well as those of the process."""
    global _own  # noqa: PLW0603
    _further.update(secret_values(settings))
    _own = None


def redacted(text: str) -> str:
    """`text` without the secrets that this process knows, and without what has the shape of one."""
    global _own  # noqa: PLW0603  made once for the settings that are in force
    try:
        settings = get_settings()
    except SettingsError:  # whoever needs them is told so
        settings = None
    if _own is None or _own[0] is not settings:
        secrets = _named_secrets(os.environ) if settings is None else secret_values(settings)
        _own = settings, Redactor({*secrets, *_further})
    return _own[1].text(text)
