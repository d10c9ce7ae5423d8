"""Objects of a task, as far as the database has met them, and which of them a person means."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field

from tasks.engine.naming import title_in
from tasks.merge import ID, End, Link, Name
from worker.store import Store

Key = tuple[End, ID]


@dataclass(slots=True, eq=False)
class Known:
    """One object on both sides, also where it got another counterpart meanwhile."""

    keys: set[Key] = field(default_factory=set)
    #: All that it was ever called, the newest last.
    titles: list[str] = field(default_factory=list)
    addresses: list[str] = field(default_factory=list)
    #: With its base; `None` where it is not linked (any more).
    link: Link | None = None

    @property
    def title(self) -> str:
        """What it is called; empty where nobody knows."""
        return self.titles[-1] if self.titles else ""

    def ids(self, end: End) -> list[ID]:
        """Its ids at one side: more than one where it was made anew."""
        return sorted(one for at, one in self.keys if at is end)


def objects_of(store: Store, task: str) -> list[Known]:
    """All objects of a task that are linked, were written, or were in conflict.

    Raises:
        StateError: a row cannot be read.
    """
    found = _Found()
    for pair, name in store.effects.objects(task):
        found.meet(pair, name)
    for record in reversed(store.conflicts.list(task, store.conflicts.count(task))):
        entry = record.entry
        found.meet((entry.first.id, entry.second.id), entry.name)
    for link in store.links.load(task).links:
        met = found.meet((link.left_id, link.right_id), Name(title_in(link.left) or title_in(link.right)))
        met.link = link
    return found.all()


def meant(objects: Iterable[Known], word: str) -> list[Known]:
    """The objects that a person may mean: by id or address, else by title, else by the begin of one.

    Pure. What an object is called now goes before what it was called once, and the very letters before other cases.
    """
    all_of_them, small = list(objects), word.casefold()
    tests: Sequence[Callable[[Known], bool]] = (
        lambda one: word in one.addresses or any(word == known for _, known in one.keys),
        lambda one: word == one.title,
        lambda one: small == one.title.casefold(),
        lambda one: any(small == title.casefold() for title in one.titles),
        lambda one: one.title.casefold().startswith(small),
        lambda one: any(title.casefold().startswith(small) for title in one.titles),
    )
    for test in tests if word else ():
        found = [one for one in all_of_them if test(one)]
        if found:
            return found
    return []


class _Found:
    """Objects, put together by the ids that they share."""

    def __init__(self) -> None:
        self._by_key: dict[Key, Known] = {}

    def all(self) -> list[Known]:
        return list(dict.fromkeys(self._by_key.values()))

    def meet(self, pair: tuple[ID, ID], name: Name) -> Known:
        keys = {(end, one) for end, one in zip(End, pair, strict=True) if one}
        olds = list(dict.fromkeys(self._by_key[key] for key in keys if key in self._by_key))
        met = olds[0] if olds else Known()
        for other in olds[1:]:
            met.keys |= other.keys
            met.titles = [*(title for title in other.titles if title not in met.titles), *met.titles]
            met.addresses += [each for each in other.addresses if each not in met.addresses]
            met.link = met.link or other.link
        met.keys |= keys
        if name.title:
            met.titles = [*(title for title in met.titles if title != name.title), name.title]
        if name.address and name.address not in met.addresses:
            met.addresses.append(name.address)
        self._by_key |= dict.fromkeys(met.keys, met)
        return met
