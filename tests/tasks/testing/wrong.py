"""Tasks with one mistake each, of the kind that people make."""

from __future__ import annotations

import itertools
from datetime import datetime
from typing import Any

from tasks import Changes, Listing, State
from tests.tasks.testing.examples import AsyncContacts, Book, Contacts


class DropsOnCreate(Contacts):
    def other_create_obj(self, **kwargs: Any) -> Any:
        return self.other.add({**kwargs, "birthday": None})


class UpdatesNothing(Contacts):
    def other_update_obj(self, obj: Any, attr: str, value: Any) -> Any:
        return None


class UpdatesOneAttributeOnly(Contacts):
    def notion_update_obj(self, obj: Any, attr: str, value: Any) -> Any:
        if attr != "Born":
            super().notion_update_obj(obj, attr, value)


class ReplacesTheWhole(Contacts):
    def other_update_obj(self, obj: Any, attr: str, value: Any) -> Any:
        blank = {"full_name": "", "birthday": None, "email": obj["email"]}
        obj.update(self.other.change(obj["id"], {**blank, attr: value}))


class UnstableHash(Contacts):
    numbers = itertools.count()

    def other_hash(self, obj: Any) -> Any:
        return f"{obj['email']} {next(self.numbers)}"


class UnlikeHashes(Contacts):
    def other_hash(self, obj: Any) -> Any:
        return obj["email"]


class ReadsOnePageOnly(Contacts):
    def get_notion_objects(self) -> Any:
        return self.notion.all()[:5]


class SometimesListsLess(Contacts):
    turns = itertools.count()

    def get_other_objects(self) -> Any:
        cards = self.other.all()
        return cards[:-1] if len(cards) > 1 and next(self.turns) % 7 == 6 else cards


class NeverListsAll(Contacts):
    def get_other_objects(self) -> Any:
        return Listing(self.other.all(), partial="there may be more")


class DeletesNothing(Contacts):
    def notion_delete_obj(self, obj: Any) -> Any:
        return None


class HidesInsteadOfDeleting(Contacts):
    """A card that is in the bin comes out of it with the next card that is made."""

    def __init__(self) -> None:
        super().__init__()
        self.bin: dict[str, dict[str, Any]] = {}

    def other_delete_obj(self, obj: Any) -> Any:
        self.bin[obj["id"]] = self.other.cards.pop(obj["id"])

    def other_create_obj(self, **kwargs: Any) -> Any:
        self.other.cards.update(self.bin)
        self.bin.clear()
        return super().other_create_obj(**kwargs)


class DeletesAnother(Contacts):
    def other_delete_obj(self, obj: Any) -> Any:
        self.other.remove(next(iter(reversed(self.other.cards))))


class NeverSaysGone(Contacts):
    def other_is_gone(self, obj_id: str) -> bool:
        return False


class NaiveTimes(Contacts):
    def other_timestamp(self, obj: Any) -> Any:
        return obj["edited"].replace(tzinfo=None)


class TimesAsText(Contacts):
    def notion_timestamp(self, obj: Any) -> Any:
        return obj["edited"].isoformat()


class TimesOfCreation(Contacts):
    def notion_create_obj(self, **kwargs: Any) -> Any:
        card = super().notion_create_obj(**kwargs)
        self.notion.cards[card["id"]]["made"] = card["edited"]
        return {**card, "made": card["edited"]}

    def notion_timestamp(self, obj: Any) -> Any:
        return obj["made"]


class ReturnsNothing(Contacts):
    def notion_create_obj(self, **kwargs: Any) -> Any:
        super().notion_create_obj(**kwargs)


class NewIdWithEachEdit(Contacts):
    def other_update_obj(self, obj: Any, attr: str, value: Any) -> Any:
        card = self.other.cards.pop(obj["id"])
        self.other.add({**card, attr: value, "id": f"{card['id']}x"})


class ReplacesByDeleteAndCreate(Contacts):
    """In place of an update, in its own step."""

    def sync_state_changes(self, state: State, notion_objs: Any, other_objs: Any) -> State:
        for left_id, right_id in list(state.ids.items()):
            card = self.notion.cards.get(left_id)
            if card is None or right_id not in self.other.cards:
                continue
            values = {name: card[mine] for mine, name in self.attr_map.items()}
            if values != {name: self.other.cards[right_id][name] for name in values}:
                self.other_delete_obj({"id": right_id})
                state.ids[left_id] = self.other_create_obj(**values)["id"]
        return state


class Capitals(Contacts):
    def other_create_obj(self, **kwargs: Any) -> Any:
        return super().other_create_obj(**{**kwargs, "full_name": kwargs["full_name"].upper()})

    def other_update_obj(self, obj: Any, attr: str, value: Any) -> Any:
        super().other_update_obj(obj, attr, value.upper() if attr == "full_name" else value)


