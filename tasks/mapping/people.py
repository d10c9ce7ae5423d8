"""People at both ends, by their mail addresses: who is not known to both stays where they stand, and is no edit."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from tasks.mapping.case import Case, Found, told
from tasks.mapping.converter import Way
from tasks.mapping.names import ids_for_ids
from tasks.mapping.spelled import only_shown
from tasks.mapping.texts import clean, line
from tasks.mapping.words import read_name
from tasks.sides import Attribute, End, Kind
from tasks.values.opaque import Opaque

STRANGERS = "who is not known to both by a mail address stays where they stand"
#: What looks like a mail address.
_MAIL = re.compile(r"[^@\s,;<>]+@[^@\s,;<>]+")


def _mail(text: str) -> str | None:
    """A mail address as it is compared; `None` for what is none."""
    folded = text.strip().casefold()
    return folded if _MAIL.fullmatch(folded) else None


@dataclass(frozen=True, slots=True)
class _Book:
    """Whom an end knows: mail addresses, or what the user says stands for one, by the end's ids."""

    mails: Mapping[str, str]
    #: Whether any mail address is an id.
    open: bool = False

    @classmethod
    def of(cls, attribute: Attribute, given: Mapping[str, str]) -> _Book:
        known = {one.id: mail for one in attribute.people if (mail := _mail(one.mail)) is not None}
        return cls({**known, **given}, attribute.by_mail or attribute.kind is not Kind.PERSON)

    def mail(self, who: str) -> str | None:
        """The address of somebody here."""
        return self.mails.get(who) or (_mail(who) if self.open else None)

    def find(self, mail: str) -> str | None:
        """Somebody here by their address; of several, always the same one."""
        known = min((who for who, own in self.mails.items() if own == mail), default=None)
        return mail if known is None and self.open and _mail(mail) == mail else known


@dataclass(frozen=True, slots=True)
class _Ends:
    """An end, and the one across."""

    here: _Book
    across: _Book

    def shared(self, who: str) -> str | None:
        """The address of somebody whom both ends know."""
        mail = self.here.mail(who)
        return mail if mail is not None and self.across.find(mail) is not None else None

    def common(self, people: Iterable[str] | None) -> tuple[str, ...]:
        """The addresses of those whom both ends know."""
        return tuple(sorted({mail for who in people or () if (mail := self.shared(who)) is not None}))

    def native(self, common: Iterable[str], current: Iterable[str] | None) -> list[str]:
        """People here: first those who stay, as they stand here, whether they are known across or not."""
        wanted = set(common)
        kept = [who for who in current or () if (mail := self.shared(who)) is None or mail in wanted]
        there = {self.shared(who) for who in kept}
        found = (self.here.find(mail) for mail in sorted(wanted - there))
        return [*kept, *(who for who in found if who is not None)]


def has_mails(case: Case) -> bool:
    """Whether people are known by their mail addresses at each end that has people."""
    return all(map(_tells, (case.at(end) for end in End)))


def _tells(attribute: Attribute) -> bool:
    return attribute.kind is not Kind.PERSON or bool(attribute.people) or attribute.by_mail


def people_for_people(case: Case) -> Found:
    """People at each end: by their addresses, by what the user says, or, where no address is told, by their ids.

    Raises:
        TaskDefinitionError: `values` name people by addresses that are not told.
    """
    known = [{one.id for one in case.at(end).people} for end in End]
    given = case.given(End.LEFT, read_name)
    if not _tells(case.left) and any(map(_mail, given)):
        raise case.wrong_values(
            f"{case.called(End.LEFT)} tells no mail addresses, so name people there by their ids"
        )
    if known[0] & known[1] or not (_tells(case.left) or _tells(case.right)):
        return ids_for_ids(case)  # of one workspace
    named = {_named(case.left, left): right for left, right in given.items()}
    book = {
        End.LEFT: _Book.of(case.left, {left: f"= {right}" for left, right in named.items()}),
        End.RIGHT: _Book.of(case.right, {right: f"= {right}" for right in named.values()}),
    }
    words = [told(given)] if given else []
    return Found(
        case.ways(_several(case, book, case.first), _several(case, book, case.second)),
        told="; ".join([*words, "people go by their mail addresses", STRANGERS]),
        warning="" if named else _nobody(case),
    )


def people_for_text(case: Case) -> Found:
    """People at the first end, a text with their addresses at the second; their ids where no address is known."""
    if not has_mails(case):
        return only_shown(case)
    book = {end: _Book.of(case.at(end), {}) for end in End}
    ends = _Ends(book[case.second], book[case.first])

    def native(common: Any, current: Any) -> str:
        return ", ".join(ends.native(common or (), _split(current)))

    text = Way(lambda value: ends.common(_split(value)), native, coarse=True)
    return Found(case.ways(_several(case, book, case.first), text))


def people_for_address(case: Case) -> Found:
    """People at the first end, of whom one address goes to the second."""
    book = {end: _Book.of(case.at(end), {}) for end in End}
    people = _several(case, book, case.first)
    ends = _Ends(book[case.second], book[case.first])

    def one(value: Any) -> Any:
        found = people.common(value)
        return Opaque("several people, where one address goes", odd=True) if len(found) > 1 else found

    def common(value: Any) -> Any:
        address = line(value)
        found = ends.common([address] if address else [])
        return found if found or not address else Opaque("an address of nobody who is known across", odd=True)

    def native(common: Any, current: Any) -> str | None:
        return next(iter(common or ()), None)

    ways = case.ways(Way(one, people.native, coarse=True), Way(common, native, coarse=True))
    return Found(ways, warning=_nobody(case))


def _nobody(case: Case) -> str:
    """That no people go across, where an end tells no addresses."""
    silent = [case.called(end) for end in End if not _tells(case.at(end))]
    return f"{' and '.join(silent)} tells no mail addresses, so that no people are synced" if silent else ""


def _several(case: Case, book: Mapping[End, _Book], end: End) -> Way:
    ends = _Ends(book[end], book[end.opposite])

    def native(common: Any, current: Any) -> tuple[str, ...]:
        return tuple(sorted(set(ends.native(common or (), current))))

    return Way(ends.common, native, coarse=True)


def _named(attribute: Attribute, said: str) -> str:
    """The id of somebody whom the user names by id or mail address."""
    known = {one.id for one in attribute.people}
    found = (one.id for one in attribute.people if said not in known and _mail(one.mail) == _mail(said))
    return next(found, said) if _mail(said) else said


def _split(text: Any) -> list[str]:
    return [part.strip() for part in clean(text or "").replace("\n", ",").split(",") if part.strip()]
