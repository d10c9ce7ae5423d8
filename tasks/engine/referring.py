"""References in a run: which objects are linked is learnt before the plan is made, and looked at again after it."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from tasks.engine.bases import Bases
from tasks.engine.known import Known
from tasks.engine.running import Running
from tasks.engine.views import SideView
from tasks.errors import ItemError
from tasks.journal.contract import Base
from tasks.mapping import ByLinks, ids_of
from tasks.merge import ID, Create, End, Link, Plan, Policy, Record, Snapshot, make_plan
from tasks.values.references import Linked, References

Views = Mapping[End, SideView]


async def learned(
    running: Running, known: Known, base: Base, views: Views
) -> tuple[Base, dict[End, SideView]]:
    """The base and both sides, with references as what is linked by now says.

    A run that knows some links only learns of the others what these refer to, and knows besides the links that refer
    to something in doubt.

    Args:
        running: the run.
        known: the links that it knows.
        base: these, with what the run has asked of begun writes.
        views: both sides.

    Raises:
        StateError: links cannot be read, of this task or of another one.
        SideError: a side cannot be asked.
    """
    attributes = running.mapping.by_links
    if not attributes:
        return base, dict(views)
    dropped = await _dropped(running, base, views)
    half = {(link.left_id, link.right_id) for link in base.links if _is_half(link, views)}
    if not known.is_whole:
        base, views = await _with_referring(known, base, views, half | dropped)
        await known.meet(_named(running, base, views))
    here = {(link.left_id, link.right_id): link for link in base.links}
    ask = None if known.is_whole else _asking(known, here)
    for task, named in _by_task(attributes).items():
        if task:
            pairs = await _pairs_of(running, task, list(named), base, views)
            doubtful = {pair for pair in pairs if pair in dropped}
        else:
            pairs = list(here)
            linked = {pair for pair in dropped if pair in here or (ask and ask(End.LEFT, pair[0]) == pair)}
            doubtful = half | linked
        for one in named.values():
            one.known.know(pairs, doubtful, None if task else ask)
    seen = {end: replace(view, snapshot=_again(attributes, view.snapshot)) for end, view in views.items()}
    links = [_agreed(attributes, link) for link in base.links]
    for name, one in attributes.items():
        for end in one.single:
            if len(one.single) == 1 and running.mapping.only_to.get(name, end) is end:
                links, seen[end] = _next_shown(name, end, base.links, links, seen, inward=not one.task)
    return replace(base, links=links), seen


async def _with_referring(
    known: Known, base: Base, views: Views, doubtful: Collection[Linked]
) -> tuple[Base, dict[End, SideView]]:
    """The base and both sides with those objects that refer to something in doubt; they did not change."""
    before = {(link.left_id, link.right_id) for link in base.links}
    await known.load_referring(doubtful)
    fresh = [link for link in known.base.links if (link.left_id, link.right_id) not in before]
    base = replace(base, links=[*base.links, *fresh], others=known.base.others)
    return base, {end: _with_unchanged(view, end, fresh) for end, view in views.items()}


def _with_unchanged(view: SideView, end: End, links: Iterable[Link]) -> SideView:
    records = {
        link.id_on(end): Record(link.id_on(end), link.base_on(end))
        for link in links
        if end not in link.parked
    }
    snapshot = view.snapshot
    return replace(view, snapshot=replace(snapshot, records={**records, **snapshot.records}))


def _named(running: Running, base: Base, views: Views) -> dict[End, set[ID]]:
    """The objects of this task that anything refers to that the run knows."""
    names = [name for name, one in running.mapping.by_links.items() if not one.task]
    found: dict[End, set[ID]] = {end: set() for end in End}
    for end, view in views.items():
        shown = [record.values for record in view.snapshot.records.values()]
        shown += [link.base_on(end) for link in base.links]
        for values in shown:
            for name in names:
                if isinstance(value := values.get(name), References):
                    found[end] |= set(ids_of(end, value))
                    found[End.LEFT] |= {left for left, _ in value.links}
    return found


def _asking(known: Known, here: Collection[Linked]) -> Callable[[End, ID], Linked | None]:
    """Who tells with what other objects are linked than those whose links the run knows."""
    mine = {one for pair in here for one in zip(End, pair, strict=True)}
    return lambda end, one: None if (end, one) in mine else known.partner(end, one)


def _next_shown(
    name: str, end: End, before: Iterable[Link], now: Iterable[Link], views: Views, *, inward: bool
) -> tuple[list[Link], SideView]:
    """The links and a side, so that the next of several objects is shown where the only one that was is deleted.

    Nobody edited either side then: the base of the side that refers to several is taken back, so that it is carried.

    Args:
        name: the attribute.
        end: the end that refers to one object only.
        before: the links with their bases as they were kept.
        now: the same with what the bases still say.
        views: both sides.
        inward: whether it refers to objects of the task itself, so that one without a link is not there any more.
    """
    view, others = views[end], views[end.opposite].snapshot.records
    records, links = dict(view.snapshot.records), []
    for was, link in zip(before, now, strict=True):
        record = records.get(link.id_on(end))
        values = [
            {} if record is None else record.values,
            was.base_on(end),
            link.base_on(end),
            link.base_on(end.opposite),
        ]
        shown, gone, base, across = (
            References() if (value := one.get(name)) is None else value for one in values
        )
        refer = all(isinstance(one, References) for one in (shown, gone, base, across))
        if record is None or not refer or base.links or shown.links or not gone.links or not across.links:
            links.append(link)
            continue
        dangling = {pair[end is End.RIGHT] for pair in gone.links} if inward else set()
        other = others.get(link.id_on(end.opposite))
        edited = other is not None and other.values.get(name) != across
        if edited or not dangling >= set(shown.alone):
            links.append(link)
            continue
        records[record.id] = replace(record, values={**record.values, name: References()})
        taken_back = {**link.base_on(end.opposite), name: References((), across.alone)}
        links.append(replace(link, left=taken_back) if end is End.RIGHT else replace(link, right=taken_back))
    return links, replace(view, snapshot=replace(view.snapshot, records=records))


def doubtful(attributes: Mapping[str, ByLinks]) -> frozenset[Linked]:
    """Linked objects of which nothing is concluded from references to them."""
    return frozenset(pair for one in attributes.values() for pair in one.known.doubtful)


def with_made(action: Create, running: Running, bases: Bases, policy: Policy) -> Create:
    """A create that also refers to what got its counterpart in this run."""
    if not running.mapping.by_links:
        return action
    values, source = dict(action.values), dict(action.source)
    for name, one in running.mapping.by_links.items():
        shown = source.get(name)
        if one.task or not isinstance(shown, References):
            continue
        end = action.side.opposite
        pairs: dict[ID, Linked] = {}
        for mine in shown.alone:
            theirs = bases.counterparts.get((end, mine))
            pair = (mine, theirs or "") if end is End.LEFT else (theirs or "", mine)
            if theirs is not None and pair not in bases.doubtful:
                pairs[mine] = pair
        if pairs:
            alone = tuple(mine for mine in shown.alone if mine not in pairs)
            source[name] = References(tuple(sorted({*shown.links, *pairs.values()})), alone)
            values[name] = policy.shown(name, source[name], action.side)
    return replace(action, values=values, source=source)


def as_written(end: End, written: Mapping[str, Any], shown: Mapping[str, Any]) -> dict[str, Any]:
    """What an object that was made shows, by the links that it was made with."""
    found = dict(shown)
    for name, wanted in written.items():
        value = found.get(name)
        if isinstance(wanted, References) and isinstance(value, References):
            of = {pair[end is End.RIGHT]: pair for pair in wanted.links}
            links = {*value.links, *(of[one] for one in value.alone if one in of)}
            found[name] = References(tuple(sorted(links)), tuple(one for one in value.alone if one not in of))
    return found


async def what_follows(
    running: Running, bases: Bases, spare: Iterable[Linked], views: Views, policy: Policy
) -> tuple[Plan, dict[End, SideView]] | None:
    """What is to be written to objects which refer to some that got their counterpart in this run.

    Args:
        running: the run.
        bases: the pairs, with the bases that it made; those that wait for new ones are among them afterwards.
        spare: pairs that were left as they were.
        views: both sides, as it read and wrote them.
        policy: what is synced.

    Raises:
        StateError: the links that refer to them cannot be read.
    """
    attributes = {name: one for name, one in running.mapping.by_links.items() if not one.task}
    if not attributes:
        return None
    before = next(iter(attributes.values())).known
    fresh = [
        pair
        for pair in bases.links
        if (End.LEFT, pair[0]) not in before.pairs and pair not in before.doubtful
    ]
    if not fresh:
        return None
    await bases.learn_referring(fresh)
    links = bases.links
    new = {(end, one) for pair in fresh for end, one in zip(End, pair, strict=True)}
    left_out = set(spare)
    concerned = [
        link
        for pair, link in links.items()
        if pair not in left_out and not link.parked and _waits_for(attributes, link, new)
    ]
    if not concerned:
        return None
    for one in attributes.values():
        one.known.know(links, one.known.doubtful, one.known.ask)
    found = {}
    for end, view in views.items():
        records = {link.id_on(end): _record(end, link, view.snapshot) for link in concerned}
        snapshot = _again(attributes, Snapshot(end, records, full=False))
        known = {**view.snapshot.records, **snapshot.records}
        found[end] = (snapshot, replace(view, snapshot=replace(view.snapshot, records=known)))
    agreed = [_agreed(attributes, link) for link in concerned]
    plan = make_plan(agreed, found[End.LEFT][0], found[End.RIGHT][0], policy)
    return plan, {end: view for end, (_, view) in found.items()}


def _by_task(attributes: Mapping[str, ByLinks]) -> dict[str, dict[str, ByLinks]]:
    found: dict[str, dict[str, ByLinks]] = {}
    for name, one in attributes.items():
        found.setdefault(one.task, {})[name] = one
    return found


def _is_half(link: Link, views: Views) -> bool:
    """Whether one of two linked objects seems to be gone."""
    return not link.parked and any(
        not view.snapshot.has(link.id_on(end)) and link.id_on(end) not in view.snapshot.elsewhere
        for end, view in views.items()
    )


def _agreed(attributes: Mapping[str, ByLinks], link: Link) -> Link:
    """A link with what its base still says of references."""

    def said(values: Mapping[str, Any]) -> dict[str, Any]:
        return {
            name: attributes[name].known.agreed(value) if name in attributes else value
            for name, value in values.items()
        }

    return replace(link, left=said(link.left), right=said(link.right))


def _again(attributes: Mapping[str, ByLinks], snapshot: Snapshot) -> Snapshot:
    """The records with references as what is known by now says."""
    return replace(
        snapshot,
        records={
            record_id: replace(
                record,
                values={
                    name: attributes[name].known.again(snapshot.side, value) if name in attributes else value
                    for name, value in record.values.items()
                },
            )
            for record_id, record in snapshot.records.items()
        },
    )


def _record(end: End, link: Link, snapshot: Snapshot) -> Record:
    """An object as the run left it."""
    known = snapshot.records.get(link.id_on(end))
    return Record(link.id_on(end), link.base_on(end), edited=None if known is None else known.edited)


def _waits_for(attributes: Iterable[str], link: Link, new: set[tuple[End, ID]]) -> bool:
    return any(
        (end, one) in new
        for end in End
        for name in attributes
        if isinstance(value := link.base_on(end).get(name), References)
        for one in value.alone
    )


async def _pairs_of(
    running: Running, task: str, names: Sequence[str], base: Base, views: Views
) -> list[Linked]:
    """What another task has linked of all that these attributes name."""
    turned = running.sync.turns(task)
    beside = running.journal.beside(task)
    pairs: set[Linked] = set()
    for end, view in views.items():
        values = [record.values for record in view.snapshot.records.values()]
        values += [link.base_on(end) for link in base.links]
        wanted = {
            one
            for shown in values
            for name in names
            if isinstance(value := shown.get(name), References)
            for one in ids_of(end, value)
        }
        if wanted:
            found = await beside.counterparts(end.opposite if turned else end, wanted)
            pairs |= {pair if end is End.LEFT else pair[::-1] for pair in found.items()}
    return sorted(pairs)


async def _dropped(running: Running, base: Base, views: Views) -> set[Linked]:
    """What is not referred to any more since the service itself took the references away, with their object."""
    missing: dict[tuple[End, str, ID], set[Linked]] = {}
    for link in base.links:
        for end, view in views.items():
            record = view.snapshot.records.get(link.id_on(end))
            if record is None:
                continue
            for name, one in running.mapping.by_links.items():
                value, before = record.values.get(name), link.base_on(end).get(name)
                if value is before or not isinstance(value, References) or not isinstance(before, References):
                    continue
                shown = set(ids_of(end, value))
                for pair in before.links:
                    own = pair[end is End.RIGHT]
                    if own not in shown and (one.task or not (view.full and own in view.snapshot.records)):
                        missing.setdefault((end, name, own), set()).add(pair)
    found: set[Linked] = set()
    for end, name in sorted({(end, name) for end, name, _ in missing}):
        asked = sorted(own for one, other, own in missing if (one, other) == (end, name))
        adapter = views[end].adapter
        try:
            gone = await adapter.call(adapter.side.gone_among, adapter.mapping.name_at(end, name), asked)
        except ItemError:  # it does not say: then it counts as a person's
            continue
        for own in gone or ():
            found |= missing[end, name, own]
    return found