class GrowsWithEachWrite(Contacts):
    def notion_update_obj(self, obj: Any, attr: str, value: Any) -> Any:
        super().notion_update_obj(obj, attr, f"{value} " if attr == "Name" and value else value)


class LacksAnAttribute(Contacts):
    def notion_to_dict(self, obj: Any) -> Any:
        return {"Name": obj["Name"], "Mail": obj["Mail"]}


class NotionAlwaysWins(Contacts):
    """Its own step copies from Notion and does not look whether the other side was edited."""

    def sync_state_changes(self, state: State, notion_objs: Any, other_objs: Any) -> State:
        for left_id, right_id in state.ids.items():
            if left_id in notion_objs and right_id in other_objs:
                for mine, theirs in self.attr_map.items():
                    if notion_objs[left_id][mine] != other_objs[right_id][theirs]:
                        self.other_update_obj(other_objs[right_id], theirs, notion_objs[left_id][mine])
                state.objs[left_id] = self.notion_to_dict(notion_objs[left_id])
                state.others.pop(left_id, None)
        return state


class ResolvesIntoTheWrongAttribute(Contacts):
    def resolve_conflict(self, notion_obj: Any, other_obj: Any, notion_attr: str, other_attr: str) -> Any:
        value = notion_obj[notion_attr]
        if notion_attr == "Born":
            self.other_update_obj(other_obj, "full_name", str(value))
        return value


class DeletesWhatWasEdited(Contacts):
    """Its own step carries deletions across and does not look for edits there."""

    def sync_notion_deleted(self, state: State, notion_objs: Any, other_objs: Any) -> State:
        for left_id, right_id in list(state.ids.items()):
            if left_id not in self.notion.cards:
                if right_id in self.other.cards:
                    self.other_delete_obj({"id": right_id})
                for part in (state.ids, state.objs, state.others):
                    part.pop(left_id, None)
        return state


class StopsAtTheFirstFailure(Contacts):
    """Its own step goes pair by pair, and the first that fails ends it."""

    def sync_state_changes(self, state: State, notion_objs: Any, other_objs: Any) -> State:
        for left_id, right_id in list(state.ids.items()):
            if left_id in notion_objs and right_id in other_objs:
                state = super().sync_state_changes(
                    state, {left_id: notion_objs[left_id]}, {right_id: other_objs[right_id]}
                )
                ours, theirs = self.notion.cards[left_id], self.other.cards[right_id]
                if any(ours[mine] != theirs[name] for mine, name in self.attr_map.items()):
                    return state
        return state


class MakesWhatAPartialListingHides(Contacts):
    """Its own step makes whatever is not linked, though a counterpart may just be unseen."""

    def sync_notion_created(self, state: State, notion_objs: Any) -> State:
        for left_id, card in sorted(notion_objs.items()):
            if left_id not in state.ids:
                values = {theirs: card[mine] for mine, theirs in self.attr_map.items()}
                state.ids[left_id] = self.other_create_obj(**values)["id"]
                state.objs[left_id] = self.notion_to_dict(card)
        return state


class ReturnsTheOldObject(AsyncContacts):
    async def other_update_attrs(self, obj: Any, changes: dict[str, Any]) -> Any:
        self.other.change(obj["id"], changes)
        return obj


class ChangesWithoutEdits(AsyncContacts):
    """Names what was made since the cursor, and not what was edited."""

    known = 0

    async def notion_changes(self, cursor: Any) -> Changes:
        first_time = [card for card in self.notion.log[cursor:] if card not in self.notion.log[:cursor]]
        cards = [dict(card) for card_id, card in self.notion.cards.items() if card_id in first_time]
        return Changes(cards, (), len(self.notion.log))


class ListsWithWrites(Contacts):
    """Puts something in order while it only should look, which each time is an edit."""

    def get_other_objects(self) -> Any:
        for card_id, card in self.other.cards.items():
            if card["full_name"] == "a":
                self.other.change(card_id, {"full_name": "A"})
        return self.other.all()


class UndeclaredDates(Contacts):
    """The other side has no time of day, and nobody said so."""

    def other_create_obj(self, **kwargs: Any) -> Any:
        return self.other.add({**kwargs, "birthday": _day(kwargs["birthday"])})

    def other_update_obj(self, obj: Any, attr: str, value: Any) -> Any:
        obj.update(self.other.change(obj["id"], {attr: _day(value) if attr == "birthday" else value}))


def _day(value: Any) -> Any:
    return value.date() if isinstance(value, datetime) else value


__all__ = ["Book"]
