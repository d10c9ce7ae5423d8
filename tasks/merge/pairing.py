"""Which records without a link are the same thing."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from operator import attrgetter

from tasks.merge.model import Intent, Record
from tasks.sides.ends import ID, End
from tasks.values.canonical import canonical, same


def settle_intents(
    intents: Sequence[Intent],
    records: Mapping[End, Mapping[ID, Record]],
    unlinked: Mapping[End, Sequence[Record]],
    paired: Mapping[End, set[ID]],
) -> list[tuple[Intent, Record]]:
    """For each create whose outcome is unknown, the object that it made, if it is there.

    `paired` are the records of each side whose counterpart is listed: they need none. An object counts as
    made by a create when its side says so, or when it shows every value that was to be written, or, where none
    does, when its hash is that of the create's source, now or then: it was edited since, or the service changed
    what was written.
    """
    open_creates = [
        intent
        for intent in sorted(intents, key=lambda intent: intent.key)
        if intent.target_id is None and intent.source_id not in paired[intent.side.opposite]
    ]
    settled: dict[str, tuple[Intent, Record]] = {}
    taken: set[tuple[End, ID]] = set()
    for fits in (_named, _made_by, _same_hash):
        for intent in open_creates:
            source = records[intent.side.opposite].get(intent.source_id)
            for record in unlinked[intent.side] if intent.key not in settled else ():
                if (intent.side, record.id) not in taken and fits(record, intent, source):
                    taken.add((intent.side, record.id))
                    settled[intent.key] = (intent, record)
                    break
    return list(settled.values())


def _named(record: Record, intent: Intent, _source: Record | None) -> bool:
    return intent.made_id is not None and record.id == intent.made_id


def _same_hash(record: Record, intent: Intent, source: Record | None) -> bool:
    return bool(record.hash) and record.hash in (intent.hash, source.hash if source is not None else "")


def _made_by(record: Record, intent: Intent, _source: Record | None) -> bool:
    known = [name for name in intent.values if name in record.values]  # the others are not mapped any more
    return bool(known) and all(shows(record, name, intent.values[name]) for name in known)


def shows(record: Record, name: str, value: object) -> bool:
    """Whether a record has this value now."""
    return name in record.values and same(record.values[name], value)


def updates_by_link(intents: Sequence[Intent]) -> dict[tuple[ID, ID], list[Intent]]:
    """The begun updates by the pair that they belong to."""
    updates: dict[tuple[ID, ID], list[Intent]] = defaultdict(list)
    for intent in sorted(intents, key=lambda intent: intent.key):
        if intent.target_id is not None:
            pair = (intent.target_id, intent.source_id)
            updates[pair if intent.side is End.LEFT else pair[::-1]].append(intent)
    return updates


def pair_by_hash(
    left: Sequence[Record], right: Sequence[Record], attributes: Sequence[str]
) -> list[tuple[Record, Record]]:
    """Pairs of records with equal hash, each record in one pair at most, in a stable order.

    Among several with one hash, those equal in every attribute are paired first, then the rest by id; what
    is left over has no pair. An empty hash says nothing: then only full equality pairs.
    """
    if not left or not right:
        return []
    ours, theirs = _only_ones(left), _only_ones(right)
    plain = ours.keys() & theirs.keys()  # there is no choice: nearly all of them
    pairs = [(ours[hashed], theirs[hashed]) for hashed in plain]
    left = [record for record in left if record.hash not in plain]
    right = [record for record in right if record.hash not in plain]
    for full in (True, False) if left and right else ():
        taken = {id(record) for pair in pairs for record in pair}
        waiting: dict[object, list[Record]] = defaultdict(list)
        for record in sorted(right, key=_id, reverse=True):
            if id(record) not in taken and (full or record.hash):
                waiting[_key(record, attributes, full)].append(record)
        for record in sorted(left, key=_id):
            if id(record) not in taken and (full or record.hash):
                alike = waiting.get(_key(record, attributes, full))
                if alike:
                    pairs.append((record, alike.pop()))
    return sorted(pairs, key=lambda pair: pair[0].id)


def _only_ones(records: Sequence[Record]) -> dict[str, Record]:
    """The records whose hash no other one of their side has, by it."""
    number = Counter(record.hash for record in records)
    return {record.hash: record for record in records if record.hash and number[record.hash] == 1}


_id = attrgetter("id")


def _key(record: Record, attributes: Sequence[str], full: bool) -> object:
    return full_key(record, attributes) if full else record.hash


def full_key(record: Record, attributes: Sequence[str]) -> object:
    """Equal for records that are equal in hash and in every attribute."""
    return record.hash, tuple(canonical(record.values[name]) for name in attributes)
