"""The sender of webhooks, against a receiver that answers as told."""

from __future__ import annotations

import hashlib
import hmac
import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from sandbox.notion import ROOT_PAGE_ID, ApiError, Behaviour, Sandbox, bot_id
from tests.harness.process import eventually
from tests.sandbox.notion.api import Api, text
from tests.sandbox.notion.receiver import Receiver, receiving

Json = dict[str, Any]
SLOW = Behaviour(delay=1_000_000)


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with receiving() as made:
        yield made


def subscribe(sandbox: Sandbox, receiver: Receiver, behaviour: Behaviour = SLOW, **options: Any) -> str:
    """A verified subscription; the id. Nothing is sent before `flush` unless `behaviour` says so."""
    sandbox.webhooks.behaviour = behaviour
    made = sandbox.webhooks.subscribe(receiver.url, token="token", **options)
    sandbox.webhooks.verify(made.id, receiver.verification_token)
    return made.id


def named(content: str) -> Json:
    return {"Name": {"title": text(content)}}


def flushed(sandbox: Sandbox, receiver: Receiver) -> list[Json]:
    """The events since the last time, when all have come."""
    sandbox.webhooks.flush()
    return receiver.fresh()


def test_handshake(sandbox: Sandbox, api: Api, receiver: Receiver) -> None:
    body = {"url": receiver.url, "token": "token", "events": ["page.created"]}
    made = api.door("webhooks", body)
    assert made["verified"] is False
    token = receiver.verification_token
    assert token.startswith("secret_")
    assert token not in json.dumps(api.door("webhooks", method="GET"))
    assert token not in repr(sandbox.webhooks.subscriptions())
    source = api.source()
    api.page(source, "before")
    api.door("webhooks/flush")
    wrong = api.http.post("/_sandbox/webhooks/verify", json={"id": made["id"], "verification_token": "x"})
    assert "not the verification token" in wrong.json()["message"]
    api.door("webhooks/verify", {"id": made["id"], "verification_token": token})
    page = api.page(source, "after")
    assert api.door("webhooks/flush") == {"attempts": 1}
    assert [event["entity"]["id"] for event in receiver.events] == [page["id"]]
    api.door("webhooks/unsubscribe", {"id": made["id"]})
    api.page(source, "later")
    assert api.door("webhooks/flush") == {"attempts": 0}


def test_a_delivery_is_signed_and_tells_who_did_what(sandbox: Sandbox, api: Api, receiver: Receiver) -> None:
    subscription = subscribe(sandbox, receiver)
    source = api.source({"N:": {"number": {}}})
    page = api.page(source, "a")["id"]
    flushed(sandbox, receiver)
    sandbox.clock.set(datetime(2026, 1, 1, 12, 0, 0, 500_000, tzinfo=UTC))
    ada = sandbox.person("Ada")
    ada.edit_page(page, named("b") | {"N:": {"number": 1}})
    (event,) = flushed(sandbox, receiver)
    raw, signature = receiver.got[-1]
    secret = receiver.verification_token.encode()
    assert signature == "sha256=" + hmac.new(secret, raw, hashlib.sha256).hexdigest()
    shown = api.ok("GET", f"data_sources/{source}")
    columns = [shown["properties"][name]["id"] for name in ("Name", "N:")]
    database = shown["parent"]["database_id"]
    del event["id"], event["workspace_id"]
    assert sorted(event["data"].pop("updated_properties")) == sorted(columns)
    assert event == {
        "timestamp": "2026-01-01T12:00:00.500Z",
        "workspace_name": "Sandbox",
        "subscription_id": subscription,
        "integration_id": bot_id("token"),
        "type": "page.properties_updated",
        "authors": [{"id": ada.id, "type": "person"}],
        "attempt_number": 1,
        "api_version": "2025-09-03",
        "entity": {"id": page, "type": "page"},
        "data": {"parent": {"id": database, "type": "database", "data_source_id": source}},
    }


