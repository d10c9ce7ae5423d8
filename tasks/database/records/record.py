"""One record as it travels between nodes: its fields, and when each was edited last."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from itertools import chain
from json import JSONEncoder
from json import encoder as _json
from typing import Any

from tasks.database.exceptions import InvalidParameterError, RecordFieldError

#: The largest stamp: what a signed 64-bit column holds.
STAMP_MAX = 2**63 - 1

#: The name in `arrivals` under which the record came here as a whole.
WHOLE = ""

_encoder = JSONEncoder(sort_keys=True, ensure_ascii=True, allow_nan=False)
_make: Any = getattr(_json, "c_make_encoder", None)
#: What `_encoder` makes anew for each object, which takes longer than the object: it may be used for all.
_chunks: Any = _make and _make(
    None, _encoder.default, _json.encode_basestring_ascii, None, ": ", ", ", True, False, False
)


def _encode(value: dict[str, Any]) -> str:
    return "".join(_chunks(value, 0)) if _chunks is not None else _encoder.encode(value)


class _StampTexts:
    """JSON of the stamps of many records, which are often those of the record before."""

    def __init__(self) -> None:
        self._last: tuple[dict[str, int], str] = ({}, "{}")  # replaced as one: threads share it

    def encode(self, stamps: dict[str, int]) -> str:
        """Their text."""
        known, text = self._last
        if stamps != known:
            text = _encode(stamps)
            self._last = stamps.copy(), text
        return text


_stamps = _StampTexts()


def checked_stamp(value: Any, what: str, error: type[Exception], *, kind: str = "an integer") -> int:
    """A stamp as it should be: a whole number from 0 to 2**63 - 1.

    Raises:
        error: it is not.
    """
    if not isinstance(value, int) or isinstance(value, bool):
        raise error(f"{what} must be {kind}, got {type(value).__name__}")
    if value < 0:
        raise error(f"{what} must be non-negative, got {value}")
    if value > STAMP_MAX:
        raise error(f"{what} must be less than 2**63")
    return value


@dataclass(slots=True)
class SyncRecord:
    """A record of one model.

    `timestamps` name the edit of each field by the editing node's clock and decide which edit is newer.
    `received_at` and `arrivals` are in the order in which things came to this node and decide what a peer has
    still to receive; they do not travel.
    """

    key: str
    data: dict[str, Any]
    timestamps: dict[str, int]
    #: When the record came here or changed here last, by this node's clock; 0 for what was made here.
    received_at: int = field(default=0, compare=False)
    #: When single fields came here, where that is not the time of their edit; `WHOLE` stands for all others.
    #: Where that is not said, they came with the record, as far as anybody knows: at `received_at`.
    arrivals: dict[str, int] = field(default_factory=dict, compare=False, repr=False)
    #: The record as `encode` gave it, from where on nobody changes it; None: it was not asked for yet.
    text: str | None = field(default=None, init=False, compare=False, repr=False)

    def __post_init__(self) -> None:
        if self.key == "":
            raise InvalidParameterError("SyncRecord key must be a non-empty string")
        if self.received_at < 0:
            raise InvalidParameterError(f"received_at must be non-negative, got {self.received_at}")

    @property
    def sync_field_last_modified(self) -> int:
        """The record's place in this node's order of arrival."""
        return max(self.newest, self.received_at)

    @property
    def newest(self) -> int:
        """The stamp of the newest edit."""
        return max(self.timestamps.values(), default=0)

    @property
    def whole_arrival(self) -> int:
        """When the fields came here that `arrivals` does not name, where that was after their edit."""
        return self.arrivals.get(WHOLE, self.received_at)

    def arrival(self, name: str) -> int:
        """When the field came to this node."""
        came = self.arrivals.get(name)
        if came is None:
            came = self.whole_arrival
        return max(self.timestamps.get(name, 0), came)

    def move(self, place: int, names: Iterable[str]) -> None:
        """Give the record another place in the order of arrival, because of these fields; the others stay."""
        self.arrivals = {WHOLE: self.whole_arrival, **self.arrivals, **dict.fromkeys(names, place)}
        self.received_at = place

    @classmethod
    def from_dict(cls, key: str, data: dict[str, Any]) -> SyncRecord:
        """The record of what a peer sent.

        Raises:
            RecordFieldError: it is no record.
        """
        if not isinstance(key, str) or key == "":
            raise RecordFieldError("SyncRecord key must be a non-empty string")
        if not isinstance(data, dict):
            raise RecordFieldError(f"Record {key!r} must be a dict, got {type(data).__name__}")
        record_data = data.get("data", {})
        timestamps = data.get("timestamps", {})
        if not isinstance(record_data, dict):
            raise RecordFieldError(f"Record {key!r}: 'data' must be a dict, got {type(record_data).__name__}")
        if not {*map(type, record_data)} <= _TEXT and not all(isinstance(name, str) for name in record_data):
            raise RecordFieldError(f"Record {key!r}: the names of 'data' must be strings")
        if not isinstance(timestamps, dict):
            raise RecordFieldError(
                f"Record {key!r}: 'timestamps' must be a dict, got {type(timestamps).__name__}"
            )
        received_at = data.get("received_at", 0)
        if received_at != 0 or type(received_at) is not int:
            checked_stamp(received_at, f"Record {key!r}: 'received_at'", RecordFieldError, kind="an int")
        for name, stamp in timestamps.items() if _doubtful(timestamps) else ():
            if not isinstance(name, str):
                raise RecordFieldError(f"Record {key!r}: timestamp key {name!r} must be a string")
            checked_stamp(stamp, f"Record {key!r}: timestamp for {name!r}", RecordFieldError, kind="an int")
        return cls(key=key, data=record_data, timestamps=timestamps, received_at=received_at)

    @classmethod
    def from_dicts(cls, data: dict[Any, Any]) -> dict[str, SyncRecord]:
        """As `from_dict`, of many records by key, which are mostly all right: that is looked at together."""
        if _sound(data):
            return {key: cls(key, each["data"], each["timestamps"]) for key, each in data.items()}
        return {key: cls.from_dict(key, each) for key, each in data.items()}

    def to_dict(self) -> dict[str, Any]:
        """What a peer is sent."""
        return {"data": self.data, "timestamps": self.timestamps}

    def encode(self) -> str:
        """What a peer is sent, as the text that the checksum is taken of.

        Raises:
            ValueError: a value has no JSON, such as NaN.
            TypeError: neither has its type.
        """
        if self.text is None:
            self.text = f'{{"data": {_encode(self.data)}, "timestamps": {_stamps.encode(self.timestamps)}}}'
        return self.text


_TEXT, _WHOLE_NUMBER, _OBJECT = {str}, {int}, {dict}
_PARTS = {"data", "timestamps"}


def _sound(records: dict[Any, Any]) -> bool:
    """Whether all of these are records without a doubt, and say nothing else of themselves."""
    each = records.values()
    if {*map(type, records)} != _TEXT or "" in records or {*map(type, each)} != _OBJECT:
        return False
    if any(one.keys() != _PARTS for one in each):
        return False
    stamps = [one["timestamps"] for one in each]
    objects = [*stamps, *(one["data"] for one in each)]
    if {*map(type, objects)} != _OBJECT or not {*map(type, chain.from_iterable(objects))} <= _TEXT:
        return False
    numbers = [*chain.from_iterable(one.values() for one in stamps)]
    return not numbers or (
        {*map(type, numbers)} == _WHOLE_NUMBER and min(numbers) >= 0 and max(numbers) <= STAMP_MAX
    )


def _doubtful(timestamps: dict[Any, Any]) -> bool:
    """Whether to look at each of them; together they are looked at in no time."""
    stamps = timestamps.values()
    if not stamps:
        return False
    plain = {*map(type, stamps)} == _WHOLE_NUMBER and {*map(type, timestamps)} == _TEXT
    return not (plain and min(stamps) >= 0 and max(stamps) <= STAMP_MAX)
