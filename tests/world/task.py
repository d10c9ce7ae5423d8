"""A task between the two services of a world, and the journal that survives its crashes."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from tasks import ConflictMode, Listing, SyncTask
from tasks.journal.contract import Proof
from tasks.journal.ledger import LedgerEntry
from tasks.journal.state import State
from tasks.journal.state_journal import StateJournal
from tests.world.services import FIELDS, NATIVE, SIDES, Obj, fold, joined, opposite
from tests.world.world import World


class WorldTask(SyncTask):
    """A task between the two services of a world; all coroutines, since threads would make runs differ."""

    def __init__(
        self,
        world: World,
        mode: ConflictMode = ConflictMode.NEWER,
        name: str = "world",
        attributes: tuple[str, ...] = FIELDS,
    ) -> None:
        super().__init__(name, {attr: NATIVE[attr] for attr in ("Token", *attributes)}, mode)
        self.world = world
        traits = world.traits
        self.edit_beats_delete = not traits.delete_wins
        self.resolver = (lambda dispute: joined(dispute.notion, dispute.other)) if traits.resolver else None
        if traits.owned in attributes:
            self.conflict_modes = {traits.owned: ConflictMode.OTHER}
        self.full_listing_every = timedelta(days=5)
        if traits.deltas:  # a change may be told of late: until the next full listing
            self.notion_settling = self.other_settling = timedelta(days=6)

    def scope(self) -> str:
        return " ".join(sorted(self.world.filtered))

    async def notion_changes(self, cursor: Any) -> Any:
        return self.world.changed("notion", cursor) if self.world.traits.deltas else NotImplemented

    async def other_changes(self, cursor: Any) -> Any:
        return self.world.changed("other", cursor) if self.world.traits.deltas else NotImplemented

    async def notion_get_obj(self, obj_id: str) -> Obj | None:
        return self.world.one("notion", obj_id)

    async def other_get_obj(self, obj_id: str) -> Obj | None:
        return self.world.one("other", obj_id)

    async def get_notion_objects(self) -> Listing:
        return self.world.listing("notion")

    async def get_other_objects(self) -> Listing:
        return self.world.listing("other")

    async def notion_id(self, obj: Obj) -> str:
        return obj.id

    async def other_id(self, obj: Obj) -> str:
        return obj.id

    async def notion_hash(self, obj: Obj) -> str:
        return self._hash(obj)

    async def other_hash(self, obj: Obj) -> str:
        return self._hash(obj)

    async def notion_timestamp(self, obj: Obj) -> datetime:
        return obj.edited

    async def other_timestamp(self, obj: Obj) -> datetime:
        return obj.edited

    async def notion_to_dict(self, obj: Obj) -> dict[str, Any]:
        return self._shown("notion", obj)

    async def other_to_dict(self, obj: Obj) -> dict[str, Any]:
        return {NATIVE[name]: value for name, value in self._shown("other", obj).items()}

    def _hash(self, obj: Obj) -> str:
        token = str(obj.values["Token"])
        return token + "/" + fold(obj.values["Title"]) if self.world.traits.titled else token

    def _shown(self, side: str, obj: Obj) -> dict[str, Any]:
        unseen = {"Note"} if side in self.world.drifted else set()
        return {name: value for name, value in obj.values.items() if name not in unseen}

    async def notion_is_gone(self, obj_id: str) -> bool:
        return self.world.is_gone("notion", obj_id)

    async def other_is_gone(self, obj_id: str) -> bool:
        return self.world.is_gone("other", obj_id)

    async def notion_create_keyed(self, key: str, values: dict[str, Any]) -> Obj:
        return await answered(self.world.create("notion", values, key))

    async def other_create_keyed(self, key: str, values: dict[str, Any]) -> Obj:
        return await answered(self.world.create("other", common(values), key))

    async def notion_create_obj(self, **kwargs: Any) -> Obj:
        raise NotImplementedError

    async def other_create_obj(self, **kwargs: Any) -> Obj:
        raise NotImplementedError

    async def notion_update_attrs(self, obj: Obj, changes: dict[str, Any]) -> Any:
        if self.world.traits.piecemeal:
            return NotImplemented
        return await answered(self.world.update("notion", obj, changes))

    async def other_update_attrs(self, obj: Obj, changes: dict[str, Any]) -> Any:
        if self.world.traits.piecemeal:
            return NotImplemented
        return await answered(self.world.update("other", obj, common(changes)))

    async def notion_update_obj(self, obj: Obj, attr: str, value: Any) -> None:
        await answered(self.world.update("notion", obj, {attr: value}))

    async def other_update_obj(self, obj: Obj, attr: str, value: Any) -> None:
        await answered(self.world.update("other", obj, common({attr: value})))

    async def notion_delete_obj(self, obj: Obj) -> None:
        await answered(self.world.delete("notion", obj))

    async def other_delete_obj(self, obj: Obj) -> None:
        await answered(self.world.delete("other", obj))


async def answered(answer: Any) -> Any:
    """An answer that takes its time to arrive, so that other calls come in between."""
    await asyncio.sleep(0)
    return answer


def common(values: dict[str, Any]) -> dict[str, Any]:
    names = {native: name for name, native in NATIVE.items()}
    return {names[native]: value for native, value in values.items()}


class WorldJournal(StateJournal):
    """A journal that survives crashes of a world, each call an effect that can be crashed around."""

    #: Few, so that the runs of a world have several batches, and crash between them.
    batch = 2

    def __init__(self, world: World) -> None:
        super().__init__(State())
        self.world = world
        world.links, world.intents = self.state.ids, self.state.intents

    async def begin(self, intent: Any, effect: Any = None) -> None:
        if intent is None:  # a deletion
            doomed = self.world.sides[SIDES[effect.side]].get(effect.target_id)
            with self.world.entry("before-image", "-"):
                await super().begin(intent, effect)
            if doomed is not None:
                self.world.lose_lock("delete", self.world.rule_of(doomed.values["Token"], []))
            return
        target = self.world.sides[SIDES[intent.side]].get(intent.target_id or "")
        source = self.world.sides[opposite(SIDES[intent.side])].get(intent.source_id)
        token = target.values["Token"] if target else intent.values.get("Token")
        if token is None and source is not None:  # deleted while the engine is at it
            token = source.values["Token"]
        action = "create" if intent.target_id is None else "update"
        rule = self.world.rule_of(token, list(intent.values))
        with self.world.entry("begin", rule):
            await super().begin(intent, effect)
            self.world.unconfirmed |= {("notion", token), ("other", token)}
        self.world.lose_lock(action, rule)
        await asyncio.sleep(0)

    async def confirm_all(self, proofs: Sequence[Proof]) -> None:
        assert len(proofs) <= self.batch
        puts = [proof.put for proof in proofs if proof.put is not None]
        dropped = any(proof.drop is not None for proof in proofs)
        self.world.in_batch(len(proofs))
        call = "batch" if len(proofs) > 1 else "put" if puts else "drop" if dropped else "settle"
        with self.world.entry(call, "-"):
            before = self.open_tokens()
            await super().confirm_all(proofs)
            tokens = before - self.open_tokens()
            for put in puts:
                token = put.left["Token"]
                tokens |= {token} - self.open_tokens()
                self.world.linked[token] = self.world.now
                for name in put.left.keys() & put.right.keys():
                    agreed = {"notion": put.left[name], "other": put.right[name]}
                    if self.world.based.get((token, name), (0, None))[1] != agreed:
                        self.world.based[token, name] = (self.world.now, agreed)
            self.world.unconfirmed -= {(side, token) for side in self.world.sides for token in tokens}
        await asyncio.sleep(0)

    def open_tokens(self) -> set[str]:
        """What is written and not proved yet."""
        found = set()
        for intent in self.state.intents.values():
            target = self.world.sides[SIDES[intent["side"]]].get(intent["target_id"] or "")
            source = self.world.sides[opposite(SIDES[intent["side"]])].get(intent["source_id"])
            found |= {obj.values["Token"] for obj in (target, source) if obj is not None}
        return found

    async def keep_conflict(self, entry: LedgerEntry) -> None:
        with self.world.entry("keep", SIDES.get(entry.rule, entry.rule)):
            self.world.judge_claim(entry)
            self.world.ledger.append(entry)
        await asyncio.sleep(0)

    async def remember(self, memory: Any, **kwargs: Any) -> None:
        with self.world.entry("remember", "-"):
            await super().remember(memory, **kwargs)