def test_each_kind_of_change_has_its_event(sandbox: Sandbox, api: Api, receiver: Receiver) -> None:
    subscribe(sandbox, receiver)
    person = sandbox.person()

    def events() -> dict[str, Json]:
        return {event["type"]: event for event in flushed(sandbox, receiver)}

    source, other = api.source({"N": {"number": {}}}), api.source()
    assert {"database.created", "data_source.created"} <= events().keys()
    page = api.page(source, "a")["id"]
    made = events()
    assert made.keys() == {"page.created", "data_source.content_updated"}
    assert made["data_source.content_updated"]["data"]["updated_blocks"] == [{"id": page, "type": "page"}]
    person.write_markdown(page, "text")
    written = events()["page.content_updated"]
    assert [block["type"] for block in written["data"]["updated_blocks"]] == ["block"]
    person.move(page, other)
    assert events().keys() == {"page.moved", "data_source.content_updated"}
    person.trash(page)
    assert events().keys() == {"page.deleted", "data_source.content_updated"}
    person.restore(page)
    assert events().keys() == {"page.undeleted", "data_source.content_updated"}
    person.request("PATCH", f"pages/{page}", {"is_locked": True})
    assert events().keys() == {"page.locked"}
    person.rename_column(source, "N", "M")
    person.add_column(source, "New", "number")
    schema = events()["data_source.schema_updated"]["data"]["updated_properties"]
    assert {(change["name"], change["action"]) for change in schema} == {("M", "updated"), ("New", "created")}
    person.delete_column(source, "New")
    (change,) = events()["data_source.schema_updated"]["data"]["updated_properties"]
    assert (change["name"], change["action"]) == (None, "deleted")
    person.trash(source)
    assert "data_source.deleted" in events()
    body = {"parent": {"page_id": page}, "rich_text": text("hello")}
    comment = api.ok("POST", "comments", body)["id"]
    assert events()["comment.created"]["data"]["page_id"] == page
    assert api.ok("GET", f"comments/{comment}")


def test_older_versions_name_the_database(sandbox: Sandbox, api: Api, receiver: Receiver) -> None:
    subscribe(sandbox, receiver, version="2022-06-28")
    source = api.source()
    database = api.ok("GET", f"data_sources/{source}")["parent"]["database_id"]
    assert {event["type"] for event in flushed(sandbox, receiver)} == {"database.created"}
    sandbox.person().add_column(source, "N", "number")
    (event,) = flushed(sandbox, receiver)
    assert (event["type"], event["entity"]) == (
        "database.schema_updated",
        {"id": database, "type": "database"},
    )


def test_a_burst_comes_as_one_event(sandbox: Sandbox, api: Api, receiver: Receiver) -> None:
    subscribe(sandbox, receiver, events=["page.created", "page.deleted", "page.properties_updated"])
    source = api.source({"N": {"number": {}}})
    page = api.page(source, "a")
    flushed(sandbox, receiver)
    sandbox.person("Ada").edit_page(page["id"], named("b"))
    api.edit(page, N={"number": 1})
    sandbox.person("Ada").edit_page(page["id"], named("c"))
    (event,) = flushed(sandbox, receiver)
    assert len(event["data"]["updated_properties"]) == 2
    assert {author["type"] for author in event["authors"]} == {"person", "bot"}
    sandbox.person().trash(page["id"])
    sandbox.person().restore(page["id"])
    sandbox.person().trash(api.page(source, "short")["id"])
    assert flushed(sandbox, receiver) == []


def test_what_is_not_shared_is_not_told(sandbox: Sandbox, api: Api, receiver: Receiver) -> None:
    subscribe(sandbox, receiver)
    source = api.source()
    page = api.page(source, "a")["id"]
    flushed(sandbox, receiver)
    sandbox.person().unshare(source)
    sandbox.person().edit_page(page, named("b"))
    assert flushed(sandbox, receiver) == []


def test_events_come_by_themselves_when_the_clock_says_so(
    sandbox: Sandbox, api: Api, receiver: Receiver
) -> None:
    sandbox.clock.set(datetime(2026, 1, 1, tzinfo=UTC))
    subscribe(sandbox, receiver, Behaviour(delay=60), events=["page.created"])
    api.page(api.source(), "a")
    assert receiver.events == []
    sandbox.clock.advance(timedelta(seconds=61))
    with receiver.came:
        assert receiver.came.wait_for(lambda: receiver.types == ["page.created"], 20)


