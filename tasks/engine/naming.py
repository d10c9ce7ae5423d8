"""What people call the objects that a run speaks of: a title, and the address where there is one.

Names are for the eyes of whoever may read the database. Messages hold ids, for they go further: into logs, to
Sentry, Redis and Flower; `tell` puts the titles in where a person reads them.
"""

from __future__ import annotations

import inspect
import logging
import re
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import Any

from tasks.engine.calls import discard, does_nothing
from tasks.engine.reading import BATCH
from tasks.engine.views import SideView
from tasks.merge import NAMELESS, Action, Adopt, Link, Name, Plan, pair_of
from tasks.sides import ID, End

log = logging.getLogger(__name__)

#: Longer ones tell no more.
LONGEST = 200
#: Of a title inside a sentence.
LONGEST_IN_TEXT = 40

#: How attributes are called by which people tell objects apart, the surest first.
_USUAL = ("title", "name", "summary", "subject", "headline", "label", "key")

#: What may be an id in a message, with a colon or a full stop behind it.
_WORD = re.compile(r"[^\s,;()'\"`“”‘’]+")
#: Ids that look like nothing else, wherever they stand.
_DISTINCT = re.compile(r"(?=.*[\d@_.-]).{8,}")

#: What is known of objects, by what their side is called and id.
Names = Mapping[tuple[str, ID], Name]


def usual_title(names: Mapping[str, str]) -> str:
    """The attribute by which people call an object: the one whose name says so, else the first.

    Args:
        names: what the right side calls the attributes, by what the left side does.
    """
    return _named_title(names) or next(iter(names))


def title_in(values: Mapping[str, Any]) -> str:
    """The title among the values of an object; empty where no attribute's name says that it is one."""
    texts = {name: name for name, value in values.items() if isinstance(value, str) and value}
    return _tidy(values.get(_named_title(texts) or ""))


def _named_title(names: Mapping[str, str]) -> str | None:
    words = [(left, {left.casefold(), right.casefold()}) for left, right in names.items()]
    for word in _USUAL:
        for attribute, known in words:
            if word in known:
                return attribute
    for word in _USUAL:
        for attribute, known in words:
            if any(word in re.split(r"\W|_", name) for name in known):
                return attribute
    return None


async def named(plan: Plan, views: Mapping[End, SideView], links: Sequence[Link], title: str) -> Plan:
    """The plan with what people call the objects in it.

    The sides' own methods are asked, then the values that are shown, then those of the base, which know an object
    that cannot be read, and one that is gone.
    """
    if not plan.actions:
        return plan
    pairs = [pair_of(action) for action in plan.actions]
    found = await _Finder(views, _links_of(pairs, links), title).names(pairs, plan.actions)
    called = [_called(action, found[pair]) for pair, action in zip(pairs, plan.actions, strict=True)]
    return replace(plan, actions=tuple(called))


def _called(action: Action, name: Name) -> Action:
    """The action with a name; what was known of it before fills the gaps."""
    known = action.name
    if not name:
        return action
    return action.named(Name(name.title or known.title, name.address or known.address) if known else name)


def names_in(plan: Plan) -> dict[tuple[str, ID], Name]:
    """What is known of the objects of a plan."""
    names: dict[tuple[str, ID], Name] = {}
    left, right = plan.labels[End.LEFT], plan.labels[End.RIGHT]
    for action in plan.actions:
        pairs = [pair_of(action)]
        if isinstance(action, Adopt) and action.instead_of is not None:
            pairs.append((action.instead_of.left_id, action.instead_of.right_id))
        for left_id, right_id in pairs if action.name.title else ():
            if left_id:
                names[left, left_id] = action.name
            if right_id:
                names[right, right_id] = action.name
    return names


def mentioned(names: Names, texts: Iterable[str]) -> dict[tuple[str, ID], Name]:
    """Those of the objects that these texts may be about."""
    words = {word.rstrip(":.") for text in texts for word in _WORD.findall(text)}
    sides = {side for side, _ in names}
    return {(side, word): names[side, word] for side in sides for word in words if (side, word) in names}


def tell(text: str, names: Names) -> str:
    """A message in which titles stand in the place of ids.

    A short id may be any number or word: it is one only beside the name of its side. Where several objects have one
    title, the id stands beside it.
    """
    found = {key: name for key, name in mentioned(names, [text]).items() if name.title}
    alike = (
        Counter((side, _cut(name.title, LONGEST_IN_TEXT)) for (side, _), name in names.items())
        if found
        else {}
    )
    for (side, obj_id), name in sorted(found.items(), key=lambda one: (-len(one[0][1]), one[0])):
        cut = _cut(name.title, LONGEST_IN_TEXT)
        title = f"“{cut}”" if alike[side, cut] == 1 else f"“{cut}” ({obj_id})"
        text = re.sub(_mention(side, obj_id), partial(_put, title), text)
    return text


def _put(title: str, found: re.Match[str]) -> str:
    return (found[1] or "") + title


def _mention(side: str, obj_id: ID) -> str:
    """Where an id stands in a message; a group holds what is before it and stays."""
    word = rf"(?<![\w/“-]){re.escape(obj_id)}(?![\w/”-]|\.\w)"
    if _DISTINCT.fullmatch(obj_id):
        return f"(){word}"
    here = re.escape(side)
    return rf"({here} |create in (?!{here} for)[^:]+ for ){word}|{word}(?= in {here}\b)"


