"""Takes secrets out of text before it is logged or sent anywhere."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, urlsplit

from pydantic import SecretStr

if TYPE_CHECKING:
    from config.settings import Settings

MASK = "***"

#: Shorter secrets cannot be told from ordinary words; the shapes below still catch them in their place.
SHORTEST_SECRET = 6

#: What a secret looks like wherever it stands. The group `keep`, if any, stays.
SHAPES = (
    re.compile(r"\bntn_[A-Za-z0-9_]{6,}|\bsecret_[A-Za-z0-9]{16,}"),  # Notion tokens, new and old
    re.compile(r"(?P<keep>://[^\s/:@]*:)[^\s/@]+(?=@)"),  # a password in an address
    re.compile(r"(?P<keep>\bbearer\s+)[A-Za-z0-9._~+/=-]{8,}", re.IGNORECASE),
    re.compile(r"(?P<keep>\bauthorization['\"]?\s*[:=,]\s*b?['\"]?[a-z]+\s+)[^\s'\"]+", re.IGNORECASE),
    re.compile(r"(?P<keep>\b\w*(?:password|passwd|secret|token|api_?key)=['\"]?)[^\s&,;'\"]+", re.IGNORECASE),
)

SECRET_NAME = re.compile(r"(password|passwd|secret|token|api_?key|credentials?)$", re.IGNORECASE)


class Redactor:
    """Replaces known secret values, and everything that has the shape of a secret, by `***`."""

    def __init__(self, secrets: Iterable[str] = ()) -> None:
        known = {
            form
            for secret in secrets
            if len(secret) >= SHORTEST_SECRET
            for form in (secret, quote(secret, safe=""))
        }
        # The longest first, so that a secret which contains another goes as a whole.
        self._known = (
            re.compile("|".join(map(re.escape, sorted(known, key=len, reverse=True)))) if known else None
        )

    def __repr__(self) -> str:
        return "Redactor()"

    def text(self, text: str) -> str:
        """`text` without its secrets."""
        if self._known is not None:
            text = self._known.sub(MASK, text)
        for shape in SHAPES:
            text = shape.sub(lambda found: (found.groupdict().get("keep") or "") + MASK, text)
        return text

    def value(self, value: Any) -> Any:
        """A copy of nested data without secrets; entries with a secret's name lose their whole value."""
        if isinstance(value, str):
            return self.text(value)
        if isinstance(value, Mapping):
            return {
                key: MASK
                if isinstance(key, str) and isinstance(item, str) and SECRET_NAME.search(key)
                else self.value(item)
                for key, item in value.items()
            }
        if isinstance(value, list | tuple):
            return [self.value(item) for item in value]
        return value


def _named_secrets(data: Any) -> Iterable[str]:
    """The values of all secret-named entries of nested data."""
    if isinstance(data, Mapping):
        for key, item in data.items():
            if isinstance(item, str) and SECRET_NAME.search(str(key)):
                yield item
            else:
                yield from _named_secrets(item)
    elif isinstance(data, list | tuple):
        for item in data:
            yield from _named_secrets(item)


def secret_values(settings: Settings) -> set[str]:
    """Every secret that this process knows: in the settings, in tables of `lockstep.toml` and in the environment."""
    found = set(_named_secrets((settings.sync, settings.node))) | set(_named_secrets(os.environ))
    for name in type(settings).model_fields:
        value = getattr(settings, name)
        if not isinstance(value, SecretStr):
            continue
        secret = value.get_secret_value()
        if name == "database_url" and secret.startswith("sqlite:"):
            continue  # the path of a file, which an error has to name
        found.add(secret)
        if "://" in secret:
            parts = urlsplit(secret)
            found |= {
                part for part in (parts.password, parts.username if name == "sentry_dsn" else None) if part
            }
        elif name == "flower_basic_auth":
            found |= {pair.partition(":")[2] for pair in secret.split(",")}
        elif name == "notion_webhook_secret":
            found |= {part.strip() for part in secret.split(",")}
    return found


def redactor_for(settings: Settings) -> Redactor:
    """A redactor that knows the secrets of `settings` by value."""
    return Redactor(secret_values(settings))
