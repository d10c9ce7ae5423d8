"""What two nodes send each other in one exchange."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, field
from json.encoder import encode_basestring_ascii as quoted
from typing import Any

from tasks.database.exceptions import ManifestFieldError
from tasks.database.records.held import HeldList
from tasks.database.records.marks import Marks
from tasks.database.records.record import SyncRecord, checked_stamp

_PAYLOADS_MAX = 1000


@dataclass
class ModelPayload:
    """The records and tombstones of one model."""

    model_label: str
    records: dict[str, SyncRecord] = field(default_factory=dict)
    #: The stamps of deletions, by key.
    deletes: dict[str, int] = field(default_factory=dict)

    @classmethod
    def from_dict(cls, data: dict[str, Any]) -> ModelPayload:
        """The payload of what a peer sent.

        Raises:
            ManifestFieldError: a field is missing or wrong.
            RecordFieldError: so is one of a record.
        """
        if not isinstance(data, dict):
            raise ManifestFieldError(f"a payload must be a dict, got {type(data).__name__}")
        label = _text(data, "model_label", "ModelPayload")
        raw_records = data.get("records", {})
        if not isinstance(raw_records, dict):
            raise ManifestFieldError("'records' must be a dict")
        raw_deletes = data.get("deletes", {})
        if not isinstance(raw_deletes, dict):
            raise ManifestFieldError("'deletes' must be a dict")
        deletes: dict[str, int] = {}
        for key, tombstone in raw_deletes.items():
            if not isinstance(key, str):
                raise ManifestFieldError(f"delete key {key!r} must be a string")
            if key == "":
                raise ManifestFieldError("delete key must be a non-empty string")
            deletes[key] = checked_stamp(tombstone, f"delete tombstone for {key!r}", ManifestFieldError)
            if key in raw_records:
                raise ManifestFieldError(f"key {key!r} present in both 'records' and 'deletes'")
        return cls(model_label=label, records=SyncRecord.from_dicts(raw_records), deletes=deletes)

    def to_dict(self) -> dict[str, Any]:
        """What a peer is sent."""
        return {
            "deletes": dict(sorted(self.deletes.items())),
            "model_label": self.model_label,
            "records": {key: record.to_dict() for key, record in self.records.items()},
        }

    def encode(self) -> str:
        """What a peer is sent, as the text that the checksum is taken of.

        Raises:
            ValueError: a value has no JSON, such as NaN.
        """
        deletes = json.dumps(self.deletes, sort_keys=True)
        records = ", ".join(f"{quoted(key)}: {self.records[key].encode()}" for key in sorted(self.records))
        return (
            f'{{"deletes": {deletes}, "model_label": {quoted(self.model_label)}, "records": {{{records}}}}}'
        )


@dataclass
class SyncManifest:
    """One half of an exchange: what a node sends, and how far it has received.

    `checkpoint` is the place in the peer's order of arrival up to which its sender has everything, `after_keys`
    how much further it is in single models: `{label: [stamp, key]}`.
    """

    node_id: str
    checkpoint: int
    after_keys: dict[str, Any] = field(default_factory=dict)
    checksum: str = ""
    has_more: bool = False
    #: Seconds since 1970 by the sender's wall clock; 0 where it does not say.
    node_time: int = 0
    payloads: list[ModelPayload] = field(default_factory=list)
    #: Which fields of a record the receiver cannot have yet: `{label: {key: [field]}}`. A record that is not
    #: named is new in all its fields. `None`: the sender does not say.
    fresh: dict[str, dict[str, list[str]]] | None = None
    #: The sender only asks what would be done.
    dry_run: bool = False
    #: The answer holds everything from the start: the receiver was away for longer than deletions are kept.
    resync: int = 0
    #: Where the answer is to begin instead of at `checkpoint`, as `{"checkpoint": …, "after_keys": …}`: the sender
    #: has got that far, and has not kept it yet.
    ahead: dict[str, Any] | None = None
    #: When, in its order of arrival, the sender took stamps back, and above which. What the receiver holds with
    #: such stamps is void when it hears of that for the first time. It travels as a list of pairs.
    restamped: dict[int, int] = field(default_factory=dict)
    #: The sender was set back to an earlier state, as from a backup, since the receiver heard of it last: the
    #: receiver is to send it everything again. It is this exchange's place; 0: it was not.
    set_back: int = 0
    #: By what both notice such a thing; None: the sender does not say.
    marks: Marks | None = None
    #: What the sender holds of what is between the two, as it stands now.
    held: HeldList = field(default_factory=HeldList)
    #: The keys of all records that the sender has and cannot send, by model; told in a full comparison.
    unsent: dict[str, list[str]] = field(default_factory=dict)
    #: The most bytes of one record that the sender takes; 0: it does not say.
    takes: int = 0
    #: What the checksum was taken of, as `seal` left it.
    sealed: str = field(default="", init=False, compare=False, repr=False)
    #: The checksum was found to be right when the manifest came.
    intact: bool = field(default=False, init=False, compare=False, repr=False)

    def compute_checksum(self) -> str:
        """SHA-256 of what is synced, as hexadecimal digits."""
        body = json.dumps(self._serializable(), sort_keys=True, ensure_ascii=True).encode("utf-8")
        return hashlib.sha256(body).hexdigest()

    def seal(self) -> None:
        """Set the checksum, and keep the text that it was taken of for the wire: nothing is changed from here on.

        Every record is encoded once, here or before.
        """
        try:
            self.sealed = self._canonical()
        except ValueError:  # NaN has a checksum, though it cannot be sent
            self.checksum = self.compute_checksum()
        else:
            self.checksum = hashlib.sha256(self.sealed.encode("ascii")).hexdigest()

    def _canonical(self) -> str:
        """The same text as in `compute_checksum`."""
        payloads = ", ".join(payload.encode() for payload in self.payloads)
        head = json.dumps(
            {"checkpoint": self.checkpoint, "node_id": self.node_id, "node_time": self.node_time}
        )
        return f'{head[:-1]}, "payloads": [{payloads}]}}'

    def verify(self) -> bool:
        """Whether the checksum is there and right."""
        if not self.checksum:
            return False
        return self.checksum == self.compute_checksum()

    @classmethod
    def from_dict(cls, data: dict[str, Any]) -> SyncManifest:
        """The manifest of what a peer sent.

        Raises:
            ManifestFieldError: a field is missing or wrong.
            RecordFieldError: so is one of a record.
        """
        if not isinstance(data, dict):
            raise ManifestFieldError(f"a manifest must be a dict, got {type(data).__name__}")
        node_id = _text(data, "node_id", "SyncManifest")
        checkpoint = data.get("checkpoint")
        if checkpoint is None:
            raise ManifestFieldError("SyncManifest requires 'checkpoint'")
        checkpoint = checked_stamp(checkpoint, "'checkpoint'", ManifestFieldError)
        node_time = checked_stamp(data.get("node_time", 0), "'node_time'", ManifestFieldError)
        checksum = data.get("checksum", "")
        if not isinstance(checksum, str):
            raise ManifestFieldError("'checksum' must be a string")
        raw_payloads = data.get("payloads", [])
        if not isinstance(raw_payloads, list):
            raise ManifestFieldError("'payloads' must be a list")
        if len(raw_payloads) > _PAYLOADS_MAX:
            raise ManifestFieldError(f"'payloads' exceeds maximum of {_PAYLOADS_MAX}")
        payloads: dict[str, ModelPayload] = {}
        for raw_payload in raw_payloads:
            payload = ModelPayload.from_dict(raw_payload)
            if payload.model_label in payloads:
                raise ManifestFieldError(f"duplicate model_label: {payload.model_label!r}")
            payloads[payload.model_label] = payload
        after_keys = data.get("after_keys", {})
        return cls(
            node_id=node_id,
            checkpoint=checkpoint,
            after_keys=after_keys if isinstance(after_keys, dict) else {},
            checksum=checksum,
            has_more=_flag(data, "has_more"),
            node_time=node_time,
            payloads=list(payloads.values()),
            fresh=_fresh(data.get("fresh")),
            dry_run=_flag(data, "dry_run"),
            resync=checked_stamp(data.get("resync", 0), "'resync'", ManifestFieldError),
            ahead=_place(data.get("ahead")),
            set_back=checked_stamp(data.get("set_back", 0), "'set_back'", ManifestFieldError),
            restamped=_restamped(data.get("restamped", [])),
            marks=Marks.read(data.get("marks")),
            held=HeldList.read(data.get("held")),
            unsent=_unsent(data.get("unsent", {})),
            takes=checked_stamp(data.get("takes", 0), "'takes'", ManifestFieldError),
        )

    def to_dict(self) -> dict[str, Any]:
        """What a peer is sent."""
        return {**self._serializable(), **self.beside()}

    def beside(self) -> dict[str, Any]:
        """The part of it that the checksum does not cover."""
        result: dict[str, Any] = {}
        result["after_keys"] = self.after_keys
        result["checksum"] = self.checksum or self.compute_checksum()
        result["has_more"] = self.has_more
        if self.fresh is not None:
            result["fresh"] = self.fresh
        if self.dry_run:
            result["dry_run"] = True
        if self.resync:
            result["resync"] = self.resync
        if self.ahead is not None:
            result["ahead"] = self.ahead
        if self.set_back:
            result["set_back"] = self.set_back
        if self.marks is not None:
            result["marks"] = self.marks.as_json()
        if self.restamped:
            result["restamped"] = [list(pair) for pair in sorted(self.restamped.items())]
        if self.held:
            result["held"] = self.held.as_json()
        if self.unsent:
            result["unsent"] = self.unsent
        if self.takes:
            result["takes"] = self.takes
        return result

    def _serializable(self) -> dict[str, Any]:
        return {
            "checkpoint": self.checkpoint,
            "node_id": self.node_id,
            "node_time": self.node_time,
            "payloads": [payload.to_dict() for payload in self.payloads],
        }


def _text(data: dict[str, Any], name: str, owner: str) -> str:
    value = data.get(name)
    if value is None:
        raise ManifestFieldError(f"{owner} requires {name!r}")
    if not isinstance(value, str):
        raise ManifestFieldError(f"{name!r} must be a string")
    if not value:
        raise ManifestFieldError(f"{name!r} must be a non-empty string")
    return value


def _flag(data: dict[str, Any], name: str) -> bool:
    value = data.get(name, False)
    if not isinstance(value, bool):
        raise ManifestFieldError(f"{name!r} must be true or false")
    return value


def _place(value: Any) -> dict[str, Any] | None:
    if value is None:
        return None
    if not isinstance(value, dict) or not isinstance(value.get("after_keys"), dict):
        raise ManifestFieldError("'ahead' must be a dict of 'checkpoint' and 'after_keys'")
    checked_stamp(value.get("checkpoint"), "'checkpoint' of 'ahead'", ManifestFieldError)
    return value


def _fresh(value: Any) -> dict[str, dict[str, list[str]]] | None:
    if value is None:
        return None
    good = isinstance(value, dict) and all(
        isinstance(keys, dict)
        and all(
            isinstance(names, list) and all(isinstance(name, str) for name in names)
            for names in keys.values()
        )
        for keys in value.values()
    )
    if not good:
        raise ManifestFieldError("'fresh' must name fields by model and key")
    return value  # type: ignore[no-any-return]


def _unsent(value: Any) -> dict[str, list[str]]:
    good = isinstance(value, dict) and all(
        isinstance(keys, list) and all(isinstance(key, str) for key in keys) for keys in value.values()
    )
    if not good:
        raise ManifestFieldError("'unsent' must name keys by model")
    return value  # type: ignore[no-any-return]


def _restamped(value: Any) -> dict[int, int]:
    if not isinstance(value, list):
        raise ManifestFieldError("'restamped' must be a list of pairs of stamps")
    found: dict[int, int] = {}
    for pair in value:
        if not isinstance(pair, list) or len(pair) != 2:
            raise ManifestFieldError("'restamped' must be a list of pairs of stamps")
        at, above = (checked_stamp(stamp, "a stamp of 'restamped'", ManifestFieldError) for stamp in pair)
        found[at] = above
    return found