def _cut(text: str, length: int) -> str:
    return text if len(text) <= length else text[: length - 1].rstrip() + "…"


def _is_title(value: Any) -> bool:
    return isinstance(value, str | int) and not isinstance(value, bool)


def _tidy(text: Any) -> str:
    """A title in one line."""
    return "" if text is None or text is NotImplemented else _cut(" ".join(str(text).split()), LONGEST)


def _links_of(pairs: Iterable[tuple[ID, ID]], links: Sequence[Link]) -> dict[tuple[End, ID], Link]:
    """The links of the objects in these pairs."""
    if not links:
        return {}
    wanted: set[tuple[End, ID]] = {
        (side, one) for pair in pairs for side, one in zip(End, pair, strict=True) if one
    }
    return {key: link for link in links for side in End if (key := (side, link.id_on(side))) in wanted}


class _Finder:
    """Finds names in what was read of both sides, and in the base."""

    def __init__(
        self, views: Mapping[End, SideView], links: Mapping[tuple[End, ID], Link], title: str
    ) -> None:
        self.views = views
        self.records = {end: view.snapshot.records for end, view in views.items()}
        self.links = links
        self.attribute = title
        self.titles: dict[tuple[End, ID], str] = {}
        self.addresses: dict[tuple[End, ID], str] = {}

    async def names(
        self, pairs_of: Sequence[tuple[ID, ID]], actions: Sequence[Action]
    ) -> dict[tuple[ID, ID], Name]:
        """The names of the pairs of these actions; the left side's word comes first."""
        pairs = {pair: self._whole(pair) for pair in pairs_of}
        for end in End:
            side = self.views[end].adapter.side
            asks = [(self.titles, side.title, "title"), (self.addresses, side.address, "address")]
            for found, ask, method in asks:
                if not does_nothing(ask):
                    ids = dict.fromkeys(pair[end is End.RIGHT] for pair in pairs.values())
                    found.update(await self._asked(end, ask, ids, side.spelled(method)))
        names = {pair: self._name(*whole) for pair, whole in pairs.items()}
        for pair, action in zip(pairs_of, actions, strict=True):
            if not names[pair].title:  # an object that is only to be brought back has no other name
                title = self._title_in(getattr(action, "values", {}))
                names[pair] = replace(names[pair], title=title) if title else names[pair]
        return names

    def _whole(self, pair: tuple[ID, ID]) -> tuple[ID, ID]:
        """Both ids of a pair of which maybe one is said."""
        if not self.links:
            return pair
        link = next((self.links[key] for key in zip(End, pair, strict=True) if key in self.links), None)
        return pair if link is None else (pair[0] or link.left_id, pair[1] or link.right_id)

    def _name(self, left_id: ID, right_id: ID) -> Name:
        left, right = (End.LEFT, left_id), (End.RIGHT, right_id)
        title = self._title(left) or self._title(right) or self._last_title(left) or self._last_title(right)
        address = self.addresses.get(left) or self.addresses.get(right) or ""
        return Name(title, address) if title or address else NAMELESS

    def _title(self, key: tuple[End, ID]) -> str:
        """The title that an object shows."""
        if key in self.titles:
            return self.titles[key]
        record = self.records[key[0]].get(key[1])
        return self._title_in(record.values) if record is not None else ""

    def _last_title(self, key: tuple[End, ID]) -> str:
        """The title that it had when both sides agreed last."""
        link = self.links.get(key)
        return self._title_in(link.base_on(key[0])) if link is not None else ""

    def _title_in(self, values: Mapping[str, Any]) -> str:
        value = values.get(self.attribute)
        return _tidy(value) if type(value) is str or _is_title(value) else ""

    async def _asked(
        self, end: End, ask: Callable[[Any], Any], ids: Iterable[ID], spelled: str
    ) -> dict[tuple[End, ID], str]:
        """What a method of a side says of those objects that were read."""
        view, found = self.views[end], {}
        failures = set()
        known = [(obj_id, view.objects[obj_id]) for obj_id in ids if obj_id in view.objects]
        for start in range(0, len(known), BATCH):
            batch = known[start : start + BATCH]
            answers = await view.adapter.call(lambda batch=batch: _attempts(ask, [obj for _, obj in batch]))
            if not answers:
                break
            try:
                for (obj_id, _), answer in zip(batch, answers, strict=True):
                    said = await _settled(answer)
                    if isinstance(said, BaseException):
                        failures.add(type(said).__name__)
                    elif _tidy(said):
                        found[end, obj_id] = _tidy(said)
            finally:
                discard(answers)  # when the run is cancelled some are not awaited
        if failures:
            told = ", ".join(sorted(failures))
            log.warning("Task %r: %s fails (%s): ids are shown.", view.adapter.task, spelled, told)
        return found


def _attempts(ask: Callable[[Any], Any], objects: Sequence[Any]) -> list[Any]:
    """What a method says of each of these objects; nothing where the side has no such method."""
    first = _attempt(ask, objects[0])
    return [] if first is NotImplemented else [first, *(_attempt(ask, obj) for obj in objects[1:])]


def _attempt(ask: Callable[[Any], Any], obj: Any) -> Any:
    """What a method returns or raises: no object is left, and no run ends, for want of a name."""
    try:
        return ask(obj)
    except (Exception, SystemExit) as error:
        return error


async def _settled(answer: Any) -> Any:
    try:
        return await answer if inspect.isawaitable(answer) else answer
    except (Exception, SystemExit) as error:
        return error
