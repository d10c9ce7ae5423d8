"""What Google's refusals mean."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from enum import Enum
from typing import Any

import httpx

from tasks.errors import ItemError

#: Letters of Google's own words that a message takes over.
MOST_WORDS = 200

#: Reasons of a 403 that pass by themselves.
QUOTAS = frozenset({"rateLimitExceeded", "userRateLimitExceeded", "quotaExceeded", "RATE_LIMIT_EXCEEDED"})
_SWITCHED_OFF = frozenset({"accessNotConfigured", "SERVICE_DISABLED"})
_SCOPES = frozenset({"insufficientPermissions", "ACCESS_TOKEN_SCOPE_INSUFFICIENT"})


class Trouble(Enum):
    """What kind of failure it is, hence what can be done."""

    #: Nothing was sent.
    UNSENT = "unsent"
    #: It was sent, and no answer came that can be read.
    UNANSWERED = "unanswered"
    #: Too many requests: refused, later it works.
    LIMITED = "limited"
    #: Google failed; it may have been applied.
    FAILED = "failed"
    #: The quota of the day is used up.
    EXHAUSTED = "exhausted"
    #: The access token is not good any more.
    UNAUTHORISED = "unauthorised"
    #: The Tasks API is not switched on for the project.
    SWITCHED_OFF = "switched off"
    #: The consent does not cover tasks.
    SCOPE = "scope"
    #: The answer is none of Google's.
    FOREIGN = "foreign"
    #: Google does not do it.
    REFUSED = "refused"


@dataclass(frozen=True)
class Failure:
    """A request that did not succeed."""

    trouble: Trouble
    #: In a few words, without anything secret.
    reason: str
    status: int = 0
    #: Seconds that Google asks to wait.
    retry_after: float | None = None


class RefusedError(ItemError):
    """Google does not do what was asked."""

    def __init__(self, message: str, status: int) -> None:
        super().__init__(message)
        self.status = status


def read_failure(answer: httpx.Response) -> Failure:
    """What an answer other than a success says."""
    status = answer.status_code
    error = _error_of(answer)
    reasons = _reasons(error)
    words = _words(error, reasons) or f"status {status}"
    trouble = _trouble(status, reasons, is_json=bool(error))
    return Failure(trouble, words, status, _retry_after(answer))


def _trouble(status: int, reasons: frozenset[str], *, is_json: bool) -> Trouble:
    if status == 401:
        return Trouble.UNAUTHORISED
    if "dailyLimitExceeded" in reasons:
        return Trouble.EXHAUSTED
    if status == 429 or (status == 403 and reasons & QUOTAS) or status == 409:
        return Trouble.LIMITED
    if status == 403 and reasons & _SWITCHED_OFF:
        return Trouble.SWITCHED_OFF
    if status == 403 and reasons & _SCOPES:
        return Trouble.SCOPE
    if status >= 500 or status == 408:
        return Trouble.FAILED
    if status >= 400 and is_json:
        return Trouble.REFUSED
    return Trouble.FOREIGN


def _error_of(answer: httpx.Response) -> Mapping[str, Any]:
    try:
        document = json.loads(answer.content)
    except (ValueError, RecursionError):
        return {}
    error = document.get("error") if isinstance(document, dict) else None
    return error if isinstance(error, dict) else {}


def _reasons(error: Mapping[str, Any]) -> frozenset[str]:
    """Every word by which an error says what it is, of its older and newer part."""
    found: set[str] = set()
    for part in ("errors", "details"):
        inner = error.get(part)
        for one in inner if isinstance(inner, list) else ():
            if isinstance(one, dict) and isinstance(one.get("reason"), str):
                found.add(one["reason"])
    return frozenset(found)


def _words(error: Mapping[str, Any], reasons: frozenset[str]) -> str:
    said = error.get("message")
    text = " ".join(said.split()) if isinstance(said, str) else ""
    text = "".join(sign for sign in text if sign.isprintable())[:MOST_WORDS]
    named = ", ".join(sorted(reasons))[:MOST_WORDS]
    return f"{text} ({named})" if text and named else text or named


def _retry_after(answer: httpx.Response) -> float | None:
    said = answer.headers.get("Retry-After", "").strip()
    if not said:
        return None
    if said.isdecimal():
        return float(said)
    try:
        when = parsedate_to_datetime(said)
    except ValueError:
        return None
    when = when if when.tzinfo else when.replace(tzinfo=UTC)
    return max(0.0, (when - datetime.now(UTC)).total_seconds())
