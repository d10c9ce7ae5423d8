"""Values, times and states as a page shows them."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, date, datetime
from typing import Any

from worker.telling.numbers import some
from worker.telling.screen import printable
from worker.telling.spans import ago, rough, span
from worker.web.dashboard.paths import path_to

#: Letters of a value that are shown.
LONGEST = 2000
_LINK = re.compile(r"https?://[!-~]+")

#: Words that are counted by other ones.
_COUNTED = {"conflicts": "with conflicts", "never ran": "that never ran"}

#: How a word for a state or a status is coloured; the word always stands beside it.
_TONES = {
    "synced": "good",
    "succeeded": "good",
    "alive": "good",
    "running": "busy",
    "planned": "busy",
    "incomplete": "warn",
    "conflicts": "warn",
    "cancelled": "warn",
    "stopping": "warn",
    "open": "warn",
    "halted": "bad",
    "failed": "bad",
    "abandoned": "bad",
    "late": "bad",
    "missing": "bad",
    "held up": "bad",
    "silent": "bad",
    "quarantined": "bad",
}


def tone(word: str) -> str:
    """The colour of a state, by name."""
    return _TONES.get(word, "quiet")


def value(given: Any) -> str:
    """A synced value, with its lines, and nothing that a page or a screen could mistake."""
    if isinstance(given, Mapping):
        return "\n".join(f"{name}: {value(part)}" for name, part in given.items())
    if isinstance(given, str):
        text = "\n".join(printable(line) for line in given.splitlines())
    elif isinstance(given, bool):
        text = "yes" if given else "no"
    elif isinstance(given, datetime) and given.tzinfo is not None:
        text = at(given)
    else:
        text = printable(given)
    return text if len(text) <= LONGEST else text[: LONGEST - 1] + "…"


def at(then: datetime | None) -> str:
    """A moment with date and zone."""
    return "–" if then is None else f"{then.astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC"


def iso(then: date) -> str:
    """A moment for machines."""
    return then.isoformat()


def link(address: str) -> str:
    """An address that may be followed; empty where it is of another kind."""
    return address if _LINK.fullmatch(address) else ""


def sentence(text: str) -> str:
    """With a capital in front."""
    return text[:1].upper() + text[1:]


def counted(words: Iterable[str]) -> str:
    """How many there are of each state or status."""
    return ", ".join(f"{number} {_COUNTED.get(word, word)}" for word, number in Counter(words).most_common())


FILTERS: Mapping[str, Callable[..., Any]] = {
    "tone": tone,
    "value": value,
    "span": span,
    "rough": rough,
    "ago": ago,
    "at": at,
    "iso": iso,
    "link": link,
    "path": path_to,
    "some": some,
    "sentence": sentence,
}
