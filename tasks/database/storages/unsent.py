"""Records that cannot travel. Each is named and held at its own node, and nothing waits for it."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from tasks.database.records.record import WHOLE, SyncRecord
from tasks.database.storages.storage import ArrivalStorage

#: Bytes of one record, as JSON, that travel where nobody says otherwise. However little it can be compressed, it
#: fits into a manifest.
RECORD_BYTES_MAX_DEFAULT = 15 * 1024 * 1024

#: The longest key that every node can keep.
KEY_MAX = 400

_NO_TEXT, _NUL = "text that is no UTF-8", "text with a NUL"


@dataclass(slots=True)
class BadRecord(SyncRecord):
    """A record that its storage cannot give as it is; its `data` name its fields, and nothing more."""

    reason: str = "it cannot be read"

    def __post_init__(self) -> None:
        """Whatever it is, it goes nowhere."""


@dataclass(frozen=True)
class Unsent:
    """A record that cannot be sent to a peer."""

    #: Those that the peer does not have as they are here.
    fields: tuple[str, ...]
    reason: str
    #: It has more bytes than this, which was the most at that time; 0: that is not the reason.
    limit: int = 0

    def joined(self, before: Unsent | None) -> Unsent:
        """What the peer does not have by now."""
        fields = self.fields if before is None else tuple(sorted({*before.fields, *self.fields}))
        return Unsent(fields, self.reason, self.limit)


#: By model and key.
AllUnsent = dict[str, dict[str, Unsent]]


def refusal(record: SyncRecord, fields: Iterable[str], limit: int | None, *, plain: bool) -> Unsent | None:
    """Why a record cannot be sent; None: it can.

    Args:
        record: what would be sent.
        fields: those that the peer does not have.
        limit: the most bytes of it as JSON; None: any.
        plain: whether keys and texts have to be what every database can keep.
    """
    if _is_sound(record, limit, plain=plain):
        return None
    reason, too_large = _reason(record, limit, plain=plain)
    return Unsent(tuple(sorted(fields)), reason, limit or 0 if too_large else 0) if reason else None


def _is_sound(record: SyncRecord, limit: int | None, *, plain: bool) -> bool:
    """Whether a record can be sent without a doubt, as nearly all can."""
    key = record.key
    if record.__class__ is not SyncRecord:
        return False
    if plain and not (key.isascii() and 0 < len(key) <= KEY_MAX and "\x00" not in key):
        return False
    try:
        text = record.encode()
    except (TypeError, ValueError, RecursionError):
        return False
    if plain and ("\\u0000" in text or "\\ud" in text):
        return False
    return limit is None or len(key) + len(text) <= limit


def _reason(record: SyncRecord, limit: int | None, *, plain: bool) -> tuple[str, bool]:
    if isinstance(record, BadRecord):
        return record.reason, False
    if plain and (reason := _of_key(record.key)):
        return reason, False
    try:
        text = record.encode()
    except (TypeError, ValueError, RecursionError):
        return f"field {_culprit(record.data, _has_no_json)!r}: a value that JSON cannot hold", False
    if plain and ("\\u0000" in text or "\\ud" in text):
        for name, value in record.data.items():
            if fault := _of_text(value):
                return f"field {name!r}: {fault}", False
    size = len(record.key) + len(text)
    if limit is None or size <= limit:
        return "", False
    largest = max(record.data, key=lambda name: len(json.dumps(record.data[name])), default="")
    return (
        f"it has {size:,} bytes, more than {limit:,} that are taken; most of them are in field {largest!r}",
        True,
    )


def is_plain_key(key: str) -> bool:
    """Whether every database can keep it."""
    return not _of_key(key)


def _of_key(key: str) -> str:
    if not key:
        return "its key is empty"
    if len(key) > KEY_MAX:
        return f"its key has more than {KEY_MAX} characters"
    return {_NO_TEXT: "its key is no UTF-8", _NUL: "its key holds a NUL"}.get(_of_text(key), "")


def _of_text(value: Any) -> str:
    """What is wrong with the texts in a value."""
    if isinstance(value, str):
        if "\x00" in value:
            return _NUL
        return "" if value.isascii() or _is_text(value) else _NO_TEXT
    if isinstance(value, Mapping):
        return next((fault for pair in value.items() for part in pair if (fault := _of_text(part))), "")
    if isinstance(value, list | tuple):
        return next((fault for part in value if (fault := _of_text(part))), "")
    return ""


def _is_text(value: str) -> bool:
    try:
        value.encode()
    except UnicodeEncodeError:
        return False
    return True


def _has_no_json(value: Any) -> bool:
    try:
        json.dumps(value, allow_nan=False)
    except (TypeError, ValueError, RecursionError):
        return True
    return False


def _culprit(data: Mapping[str, Any], wrong: Any) -> str:
    return next((name for name, value in data.items() if wrong(value)), "")


def note(unsent: AllUnsent, more: Mapping[str, Mapping[str, Unsent]]) -> None:
    """Add what was found to be unsendable."""
    for label, found in more.items():
        known = unsent.setdefault(label, {})
        known |= {key: one.joined(known.get(key)) for key, one in found.items()}


def release(unsent: AllUnsent, keys: Mapping[str, Iterable[str]]) -> None:
    """Forget these: they are sent again, or gone."""
    for label, some in keys.items():
        for key in some:
            unsent.get(label, {}).pop(key, None)
        if not unsent.get(label):
            unsent.pop(label, None)


def now_small_enough(unsent: AllUnsent, limit: int | None) -> dict[str, list[str]]:
    """The keys of records that were too large for less than is taken now."""
    found = {
        label: [key for key, one in some.items() if one.limit and (limit is None or limit > one.limit)]
        for label, some in unsent.items()
    }
    return {label: keys for label, keys in found.items() if keys}


def send_again(
    storage: ArrivalStorage, unsent: AllUnsent, keys: Mapping[str, Iterable[str]], place: int
) -> None:
    """Let records come to the end of the node's order of arrival, as if all of them were new.

    They are `unsent` no longer, but for those that a plain storage refuses to note so: these are tried again.
    """
    for label, some in keys.items():
        refused: set[str] = set()
        again = getattr(storage, "send_again", None)
        if again is not None:
            again(label, list(some), place)
        else:
            records = storage.get_records(label, list(some))
            for record in records.values():
                record.received_at, record.arrivals = place, {WHOLE: place}
            refused = set(storage.upsert_many(label, records)) if records else set()
        release(unsent, {label: [key for key in some if key not in refused]})
        for key in refused:
            unsent[label][key] = Unsent(unsent[label][key].fields, "its place could not be noted", limit=1)


def read_unsent(data: Any) -> AllUnsent:
    """What `unsent_as_json` gave."""
    return {
        label: {key: Unsent(tuple(fields), reason, limit) for key, (fields, reason, limit) in some.items()}
        for label, some in (data or {}).items()
    }


def unsent_as_json(unsent: AllUnsent) -> dict[str, Any]:
    """JSON values."""
    return {
        label: {key: [list(one.fields), one.reason, one.limit] for key, one in some.items()}
        for label, some in unsent.items()
        if some
    }
