"""Replays one cassette against a fresh sandbox over HTTP.

What was there before the recording began is put into the sandbox when a recorded answer reveals it. An answer
that only agrees after something of itself was put in counts as seeded. Ids that an answer to a creating request
brought up are never put in: the sandbox has to make those itself.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any
from urllib.parse import quote, unquote

import httpx

from recordings.cassette import Interaction
from recordings.compare import differences, normal
from recordings.idmap import IdMap
from recordings.knowledge import Knowledge, find, made_ids, whole
from recordings.references import (
    around_appended,
    authors,
    dashed,
    is_user,
    named_ids,
    path_id,
    references,
    relation_targets,
    start_cursor,
    view_places,
)
from recordings.stubs import page_of_item, stub_block, stub_database, stub_page, stub_source, stub_view
from sandbox.notion import PERSON_ID, ROOT_PAGE_ID, Sandbox

_TOKEN = "recorder"  # noqa: S105 - the sandbox lets any token in
UNAUTHORIZED = 401
#: What Notion answers in a mood of its own, whatever is asked. Without it the request would be carried out here.
_MOODS = frozenset({409, 429, 500, 502, 503, 504, 529})
#: What an answer of an unknown form may lead to.
_ODD = (LookupError, TypeError, AttributeError, ValueError, RecursionError, httpx.HTTPError, httpx.InvalidURL)
_LONGEST_LIST = 10_000
_NAMED = re.compile(r'your integration "([^"]+)"')
#: Answers show floored minutes; what a request does comes after what was done before it in the same minute.
_WITHIN_MINUTE = 59.9


@dataclass(frozen=True)
class Result:
    """How one interaction went: `agree`, `seeded` or `differ`, and where it differs."""

    interaction: Interaction
    verdict: str
    differences: list[str] = field(default_factory=list)


def replay(name: str, interactions: list[Interaction], knowledge: Knowledge) -> Iterator[Result]:
    """The results of a cassette, in order; `knowledge` is what all cassettes show."""
    with Sandbox() as sandbox, httpx.Client(base_url=sandbox.url, timeout=30) as client:
        try:
            world = _World(client, name, interactions, knowledge)
            world.introduce_bot(interactions)
        except _ODD as error:
            yield from (_not_understood(interaction, error) for interaction in interactions)
            return
        for number, interaction in enumerate(interactions):
            try:
                yield world.run(number, interaction)
            except _ODD as error:
                yield _not_understood(interaction, error)


def _not_understood(interaction: Interaction, error: Exception) -> Result:
    return Result(interaction, "differ", [f"not understood: {type(error).__name__}: {error}"])


class _World:
    def __init__(
        self, client: httpx.Client, name: str, interactions: list[Interaction], knowledge: Knowledge
    ) -> None:
        self.client = client
        self.name = name
        self.knowledge = knowledge
        self.ids = IdMap()
        #: Recorded ids that the recorded requests make, those that they made so far, and those that were put in.
        self.to_come = {made for each in interactions for made in made_ids(each)}
        self.produced: set[str] = set()
        self.seeded: set[str] = set()
        #: Recorded ids of what is there in name only, until an answer shows it.
        self.stubs: set[str] = set()
        #: Recorded ids of what the recorded requests changed, or put something into.
        self.touched: set[str] = set()
        #: Answers by the cursor that asked for them: what comes after another answer.
        self.continued = {
            cursor: each.answer
            for each in interactions
            if (cursor := start_cursor(each)) and each.status < 400
        }
        #: Recorded cursors, and the sandbox's for the same place.
        self.cursors: dict[str, str | None] = {}
        self.now = 0.0
        #: Whether an answer on the token's own bot has been asked for.
        self.introduced = False

    def introduce_bot(self, interactions: list[Interaction]) -> None:
        """The token acts as the recorded integration, and nobody else is there yet."""
        for object_id in (PERSON_ID, ROOT_PAGE_ID):
            self._door("erase", {"id": object_id})
        bot: dict[str, Any] = {}
        for interaction in interactions:
            for user in find(interaction.answer, lambda doc: doc.get("object") == "user" and "bot" in doc):
                if "owner" in (user.get("bot") or {}) or "name" not in bot:
                    bot = {key: value for key, value in user.items() if key != "request_id"} | {
                        "bot": user.get("bot") or bot.get("bot") or {}
                    }
        made_by = authors(interactions)
        refused = [i.answer for i in interactions if isinstance(i.answer, dict) and i.status == 404]
        named = [m.group(1) for answer in refused if (m := _NAMED.search(str(answer.get("message"))))]
        known_as = [(answer.get("additional_data") or {}).get("integration_id") for answer in refused]
        bot_id = next(iter([*made_by, bot.get("id"), *known_as]), None)
        if bot_id is None:
            return
        if bot.get("id") != bot_id:
            bot = {"avatar_url": None, "type": "bot", "bot": {}}
        bot = {"name": next(iter(named), "Bot"), **bot, "object": "user", "id": bot_id}
        self._put([bot])
        self._door("bot", {"token": _TOKEN, "id": bot_id})

    def run(self, number: int, interaction: Interaction) -> Result:
        """Ask the sandbox the same, and compare."""
        self._set_clock(interaction)
        if interaction.status in _MOODS:
            return self._in_a_mood(interaction)
        self._introduce(number, interaction)
        used = self._prepare(interaction) or interaction.status == UNAUTHORIZED
        if interaction.path == "users/me" and not self.introduced:
            used = self.introduced = True  # the bot was put in as this answer shows it
        found = self._attempt(interaction)
        if found and interaction.reads and self._reveal(number, interaction):
            used = True
            found = self._attempt(interaction)
        if not interaction.reads:
            named = named_ids(interaction)
            self.stubs -= named
            self.touched |= named
        if found:
            return Result(interaction, "differ", found)
        return Result(interaction, "seeded" if used else "agree")

    def _in_a_mood(self, interaction: Interaction) -> Result:
        """Put Notion's mood in, and compare the status and Notion's word for it; messages of moods are many."""
        answer, status = interaction.answer, interaction.status
        self._door("faults", {"status": status, "html": not isinstance(answer, dict)})
        response = self._send(interaction)
        found = (
            [] if response.status_code == status else [f"status {response.status_code}, recorded {status}"]
        )
        ours = _json(response)
        if isinstance(answer, dict) and isinstance(ours, dict):
            found += differences({"code": ours.get("code")}, {"code": answer.get("code")})
        return Result(interaction, "differ" if found else "seeded", found)

    # -- asking -------------------------------------------------------------------------------------------

    def _attempt(self, interaction: Interaction) -> list[str]:
        response = self._send(interaction)
        ours = _json(response)
        self.produced |= made_ids(interaction)
        self.ids.learn(ours, interaction.answer, self.produced.__contains__)
        if (
            isinstance(ours, dict)
            and isinstance(interaction.answer, dict)
            and interaction.answer.get("next_cursor")
        ):
            self.cursors[interaction.answer["next_cursor"]] = ours.get("next_cursor")
        found = []
        if response.status_code != interaction.status:
            found.append(f"status {response.status_code}, recorded {interaction.status}")
        return found + differences(normal(self.ids.to_theirs(ours)), normal(interaction.answer))

    def _send(self, interaction: Interaction) -> httpx.Response:
        path = "/".join(self._path_part(part) for part in interaction.path.split("/"))
        query = [
            (
                key,
                self._cursor(value)
                if key == "start_cursor"
                else self.ids.to_ours({"property": value})["property"],
            )
            for key, value in interaction.query
        ]
        body = self.ids.to_ours(interaction.body)
        if isinstance(body, dict) and isinstance(body.get("start_cursor"), str):
            body["start_cursor"] = self._cursor(interaction.body["start_cursor"])
        content = None if body is None else (body if isinstance(body, str) else json.dumps(body))
        headers = {"Notion-Version": interaction.version, "Content-Type": interaction.content_type}
        if interaction.status != UNAUTHORIZED:  # tokens are not recorded
            headers["Authorization"] = f"Bearer {_TOKEN}"
        url = httpx.URL(f"{str(self.client.base_url).rstrip('/')}/v1/{path}", params=query)
        return self.client.request(interaction.method, url, content=content, headers=headers)

    def _cursor(self, recorded: str) -> str:
        return self.cursors.get(recorded) or str(self.ids.to_ours(recorded))

    def _path_part(self, part: str) -> str:
        plain = unquote(part)
        return quote(str(self.ids.to_ours({"id": plain})["id"]), safe="-_.!~*'()")

    def _set_clock(self, interaction: Interaction) -> None:
        """The sandbox's time follows the recording's, as far as answers tell it; never back."""
        answer = interaction.answer if isinstance(interaction.answer, dict) else {}
        stamp = answer.get("last_edited_time") if not interaction.reads else None
        times = [interaction.time or 0.0]
        if isinstance(stamp, str):
            times.append(datetime.fromisoformat(stamp).timestamp() + _WITHIN_MINUTE)
        if not self.now and not any(times):
            times += [
                datetime.fromisoformat(doc["last_edited_time"]).timestamp()
                for doc in find(answer, lambda doc: isinstance(doc.get("last_edited_time"), str))
            ]
        if max(times) > self.now:
            self.now = max(times)
            self._door("clock", {"now": datetime.fromtimestamp(self.now, UTC).isoformat()})

    # -- what was there before ----------------------------------------------------------------------------

    def _introduce(self, number: int, interaction: Interaction) -> None:
        """Put in what the request, or the parents in its answer, refer to, as other answers show it."""
        if interaction.status >= 400:
            return
        wanted = list(named_ids(interaction)) + references(interaction.body)
        parents = find(interaction.answer, lambda doc: isinstance(doc.get("parent"), dict))
        wanted += [
            str(value) for doc in parents for key, value in doc["parent"].items() if key.endswith("_id")
        ]
        wanted += [user["id"] for user in find(interaction.body, is_user)]
        wanted += relation_targets(interaction.body)
        for object_id in dict.fromkeys(wanted):
            self._introduce_one(number, object_id, interaction.version)

    def _introduce_one(self, number: int, object_id: str, version: str) -> None:
        if object_id in self.to_come or not self._unknown(object_id):
            return
        known = self.knowledge.of(object_id, self.name, number, version)
        if known is None:
            return
        self.seeded.add(object_id)  # so that two objects that lie in each other end
        for key, above in (known.get("parent") or {}).items():
            if key.endswith("_id") and isinstance(above, str):
                self._introduce_one(number, above, version)
        self._put([*self._source_of_view(number, known, version), known], stubs=True)

    def _source_of_view(self, number: int, doc: dict[str, Any], version: str) -> list[dict[str, Any]]:
        """The data source of a view, where nothing showed it yet."""
        source = doc.get("data_source_id") if doc.get("object") == "view" else None
        if not isinstance(source, str) or not self._unknown(source):
            return []
        known = self.knowledge.of(source, self.name, number, version)
        return [known or stub_source(source) | {"parent": doc["parent"]}]

    def _prepare(self, interaction: Interaction) -> bool:
        """What a writing request refers to without it being known; whether its own answer had to tell."""
        if interaction.reads or interaction.status >= 400:
            return False
        used = False
        for user in find(interaction.answer, lambda doc: doc.get("object") == "user" and "name" in doc):
            if self._unknown(user["id"]) and user["id"] in json.dumps(interaction.body):
                self._put([user])
                used = True
        target = path_id(interaction)
        if target is not None and self._unknown(target):
            used = self._seed_target(interaction, target)
        after, following = around_appended(interaction)
        if after is not None and target is not None and self._unknown(after):
            inside = next((doc["parent"] for doc in interaction.answer["results"]), None)
            self._put([stub_block(after) | ({"parent": inside} if inside else {})], stubs=True)
        new = [doc for doc in following if self._unknown(doc["id"])]
        self._put(new)
        used |= bool(new)
        parent = (interaction.body or {}).get("parent") if isinstance(interaction.body, dict) else None
        if isinstance(parent, dict):
            used |= self._seed_parent(interaction, parent)
        if interaction.path == "views" and isinstance(answer := interaction.answer, dict) and whole(answer):
            self._put(self._source_of_view(0, answer, interaction.version), stubs=True)
        for reference in references(interaction.body):
            if self._unknown(reference):
                self._put([stub_page(reference)], stubs=True)
        for source in relation_targets(interaction.body):
            if self._unknown(source):
                self._put([stub_source(source)], stubs=True)
        return used

    def _seed_target(self, interaction: Interaction, target: str) -> bool:
        answer = interaction.answer if isinstance(interaction.answer, dict) else {}
        if interaction.path.startswith("views/") and not whole(answer):
            view = stub_view(target, f"{target[:-4]}ffff", f"{target[:-4]}fffe")
            self._put([*self._source_of_view(0, view, interaction.version), view], stubs=True)
            return False
        if dashed(str(answer.get("id"))) == target and answer.get("object") != "comment":
            self._put([answer | {"in_trash": False, "archived": False}])
            return True
        made = answer["results"][0] if answer.get("results") else {}
        item = page_of_item(target, answer) if "/properties/" in interaction.path else None
        if item is not None:
            self._put([item], stubs=True)
            return True
        inside_block = made.get("parent", {}).get("type") == "block_id"
        self._put([stub_block(target) if inside_block else stub_page(target)], stubs=True)
        return False

    def _seed_parent(self, interaction: Interaction, parent: dict[str, Any]) -> bool:
        key = next((k for k in ("data_source_id", "database_id", "page_id", "block_id") if k in parent), None)
        if key is None or not self._unknown(dashed(parent[key])):
            return False
        if key == "page_id":
            self._put([stub_page(dashed(parent[key]))], stubs=True)
            return False
        if interaction.path == "data_sources" and key == "database_id":
            self._put([stub_database(dashed(parent[key]))], stubs=True)
            return False
        if key in ("data_source_id", "database_id") and interaction.answer.get("object") == "page":
            # The columns are only to be had from the page, which is taken out again before it is made.
            self._put([interaction.answer])
            self._door("erase", {"id": interaction.answer["id"]})
            self.seeded.discard(interaction.answer["id"])
            return True
        return False

    def _unknown(self, recorded: str) -> bool:
        plain = recorded.replace("-", "")
        return plain not in self.ids.ours and recorded not in self.seeded and recorded not in self.produced

    def _reveal(self, number: int, interaction: Interaction) -> bool:
        """Put in what the answer to a reading request shows for the first time; whether there was anything."""
        if interaction.status >= 400:
            return False
        answer = interaction.answer
        shown = self._whole_list(answer) if answer.get("object") == "list" else [answer]
        if interaction.path == "views":
            shown = [self._view(number, doc["id"], interaction) for doc in shown]
        for doc in shown:
            self._put(self._source_of_view(number, doc, interaction.version), stubs=True)
        shown = [doc for doc in shown if whole(doc)]
        new = [doc for doc in shown if self._unknown(doc["id"]) or self._untouched(doc["id"])]
        people = [
            user
            for user in find(answer, lambda doc: doc.get("object") == "user" and "name" in doc)
            if self._unknown(user["id"]) and user not in new
        ]
        target = path_id(interaction)
        if not new and target is not None and self._unknown(target):
            stub = stub_source(target) if interaction.path.endswith("/query") else stub_page(target)
            item = page_of_item(target, answer) if "/properties/" in interaction.path else None
            self._put([item or stub], stubs=True)
            return True
        if interaction.path == "search":
            place = {doc["id"]: index for index, doc in enumerate(shown)}
            new = sorted([*new, *self._edited_since(interaction)], key=lambda doc: place[doc["id"]])
        as_listed = interaction.path.startswith(("blocks", "users", "views"))
        in_order = new if as_listed else list(reversed(new))
        self._put([*people, *in_order])
        indexed = interaction.path == "search" and self._index(interaction, {doc["id"] for doc in new})
        return bool(new or people or indexed)

    def _view(self, number: int, view_id: str, interaction: Interaction) -> dict[str, Any]:
        """A view of which the answer tells only the id, as another answer shows it, or by where it is listed."""
        known = self.knowledge.of(view_id, self.name, number, interaction.version)
        places = view_places(interaction)
        source = places.get("data_source_id") or f"{view_id[:-4]}fffe"
        return known or stub_view(view_id, places.get("database_id") or f"{view_id[:-4]}ffff", source)

    def _untouched(self, recorded: str) -> bool:
        return recorded in self.stubs or (recorded in self.seeded and recorded not in self.touched)

    def _whole_list(self, answer: dict[str, Any]) -> list[dict[str, Any]]:
        """The results of an answer and of those that go on with it."""
        found = list(answer["results"])
        while (cursor := answer.get("next_cursor")) in self.continued and len(found) < _LONGEST_LIST:
            answer = self.continued[cursor]
            found += answer["results"]
        return found

    def _edited_since(self, interaction: Interaction) -> list[dict[str, Any]]:
        """What was put in and is shown with a later stamp: somebody else edited it meanwhile."""
        stamps = {doc["id"]: str(doc.get("last_edited_time")) for doc in interaction.answer["results"]}
        ours = [self.ids.to_theirs(doc) for doc in _json(self._send(interaction))["results"]]
        return [
            doc | {"last_edited_time": stamps[doc["id"]]}
            for doc in ours
            if doc["id"] in self.seeded & self.touched and doc["last_edited_time"] < stamps.get(doc["id"], "")
        ]

    def _index(self, interaction: Interaction, new: set[str]) -> bool:
        """The search index knows what the answer shows, and of what it hides nothing made by the recording."""
        shown = {doc["id"] for doc in interaction.answer["results"]}
        ours = {
            dashed(self.ids.to_theirs(doc["id"])): doc["id"]
            for doc in _json(self._send(interaction))["results"]
        }
        late = {ours[recorded]: False for recorded in ours.keys() - shown if recorded in self.produced}
        known = {
            self.ids.to_ours(recorded): True
            for recorded in shown - ours.keys()
            if recorded in self.produced and recorded.replace("-", "") in self.ids.ours
        }
        trashed = {
            doc["id"] for doc in interaction.answer["results"] if doc.get("in_trash") and doc["id"] in new
        }
        changes = late | known | dict.fromkeys(trashed, True)
        if changes:
            self._door("search_index", changes)
        return bool(changes)

    def _put(self, objects: list[dict[str, Any]], *, stubs: bool = False) -> None:
        if objects:
            put = {doc["id"] for doc in objects}
            self._door("objects", {"objects": self.ids.to_ours(objects)})
            self.seeded |= put
            self.stubs = self.stubs | put if stubs else self.stubs - put

    def _door(self, path: str, body: dict[str, Any]) -> None:
        self.client.post(f"/_sandbox/{path}", json=body).raise_for_status()


def _json(response: httpx.Response) -> Any:
    try:
        return response.json()
    except ValueError:
        return response.text
