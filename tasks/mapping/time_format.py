"""How dates and moments stand in a text: `%d.%m.%Y`, as `strftime` has it.

Not `strptime`, which goes by the language of the machine, takes what does not fit, and writes no year before 1000
that it reads again.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta, timezone
from itertools import pairwise
from typing import Any
from zoneinfo import ZoneInfo

from tasks.mapping.texts import line

_MONTHS = (
    *("January", "February", "March", "April", "May", "June"),
    *("July", "August", "September", "October", "November", "December"),
)
_TOKEN = re.compile(r"%(?P<bare>-?)(?P<sign>.)|(?P<text>[^%]+)|(?P<odd>%-?)", re.DOTALL)
_DAY, _TIME = frozenset("YmbBd"), frozenset("HIpMSfz")
_TWO_DIGITS = frozenset("mdHIMS")
_DIGITS = _TWO_DIGITS | {"Y", "f"}
_KNOWN = "%Y %m %b %B %d %H %I %p %M %S %f %z"

#: By sign: what is written of a moment or a date.
_WRITTEN: Mapping[str, Callable[[Any], str]] = {
    "Y": lambda value: f"{value.year:04}",
    "m": lambda value: f"{value.month:02}",
    "b": lambda value: _MONTHS[value.month - 1][:3],
    "B": lambda value: _MONTHS[value.month - 1],
    "d": lambda value: f"{value.day:02}",
    "H": lambda value: f"{value.hour:02}",
    "I": lambda value: f"{value.hour % 12 or 12:02}",
    "p": lambda value: "AM" if value.hour < 12 else "PM",
    "M": lambda value: f"{value.minute:02}",
    "S": lambda value: f"{value.second:02}",
    "f": lambda value: f"{value.microsecond:06}",
    "z": lambda value: value.strftime("%z"),
}
#: By sign: what it looks like, where that is not one or two digits.
_PATTERNS: Mapping[str, str] = {
    "Y": "[0-9]{4}",
    "f": "[0-9]{6}",
    "b": "|".join(month[:3] for month in _MONTHS),
    "B": "|".join(_MONTHS),
    "p": "AM|PM",
    "z": r"Z|[+-][0-9]{2}:?[0-9]{2}(?::?[0-9]{2})?",
}


@dataclass(frozen=True, slots=True)
class _Token:
    """A sign with its leading `%`, or what stands between signs."""

    sign: str = ""
    #: Whether it is written without a leading zero.
    bare: bool = False
    text: str = ""


@dataclass(frozen=True, slots=True)
class TimeFormat:
    """How dates and moments are written in a text and read again."""

    tokens: tuple[_Token, ...]
    #: The part of it that is written of a date without a time.
    day: tuple[_Token, ...]
    #: In which zone times are shown, where the text does not say it.
    zone: ZoneInfo | None = None

    @property
    def has_time(self) -> bool:
        """Whether it shows a time of day."""
        return any(token.sign in _TIME for token in self.tokens)

    def spell(self, value: Any) -> str:
        """A date or a moment as a text.

        Raises:
            ValueError: the moment has no zone.
        """
        if not isinstance(value, datetime):
            return _written(self.day, value)
        if value.utcoffset() is None:
            raise ValueError("the time has no time zone")
        return _written(self.tokens, value if self.zone is None else value.astimezone(self.zone))

    def read(self, text: str) -> date:
        """The moment that a text says, or the date where it says no time.

        Raises:
            ValueError: it is not written like this, or there is no such date or time.
        """
        whole = re.fullmatch(_pattern(self.tokens), text, re.IGNORECASE)
        if whole is not None and self.has_time:
            return self._moment(whole.groupdict())
        day = whole or re.fullmatch(_pattern(self.day), text, re.IGNORECASE)
        if day is None:
            raise ValueError("no such time")
        return _date(day.groupdict())

    def _moment(self, said: Mapping[str, str]) -> datetime:
        day = _date(said)
        hour, half = int(said.get("H") or said["I"]), said.get("p", "").upper()
        if half:
            if not 1 <= hour <= 12:
                raise ValueError("no such hour")
            hour = hour % 12 + 12 * (half == "PM")
        minute, second, micro = (int(said.get(sign, "0")) for sign in "MSf")
        zone = self.zone if self.zone is not None else _offset(said["z"])
        moment = datetime(day.year, day.month, day.day, hour, minute, second, micro, zone)
        back = moment.astimezone(UTC).astimezone(zone)
        if back.replace(tzinfo=None, fold=0) != moment.replace(tzinfo=None, fold=0):
            raise ValueError("clocks were set forward over this time")
        return moment


def read_time_format(said: str, *, takes_time: bool, zone: str | None = None) -> TimeFormat:
    """The format that a person's word says.

    Args:
        said: such as `%d.%m.%Y`.
        takes_time: whether its values have a time of day.
        zone: in which zone times are shown, where the text does not say it.

    Raises:
        ValueError: it says none, or one from which values cannot be told.
    """
    tokens = _tokens(line(said) or "")
    signs = [token.sign for token in tokens if token.sign]
    twice = sorted({f"%{sign}" for sign in signs if signs.count(sign) > 1})
    if twice:
        raise ValueError(f"{said!r} says {', '.join(twice)} more than once")
    there = frozenset(signs)
    lacks = [what for what, some in (("year", "Y"), ("month", "mbB"), ("day", "d")) if there.isdisjoint(some)]
    if lacks:
        raise ValueError(f'{said!r} does not tell the {" and the ".join(lacks)}: say it as "%d.%m.%Y"')
    if len(there & set("mbB")) > 1:
        raise ValueError(f"{said!r} tells the month more than once")
    _check_time(said, there, zone, takes_time=takes_time)
    for one, following in pairwise(tokens):
        if one.bare and (following.sign in _DIGITS or following.text[:1].isdigit()):
            raise ValueError(f"{said!r}: where %-{one.sign} ends cannot be told: leave the - out")
    days = [at for at, token in enumerate(tokens) if token.sign in _DAY]
    part = tokens[days[0] : days[-1] + 1]
    if any(token.sign in _TIME for token in part):
        raise ValueError(f"{said!r} has a time between year, month and day: put it before or behind them")
    return TimeFormat(tokens, part, _zone(zone))


def _check_time(said: str, there: frozenset[str], zone: str | None, *, takes_time: bool) -> None:
    """Make sure that a time of day can be told.

    Raises:
        ValueError: it cannot.
    """
    if there.isdisjoint(_TIME):
        if zone is not None:
            raise ValueError(f"{said!r} shows no time, so that no zone is needed: leave zone out")
        return
    if not takes_time:
        raise ValueError(f"{said!r} shows a time, which a date does not have: leave it out")
    if ("H" in there) == ("I" in there) or ("I" in there) != ("p" in there):
        raise ValueError(f'{said!r} does not tell the hour once: say "%H:%M", or "%I:%M %p"')
    for small, large in zip("Sf", "MS", strict=True):
        if small in there and large not in there:
            raise ValueError(f"{said!r} says %{small}, but not %{large}: add it")
    if ("z" in there) == (zone is not None):
        how = "leave one of them out" if zone is not None else 'add %z, or zone = "Europe/Berlin"'
        raise ValueError(
            f"{said!r} says the time zone {'twice' if zone is not None else 'not at all'}: {how}"
        )


def _tokens(said: str) -> tuple[_Token, ...]:
    found: list[_Token] = []
    for match in _TOKEN.finditer(said):
        sign, bare = match["sign"] or "", bool(match["bare"])
        if match["text"] or (sign == "%" and not bare):
            found.append(_Token(text=match["text"] or "%"))
        elif sign not in _WRITTEN or (bare and sign not in _TWO_DIGITS):
            raise ValueError(
                f"{said!r} says {match[0]}, but there are {_KNOWN}, and %-d and the like without a zero"
            )
        else:
            found.append(_Token(sign, bare))
    return tuple(found)


def _zone(name: str | None) -> ZoneInfo | None:
    if name is None:
        return None
    try:
        return ZoneInfo(name)
    except (ValueError, LookupError, OSError):
        raise ValueError(f'there is no time zone {name!r}: say it as "Europe/Berlin"') from None


def _written(tokens: Sequence[_Token], value: date) -> str:
    parts = ((token, _WRITTEN[token.sign](value) if token.sign else token.text) for token in tokens)
    return "".join(part.removeprefix("0") if token.bare else part for token, part in parts)


def _pattern(tokens: Sequence[_Token]) -> str:
    """What a text looks like. A zero may be left out where it can be told: in front of anything but a digit."""
    parts = []
    for token, following in zip(tokens, (*tokens[1:], _Token()), strict=True):
        if not token.sign:
            parts.append(r"\s+".join(map(re.escape, re.split(r"\s+", token.text))))
            continue
        tight = following.sign in _DIGITS or following.text[:1].isdigit()
        parts.append(f"(?P<{token.sign}>{_PATTERNS.get(token.sign, '[0-9]{2}' if tight else '[0-9]{1,2}')})")
    return "".join(parts)


def _date(said: Mapping[str, str]) -> date:
    name = (said.get("b") or said.get("B") or "").title()
    month = (
        int(said["m"]) if not name else next(at for at, one in enumerate(_MONTHS, 1) if one.startswith(name))
    )
    return date(int(said["Y"]), month, int(said["d"]))


def _offset(said: str) -> timezone:
    if said in ("Z", "z"):
        return UTC
    digits = said.replace(":", "")
    hours, minutes, seconds = (int(digits[at : at + 2] or "0") for at in (1, 3, 5))
    span = timedelta(hours=hours, minutes=minutes, seconds=seconds)
    return timezone(-span if said[0] == "-" else span)
