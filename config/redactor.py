"""What a secret looks like, and how it is taken out of a text."""

from __future__ import annotations

import base64
import binascii
import json
import re
from collections.abc import Iterable, Mapping
from typing import Any
from urllib.parse import quote, quote_plus

MASK = "***"

#: Shorter secrets cannot be told from ordinary words; the shapes below still catch them in their place.
SHORTEST_SECRET = 6

#: What a secret looks like wherever it stands, each with words of which one is in it, in small letters: most texts have
#: none, and to look for that takes a tenth of the time. The group `keep`, if any, stays.
SHAPES = (
    # Notion tokens, new and old.
    (re.compile(r"\bntn_[A-Za-z0-9_]{6,}|\bsecret_[A-Za-z0-9]{16,}"), ("ntn_", "secret_")),
    # What Google's logins are made of.
    (re.compile(r"\bya29\.[\w.-]{8,}|\b1//[\w-]{20,}|\bGOCSPX-[\w-]{8,}"), ("ya29.", "1//", "gocspx-")),
    # A password in an address, also one with an @, or with a slash that should have been written as %2F.
    (
        re.compile(r"(?P<keep>://[^\s/:@]*:)(?:[^\s/@]+(?:@[^\s/@]+)*|(?!\d{1,5}[/?#])[^\s@'\"]+)(?=@)"),
        ("://",),
    ),
    (re.compile(r"(?P<keep>\bbearer\s+)[A-Za-z0-9._~+/=-]{8,}", re.IGNORECASE), ("bearer",)),
    (
        re.compile(r"(?P<keep>\bauthorization['\"]?\s*[:=,]\s*b?['\"]?[a-z]+\s+)[^\s'\"]+", re.IGNORECASE),
        ("authorization",),
    ),
    (
        re.compile(
            r"(?P<keep>\b\w*(?:password|passwd|secret|token|api_?key)=['\"]?)[^\s&,;'\"]+", re.IGNORECASE
        ),
        ("password=", "passwd=", "secret=", "token=", "api_key=", "apikey="),
    ),
)

#: `Basic` and the base64 of `user:password`; other words may come after that one too.
BASIC = re.compile(r"(\bbasic\s+)([A-Za-z0-9+/_-]{6,}={0,2})", re.IGNORECASE)

SECRET_NAME = re.compile(
    r"((password|passwd|passphrase|secret|token|api_?key|credentials?)|(^|_)pass)$", re.IGNORECASE
)

#: An address with a password in it, wherever it stands.
LOGIN = re.compile(r"://[^\s/:@]*:([^\s/@]+(?:@[^\s/@]+)*)@")

_BASE64 = "A-Za-z0-9+/_="


class Redactor:
    """Replaces known secret values, and everything that has the shape of a secret, by `***`."""

    def __init__(self, secrets: Iterable[str] = ()) -> None:
        known = sorted({secret for secret in secrets if len(secret) >= SHORTEST_SECRET})
        # The longest first, so that a secret which contains another goes as a whole.
        self._known = _any_of(sorted({form for secret in known for form in _forms(secret)}, key=len)[::-1])
        self._core = _any_of(sorted({core for secret in known for core in _base64_cores(secret)}))
        self._encoded = self._core and re.compile(f"[{_BASE64}]*(?:{self._core.pattern})[{_BASE64}]*")

    def __repr__(self) -> str:
        return "Redactor()"

    def text(self, text: str) -> str:
        """`text` without its secrets."""
        if self._known is not None:
            text = self._known.sub(MASK, text)
        if self._core is not None and self._encoded is not None and self._core.search(text):
            text = self._encoded.sub(MASK, text)
        # Of other letters some are taken for one of these when small and large ones are alike.
        lower = text.lower() if text.isascii() else None
        if lower is None or "basic" in lower:
            text = BASIC.sub(_masked_basic, text)
        for shape, words in SHAPES:
            if lower is None or any(word in lower for word in words):
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


def _any_of(texts: list[str]) -> re.Pattern[str] | None:
    return re.compile("|".join(map(re.escape, texts))) if texts else None


def _forms(secret: str) -> Iterable[str]:
    """A secret as it stands in texts, addresses, forms, JSON and in what Python shows of it."""
    yield secret
    yield quote(secret, safe="")
    yield quote(secret)
    yield quote_plus(secret)
    yield json.dumps(secret)[1:-1]
    yield json.dumps(secret, ensure_ascii=False)[1:-1]
    yield repr(secret)[1:-1]


def _base64_cores(secret: str) -> Iterable[str]:
    """What the base64 of any text with the secret in it has in it: it depends on where the secret begins."""
    raw = secret.encode()
    for offset in range(3):
        text = base64.b64encode(b"\0" * offset + raw).decode().rstrip("=")
        # The first and the last sign share bits with what stands before and after the secret.
        core = text[(0, 2, 3)[offset] :]
        core = core if (offset + len(raw)) % 3 == 0 else core[:-1]
        if len(core) >= SHORTEST_SECRET:
            yield core
            yield core.replace("+", "-").replace("/", "_")


def _masked_basic(found: re.Match[str]) -> str:
    word, login = found.groups()
    try:
        plain = base64.b64decode(login.replace("-", "+").replace("_", "/") + "=" * (-len(login) % 4))
    except (binascii.Error, ValueError):
        return found[0]
    return word + MASK if b":" in plain else found[0]
