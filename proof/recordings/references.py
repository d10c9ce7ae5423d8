"""What recorded requests refer to."""

from __future__ import annotations

from typing import Any

from recordings.cassette import Interaction
from recordings.idmap import UUID
from recordings.knowledge import find, made_ids, whole


def is_user(doc: dict[str, Any]) -> bool:
    """Whether part of a body or answer is a user."""
    return doc.get("object") == "user" and isinstance(doc.get("id"), str)


def dashed(value: str) -> str:
    """An id with its dashes."""
    plain = value.replace("-", "")
    return "-".join((plain[:8], plain[8:12], plain[12:16], plain[16:20], plain[20:]))


def references(body: Any) -> list[str]:
    """The pages that a body relates to or mentions."""
    relations = find(body, lambda doc: isinstance(doc.get("relation"), list))
    mentions = find(body, lambda doc: isinstance(doc.get("page"), dict) and "id" in doc["page"])
    ids = [page["id"] for doc in relations for page in doc["relation"]] + [
        doc["page"]["id"] for doc in mentions
    ]
    return [dashed(page_id) for page_id in ids]


def relation_targets(body: Any) -> list[str]:
    """The data sources that relation columns in a body lead to."""
    relations = [doc["relation"] for doc in find(body, lambda doc: isinstance(doc.get("relation"), dict))]
    return [
        dashed(each["data_source_id"]) for each in relations if isinstance(each.get("data_source_id"), str)
    ]


def authors(interactions: list[Interaction]) -> list[str]:
    """Who made what the recorded requests made, or edited what they edited last."""
    made: set[str] = set()
    found, edited = [], []
    for interaction in interactions:
        made |= made_ids(interaction)
        for doc in find(interaction.answer, lambda doc: isinstance(doc.get("id"), str)):
            if doc["id"] in made:
                found.append(_author(doc, "created_by"))
        if not interaction.reads and isinstance(interaction.answer, dict):
            edited.append(_author(interaction.answer, "last_edited_by"))
    return [author for author in found + edited if author]


def _author(doc: dict[str, Any], key: str) -> str | None:
    author = doc.get(key)
    author_id = author.get("id") if isinstance(author, dict) else None
    return author_id if isinstance(author_id, str) else None


def start_cursor(interaction: Interaction) -> str | None:
    """The recorded cursor that a request goes on from."""
    body = interaction.body if isinstance(interaction.body, dict) else {}
    cursor = body.get("start_cursor") or dict(interaction.query).get("start_cursor")
    return cursor if isinstance(cursor, str) else None


def path_id(interaction: Interaction) -> str | None:
    """The recorded id of the object that the path is about."""
    parts = interaction.path.split("/")
    return dashed(parts[1]) if len(parts) > 1 and UUID.fullmatch(parts[1]) else None


def named_ids(interaction: Interaction) -> set[str]:
    """The recorded ids that the request names, in its path or as a parent."""
    holders = find(interaction.body, lambda doc: isinstance(doc.get("parent"), dict))
    ids = [value for doc in holders for key, value in doc["parent"].items() if key.endswith("_id")]
    ids += view_places(interaction).values()
    return {dashed(value) for value in [*ids, path_id(interaction)] if isinstance(value, str)}


def around_appended(interaction: Interaction) -> tuple[str | None, list[dict[str, Any]]]:
    """The block behind which others are put, and those that were there and follow them in the answer."""
    body, answer = interaction.body, interaction.answer
    if not (interaction.path.endswith("/children") and isinstance(body, dict) and isinstance(answer, dict)):
        return None, []
    position = body.get("position") or {}
    after = body.get("after") or (position.get("after_block") or {}).get("id")
    made = made_ids(interaction)
    following = [doc for doc in answer.get("results", []) if doc["id"] not in made and whole(doc)]
    return (dashed(after) if isinstance(after, str) else None), following


def view_places(interaction: Interaction) -> dict[str, str]:
    """The database and data source whose views are made or listed, by the key that names them."""
    if interaction.path != "views":
        return {}
    body = interaction.body if isinstance(interaction.body, dict) else {}
    named = {**body, **dict(interaction.query)}
    return {
        key: dashed(named[key])
        for key in ("database_id", "data_source_id")
        if isinstance(named.get(key), str)
    }
