"""What an answer of GitHub means: pure."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any

from tasks.errors import ItemError, SideError, TaskError, UnfitError

#: Seconds to wait where GitHub is overrun and does not say for how long.
DEFAULT_PAUSE = 60.0
#: Letters of GitHub's own words that a message takes over.
MOST_WORDS = 200

_NEXT = re.compile(r'<([^<>]*)>\s*;[^,]*\brel="?next"?')


@dataclass(frozen=True, slots=True)
class Answer:
    """An answer to one request, its body read as JSON; `None` where it has none."""

    status: int
    #: By names in small letters.
    headers: Mapping[str, str] = field(repr=False)
    body: Any = field(repr=False)

    @property
    def taken(self) -> bool:
        """Whether it is a yes."""
        return 200 <= self.status < 300

    @property
    def moved(self) -> bool:
        """Whether it names another address."""
        return self.status in (301, 302, 307, 308)

    @property
    def next_page(self) -> str | None:
        """Where the listing goes on."""
        found = _NEXT.search(self.headers.get("link", ""))
        return found[1] if found else None

    @property
    def date(self) -> datetime | None:
        """The time by GitHub's clock."""
        try:
            return parsedate_to_datetime(self.headers["date"]).astimezone(UTC)
        except (KeyError, ValueError):
            return None

    @property
    def login_expires(self) -> datetime | None:
        """When the token expires that was sent, where it does and GitHub says so."""
        text = self.headers.get("github-authentication-token-expiration", "").replace(" UTC", " +0000")
        try:
            return datetime.strptime(text, "%Y-%m-%d %H:%M:%S %z").astimezone(UTC)
        except ValueError:
            return None

    @property
    def message(self) -> str:
        """GitHub's own words, in one line."""
        words: list[str] = []
        if isinstance(self.body, Mapping):
            words.append(str(self.body.get("message") or ""))
            errors = self.body.get("errors")
            words += [_told(one) for one in errors] if isinstance(errors, list) else []
        text = " ".join("; ".join(filter(None, words)).split())
        text = "".join(sign for sign in text if sign.isprintable())
        return text if len(text) <= MOST_WORDS else text[:MOST_WORDS].rstrip() + "…"

    @property
    def wait(self) -> float | None:
        """Seconds after which GitHub wants to be asked again; `None` where it does not say that it is overrun."""
        if self.status not in (403, 429):
            return None
        again = self.headers.get("retry-after", "")
        if again.isdecimal():
            return float(again)
        if self.headers.get("x-ratelimit-remaining") == "0":
            reset = self.headers.get("x-ratelimit-reset", "")
            now = self.date or datetime.now(UTC)
            return max(1.0, float(reset) - now.timestamp() + 1) if reset.isdecimal() else DEFAULT_PAUSE
        if self.status == 429 or "rate limit" in self.message.lower():
            return DEFAULT_PAUSE
        return None


def _told(error: Any) -> str:
    if not isinstance(error, Mapping):
        return str(error)
    named = " ".join(str(error[key]) for key in ("field", "code") if error.get(key))
    return str(error.get("message") or named)


def refusal(answer: Answer, subject: str, repository: str, attributes: Mapping[str, str]) -> TaskError:
    """What is raised where GitHub refuses a write.

    Args:
        answer: what it said.
        subject: what the write is about.
        repository: its name, for messages.
        attributes: the side's names of GitHub's fields that were written.
    """
    why = f" ({answer.message})" if answer.message else ""
    if answer.status == 422:
        errors = answer.body.get("errors") if isinstance(answer.body, Mapping) else None
        fields = [
            str(one.get("field")) for one in errors or () if isinstance(one, Mapping) and one.get("field")
        ]
        named = sorted({attributes[name] for name in fields if name in attributes})
        message = f"{subject}: GitHub does not take {', '.join(named) or 'what is written'}{why}"
        return UnfitError(message, named) if named else ItemError(message)
    if answer.status == 403 and "archived" in answer.message.lower():
        return SideError(
            f"the repository {repository} is archived, so nothing can be written: unarchive it{why}"
        )
    if answer.status == 403 and "lock" in answer.message.lower():
        return ItemError(f"{subject}: it is locked, and this login may not edit it: unlock it{why}")
    if answer.status in (403, 404):
        return SideError(
            f"{subject}: GitHub does not let this login write in {repository}{why}: "
            "give it the permission to read and write issues"
        )
    if answer.status == 410:
        return SideError(f"issues are switched off in the repository {repository}{why}: switch them on")
    return ItemError(f"{subject}: GitHub answers {answer.status}{why}")
