"""What recordings show of the objects that were there before they began."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from recordings.cassette import Interaction

Json = dict[str, Any]
KINDS = frozenset({"page", "data_source", "database", "user", "block", "comment", "view"})
_SOURCES_SINCE = "2025-09-03"
_CREATES = frozenset(
    {("POST", name) for name in ("pages", "databases", "data_sources", "comments", "file_uploads", "views")}
)


@dataclass(frozen=True)
class _Sight:
    cassette: str
    number: int
    doc: Json
    #: Whether it is from the time when a database was its only data source.
    before_sources: bool


class Knowledge:
    """Where an object is shown, over all cassettes."""

    def __init__(self, cassettes: dict[str, list[Interaction]]) -> None:
        self._sights: defaultdict[str, list[_Sight]] = defaultdict(list)
        self._writes: defaultdict[str, list[int]] = defaultdict(list)
        for name, interactions in cassettes.items():
            for number, interaction in enumerate(interactions):
                if not interaction.reads:
                    self._writes[name].append(number)
                if interaction.status < 400:
                    for doc in shown(interaction.answer):
                        old = interaction.version < _SOURCES_SINCE
                        self._sights[doc["id"]].append(_Sight(name, number, doc, old))

    def of(self, object_id: str, cassette: str, number: int, version: str) -> Json | None:
        """The object as an answer other than this one shows it: before the next write, or in another cassette."""
        until = next((write for write in self._writes[cassette] if write > number), None)
        sights = [
            sight for sight in self._sights[object_id] if sight.before_sources == (version < _SOURCES_SINCE)
        ]
        near = [
            sight.doc
            for sight in sights
            if sight.cassette == cassette
            and sight.number > number
            and (until is None or sight.number < until)
        ]
        far = [sight.doc for sight in sights if sight.cassette != cassette]
        return next(iter([*near, *far]), None)


def shown(answer: Any) -> list[Json]:
    """The whole objects of an answer."""
    if not isinstance(answer, dict):
        return []
    listed = answer["results"] if isinstance(answer.get("results"), list) else [answer]
    return [doc for doc in listed if isinstance(doc, dict) and whole(doc)]


def whole(doc: Json) -> bool:
    """Whether an object is shown with what it holds, not only named."""
    if not isinstance(doc.get("id"), str) or str(doc.get("object")) not in KINDS:
        return False
    return "name" in doc if doc["object"] == "user" else isinstance(doc.get("parent"), dict)


def creates(interaction: Interaction) -> bool:
    """Whether the request makes the objects of its answer."""
    append = interaction.method == "PATCH" and interaction.path.endswith("/children")
    snapshot = interaction.method == "POST" and interaction.path.endswith("/queries")
    return append or snapshot or (interaction.method, interaction.path) in _CREATES


def made_ids(interaction: Interaction) -> set[str]:
    """The ids of what a request made, by its answer; of an answer to an append what comes after that was there."""
    answer = interaction.answer
    if not creates(interaction) or not isinstance(answer, dict):
        return set()
    listed = _list(answer.get("results")) if answer.get("object") == "list" else [answer]
    if interaction.path.endswith("/children") and isinstance(interaction.body, dict):
        listed = listed[: len(_list(interaction.body.get("children")))]
    inside = [source for doc in listed if isinstance(doc, dict) for source in _list(doc.get("data_sources"))]
    return {
        doc["id"] for doc in [*listed, *inside] if isinstance(doc, dict) and isinstance(doc.get("id"), str)
    }


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


def find(value: Any, wanted: Any) -> Iterable[Json]:
    """All parts of an answer that are objects of a kind."""
    if isinstance(value, list):
        for item in value:
            yield from find(item, wanted)
    elif isinstance(value, dict):
        if wanted(value):
            yield value
        for item in value.values():
            yield from find(item, wanted)