def test_eight_attempts_further_and_further_apart(sandbox: Sandbox, api: Api, receiver: Receiver) -> None:
    sandbox.clock.set(datetime(2026, 1, 1, tzinfo=UTC))
    subscribe(sandbox, receiver, events=["page.created"])
    receiver.status = 503
    page = api.page(api.source(), "a")["id"]
    sandbox.webhooks.flush()
    for attempt in range(2, 9):
        wait = 675 * 2 ** (attempt - 2)
        sandbox.clock.advance(timedelta(seconds=wait - 1))
        with receiver.came:
            assert not receiver.came.wait(0.1)
        sandbox.clock.advance(timedelta(seconds=1))
        eventually(lambda attempt=attempt: len(sandbox.webhooks.deliveries()) == attempt, 20, "an attempt")
    assert [event["attempt_number"] for event in receiver.events] == list(range(1, 9))
    assert {(event["id"], event["entity"]["id"]) for event in receiver.events} == {
        (receiver.events[0]["id"], page)
    }
    sandbox.clock.advance(timedelta(days=10))
    assert sandbox.webhooks.flush() == 0
    assert [delivery.status for delivery in sandbox.webhooks.deliveries()] == [503] * 8


def test_drops_duplicates_and_any_order(sandbox: Sandbox, api: Api, receiver: Receiver) -> None:
    subscribe(sandbox, receiver, Behaviour(delay=1e6, duplicate=0.5, reorder=True), events=["page.created"])
    source = api.source()
    pages = [api.page(source, str(number))["id"] for number in range(20)]
    came = [event["entity"]["id"] for event in flushed(sandbox, receiver)]
    assert 20 < len(came) < 40
    assert set(came) == set(pages)
    assert list(dict.fromkeys(came)) != pages
    assert len({event["id"] for event in receiver.events}) == 20
    sandbox.webhooks.behaviour = Behaviour(delay=1e6, drop=1)
    api.page(source, "lost")
    assert flushed(sandbox, receiver) == []


def test_a_receiver_that_refuses_or_is_not_there(sandbox: Sandbox, receiver: Receiver) -> None:
    receiver.status = 403
    with pytest.raises(ApiError, match="the answer was 403"):
        sandbox.webhooks.subscribe(receiver.url)
    with receiving() as gone:
        url = gone.url
    with pytest.raises(ApiError, match="nobody answered"):
        sandbox.webhooks.subscribe(url)
    assert sandbox.webhooks.subscriptions() == []


WRONG: list[tuple[str, Json, str]] = [
    ("webhooks", {}, "webhooks: url: Field required"),
    ("webhooks", {"url": "ftp://example.com"}, "begins with http:// or https://"),
    ("webhooks", {"url": "http://:80:80/"}, "begins with http:// or https://"),
    ("webhooks", {"url": "http://x", "events": ["page.flown"]}, "There are no events page.flown"),
    ("webhooks", {"url": "http://x", "version": "1999-01-01"}, "There is no version 1999-01-01"),
    ("webhooks/verify", {"id": "x", "verification_token": "y"}, "There is no subscription x."),
    ("webhooks/behaviour", {"drop": 2}, "drop: Input should be less than or equal to 1"),
]


def test_wrong_input_is_told(api: Api) -> None:
    for path, body, words in WRONG:
        response = api.http.post(f"/_sandbox/{path}", json=body)
        assert response.status_code == 400, body
        assert words in response.json()["message"]


def test_the_root_page_has_content_events_too(sandbox: Sandbox, api: Api, receiver: Receiver) -> None:
    subscribe(sandbox, receiver, events=["page.content_updated"])
    api.ok(
        "PATCH", f"blocks/{ROOT_PAGE_ID}/children", {"children": [{"paragraph": {"rich_text": text("p")}}]}
    )
    (event,) = flushed(sandbox, receiver)
    assert event["data"]["parent"]["type"] == "space"
