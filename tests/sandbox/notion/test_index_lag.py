"""An index that lags gives what was there, and everything at once does not get in each other's way."""

from __future__ import annotations

import random
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest

from sandbox.notion import Behaviour, Limits, Sandbox
from tests.sandbox.notion.api import Api, names
from tests.sandbox.notion.receiver import receiving

START = datetime(2026, 1, 1, tzinfo=UTC)


def rows(api: Api, source: str, **body: Any) -> list[tuple[str, str, str]]:
    """Id, title and time of all rows, page by page."""
    found: list[tuple[str, str, str]] = []
    more: dict[str, Any] = {"page_size": 3, **body}
    while True:
        answer = api.ok("POST", f"data_sources/{source}/query", more)
        titles = names(answer)
        stamps = [(page["id"], page["last_edited_time"]) for page in answer["results"]]
        found += [(key, title, at) for (key, at), title in zip(stamps, titles, strict=True)]
        if not answer["has_more"]:
            return found
        more |= {"start_cursor": answer["next_cursor"]}


@pytest.mark.parametrize("seed", range(3))
def test_it_gives_the_rows_of_so_long_ago(seed: int) -> None:
    chance = random.Random(seed)
    by_title = [{"property": "Name", "direction": "descending"}]
    with Sandbox(limits=Limits()) as sandbox, httpx.Client(base_url=sandbox.url) as http:
        api, person = Api(http), sandbox.person()
        source = api.source()
        sandbox.clock.set(START)
        person.churn(source, 5, seed)
        lag = timedelta(seconds=60)
        fresh: list[tuple[datetime, list[tuple[str, str, str]]]] = []
        now = START
        for step in range(25):
            sandbox.index.seconds = 0.0 if step == 0 else lag.total_seconds()
            now += timedelta(seconds=chance.choice([0.5, 5, 20, 45]))
            sandbox.clock.set(now)
            if step > 0:
                person.churn(source, chance.randrange(4), seed)
            shown = person.request("POST", f"data_sources/{source}/query")["results"]
            titles = names({"results": shown})
            stamps = [(page["id"], page["last_edited_time"]) for page in shown]
            state = [(key, title, at) for (key, at), title in zip(stamps, titles, strict=True)]
            fresh.append((now, state))
            known = [rows for at, rows in fresh if at <= now - lag] or [fresh[0][1]]
            if step > 0:
                assert rows(api, source) == known[-1]
                assert sorted(rows(api, source, sorts=by_title)) == sorted(known[-1])


def test_what_is_unshared_stays_so_in_the_file(tmp_path: Path) -> None:
    with Sandbox(tmp_path / "notion.db") as sandbox, httpx.Client(base_url=sandbox.url) as http:
        source = Api(http).source()
        page = Api(http).page(source, "a")["id"]
        sandbox.person().unshare(page)
    with Sandbox(tmp_path / "notion.db") as sandbox, httpx.Client(base_url=sandbox.url) as http:
        assert Api(http).query(source) == []
        sandbox.person().share(page)
        assert Api(http).query(source) == ["a"]


def test_everything_at_once(sandbox: Sandbox, api: Api) -> None:
    source = api.source()
    person = sandbox.person()
    person.churn(source, 10)
    sandbox.index.seconds = 0.05
    with receiving() as receiver:
        made = sandbox.webhooks.subscribe(receiver.url)
        sandbox.webhooks.verify(made.id, receiver.verification_token)
        sandbox.webhooks.behaviour = Behaviour(delay=0.01, duplicate=0.2, reorder=True)
        sandbox.faults.add({"share": 0.2, "times": 10_000, "delay": 0.001, "forget_cursors": True})

        made_by_bots: set[str] = set()

        def work(number: int) -> None:
            with httpx.Client(base_url=sandbox.url, timeout=60) as http:
                mine, who = Api(http, token=f"t{number}"), sandbox.person(f"Person {number}")
                for step in range(5):
                    answer = mine.send("POST", f"data_sources/{source}/query", {"page_size": 100})
                    assert answer.status_code == 200
                    page = mine.page(source, f"{number} {step}")["id"]
                    made_by_bots.add(page)
                    who.churn(source, 2, number)
                    who.unshare(page)
                    who.share(page)
                    mine.door("webhooks/flush")
                    assert mine.door("counters", method="GET")["total"] > 0

        with ThreadPoolExecutor(4) as pool:
            for done in [pool.submit(work, number) for number in range(4)]:
                done.result(60)
        sandbox.webhooks.flush()
        assert {delivery.status for delivery in sandbox.webhooks.deliveries()} == {200}
        told = {event["entity"]["id"] for event in receiver.events}
    sandbox.index.seconds = 0
    assert sandbox.webhooks.waiting() == 0
    answer = person.request("POST", f"data_sources/{source}/query")
    assert {page["id"] for page in answer["results"]} & made_by_bots <= told
