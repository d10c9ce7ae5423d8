"""What a node remembers of a peer between two exchanges, beside the records themselves."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from tasks.database.records.held import HeldList, HeldRecord
from tasks.database.records.manifest import ModelPayload
from tasks.database.records.marks import Mark, Marks, Told, new_mark, read_marks
from tasks.database.records.record import SyncRecord
from tasks.database.storages.guard import Kind, counts_as_json, counts_of_json
from tasks.database.storages.storage import ArrivalStorage
from tasks.database.storages.unsent import RECORD_BYTES_MAX_DEFAULT, AllUnsent, read_unsent, unsent_as_json
from tasks.database.storages.view import Cursor, PeerView

#: More records than this that cannot be applied are a fault of the whole, not of single records.
HELD_MAX = 10_000


@dataclass
class Held:
    """What came from a peer and could not be applied, by model."""

    records: dict[str, dict[str, SyncRecord]] = field(default_factory=dict)
    deletes: dict[str, dict[str, int]] = field(default_factory=dict)
    #: As `SyncManifest.fresh`, for the records that are held.
    fresh: dict[str, dict[str, list[str]]] = field(default_factory=dict)
    #: The conflicts of each that were told already, by their marks.
    told: dict[str, dict[str, list[str]]] = field(default_factory=dict)
    #: Why each is held.
    reasons: dict[str, dict[str, str]] = field(default_factory=dict)

    def __len__(self) -> int:
        return sum(map(len, self.records.values())) + sum(map(len, self.deletes.values()))

    def up_to(self, stamp: int) -> Held:
        """What is held without the records and deletions with a stamp above this."""
        kept = Held(fresh=self.fresh, told=self.told, reasons=self.reasons)
        for label, records in self.records.items():
            kept.records[label] = {key: record for key, record in records.items() if record.newest <= stamp}
        for label, deletes in self.deletes.items():
            kept.deletes[label] = {key: at for key, at in deletes.items() if at <= stamp}
        return kept

    def payloads(self) -> dict[str, ModelPayload]:
        """All of it, by model."""
        return {
            label: ModelPayload(label, dict(self.records.get(label, {})), dict(self.deletes.get(label, {})))
            for label in sorted({*self.records, *self.deletes})
        }

    @staticmethod
    def read(data: Any) -> Held:
        """What `as_json` gave."""
        held = Held()
        for label, payload in (data or {}).items():
            for key, kept in payload["records"].items():
                held.records.setdefault(label, {})[key] = SyncRecord(key, kept["data"], kept["timestamps"])
                if kept.get("fresh") is not None:
                    held.fresh.setdefault(label, {})[key] = kept["fresh"]
            if payload.get("told"):
                held.told[label] = dict(payload["told"])
            if payload["deletes"]:
                held.deletes[label] = dict(payload["deletes"])
            if payload.get("reasons"):
                held.reasons[label] = dict(payload["reasons"])
        return held

    def as_json(self) -> dict[str, Any]:
        """JSON values."""
        result: dict[str, Any] = {}
        for label, payload in self.payloads().items():
            fresh = self.fresh.get(label, {})
            result[label] = {
                "records": {
                    key: {**record.to_dict(), "fresh": fresh.get(key)}
                    for key, record in payload.records.items()
                },
                "deletes": payload.deletes,
                "told": self.told.get(label, {}),
                "reasons": {
                    key: reason
                    for key, reason in self.reasons.get(label, {}).items()
                    if key in payload.records or key in payload.deletes
                },
            }
        return result


@dataclass
class PeerState:
    """How far this node and a peer are with each other.

    The two directions are apart: `received` is in the peer's order of arrival, `sent` in this node's own.
    """

    received: Cursor = field(default_factory=Cursor)
    sent: Cursor = field(default_factory=Cursor)
    #: Arrival stamps of what came from this peer, above `sent.floor`.
    own: set[int] = field(default_factory=set)
    held: Held = field(default_factory=Held)
    #: Records of this node that the peer does not get.
    unsent: AllUnsent = field(default_factory=dict)
    #: What the peer said last that it holds.
    theirs: HeldList = field(default_factory=HeldList)
    #: Bytes of one record that the peer takes, as it said last; 0: it did not say.
    takes: int = 0
    #: Seconds since 1970 by the peer's clock when it was heard last; 0 before, or where it does not say.
    heard: int = 0
    #: When the peer took stamps back last, as far as this node knows (see `SyncManifest.restamped`).
    restamped: int = 0
    #: What this node has told the peer of its own past.
    told: Told = field(default_factory=Told)
    #: The mark that was heard of the peer last.
    mark: Mark | None = None
    #: What the peer has destroyed here in the exchanges of a run that goes on, and whether a person let it through.
    toll: dict[Kind, int] = field(default_factory=dict)
    through: bool = False

    @staticmethod
    def load(storage: ArrivalStorage, node_id: str) -> PeerState:
        """What was saved last."""
        kept = storage.get_after_keys(node_id)
        return PeerState(
            received=Cursor.read(storage.get_checkpoint(node_id), _under("server:", kept)),
            sent=Cursor.read(kept.get("sent", 0), _under("collect:", kept)),
            own=set(kept.get("own", ())),
            held=Held.read(kept.get("held")),
            unsent=read_unsent(kept.get("unsent")),
            theirs=HeldList.read(kept.get("theirs")),
            takes=kept.get("takes", 0),
            heard=kept.get("heard", 0),
            restamped=kept.get("restamped", 0),
            told=Told(tuple(read_marks(kept.get("told", ()))), kept.get("since", 0)),
            mark=next(iter(read_marks([kept["mark"]] if "mark" in kept else [])), None),
            toll=counts_of_json(kept.get("toll", ())),
            through=kept.get("through", False),
        )

    def save(self, storage: ArrivalStorage, node_id: str) -> None:
        """Keep it, in the transaction that is open."""
        self.own = {stamp for stamp in self.own if stamp > self.sent.floor}
        kept: dict[str, Any] = {f"server:{label}": place for label, place in self.received.as_json().items()}
        kept |= {f"collect:{label}": place for label, place in self.sent.as_json().items()}
        kept["sent"] = self.sent.floor
        if self.heard:
            kept["heard"] = self.heard
        if self.restamped:
            kept["restamped"] = self.restamped
        if self.told.marks:
            kept["told"], kept["since"] = [list(mark) for mark in self.told.marks], self.told.since
        if self.mark is not None:
            kept["mark"] = list(self.mark)
        if self.toll:
            kept["toll"] = counts_as_json(self.toll)
        if self.through:
            kept["through"] = True
        if self.own:
            kept["own"] = sorted(self.own)
        if len(self.held):
            kept["held"] = self.held.as_json()
        if self.unsent:
            kept["unsent"] = unsent_as_json(self.unsent)
        if self.theirs:
            kept["theirs"] = self.theirs.as_json()
        if self.takes:
            kept["takes"] = self.takes
        storage.save_checkpoint(node_id, self.received.floor, kept)

    def all_held(self) -> Iterator[HeldRecord]:
        """All that this node holds of what is between it and the peer."""
        for label, some in self.unsent.items():
            for key, one in some.items():
                yield HeldRecord(label, key, one.reason, came=False)
        for label, payload in self.held.payloads().items():
            for key in [*payload.records, *payload.deletes]:
                reason = self.held.reasons.get(label, {}).get(key, "it could not be applied")
                yield HeldRecord(label, key, reason, came=True)

    def hear(self, time: int, restamped: Mapping[int, int]) -> None:
        """Note the peer's time; what it has taken back since it was heard last is held no longer."""
        self.heard = time
        unheard = [above for at, above in restamped.items() if at > self.restamped]
        if unheard:
            self.restamped = max(restamped)
            self.held = self.held.up_to(min(unheard))

    def tell(self, place: int, generation: str) -> Mark:
        """The mark of an exchange that is about to be told."""
        mark = new_mark(place, generation)
        self.told = self.told.and_then(mark)
        return mark

    def hear_marks(self, marks: Marks | None) -> None:
        """Note the peer's mark. Where the peer was set back, it may not have what it once made and sent here."""
        if marks is not None and marks.mark is not None:
            if not marks.of_one_who_knows(self.mark):
                self.own = set()
            self.mark = marks.mark

    def start_over(self) -> None:
        """The peer was set back since it was heard last: it has nothing for certain of what it was sent."""
        self.sent, self.own = Cursor(), set()

    def view(self, **more: Any) -> PeerView:
        """What the peer has of this node's records."""
        unsent = {
            label: {key: one.fields for key, one in some.items()} for label, some in self.unsent.items()
        }
        takes = self.takes or RECORD_BYTES_MAX_DEFAULT
        return PeerView(has=self.sent, own=frozenset(self.own), unsent=unsent, takes=takes, **more)


def _under(prefix: str, kept: dict[str, Any]) -> dict[str, Any]:
    return {name.removeprefix(prefix): value for name, value in kept.items() if name.startswith(prefix)}
