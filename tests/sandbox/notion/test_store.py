"""What a file keeps, many writers at once, and large data sources."""

from __future__ import annotations

import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx
import pytest

from sandbox.notion import ROOT_PAGE_ID, Sandbox, SandboxError, app, serve
from tests.sandbox.notion.api import Api, name


def test_a_file_survives_a_restart(tmp_path: Path) -> None:
    path = tmp_path / "notion.db"
    with Sandbox(path) as sandbox, httpx.Client(base_url=sandbox.url) as http:
        api = Api(http)
        source = api.source({"S": {"select": {}}, "ID": {"unique_id": {}}})
        page = api.page(source, "kept", S={"select": {"name": "x"}})
        me = api.ok("GET", "users/me")["id"]
        cursor = api.ok("POST", f"data_sources/{source}/query", {})
    with Sandbox(path) as sandbox, httpx.Client(base_url=sandbox.url) as http:
        api = Api(http)
        assert api.ok("GET", f"pages/{page['id']}")["properties"] == page["properties"]
        assert api.ok("GET", "users/me")["id"] == me
        assert api.ok("GET", f"pages/{ROOT_PAGE_ID}")["id"] == ROOT_PAGE_ID
        assert api.query(source) == ["kept"]
        assert api.page(source, "next")["properties"]["ID"]["unique_id"]["number"] == 2
    assert cursor["has_more"] is False


def test_memory_is_forgotten() -> None:
    with Sandbox() as one, httpx.Client(base_url=one.url) as http:
        source = Api(http).source()
    with Sandbox() as other, httpx.Client(base_url=other.url) as http:
        assert Api(http).send("GET", f"data_sources/{source}").status_code == 404


def test_a_file_that_is_no_database(tmp_path: Path) -> None:
    path = tmp_path / "notes.txt"
    path.write_text("x" * 4096)
    with pytest.raises(SandboxError, match=r"notes\.txt as its database"):
        serve(0, path)


def test_application_without_a_server() -> None:
    assert app(None).state.workspace.store.get(ROOT_PAGE_ID) is not None


def test_parallel_writers_lose_nothing(tmp_path: Path) -> None:
    with Sandbox(tmp_path / "notion.db") as sandbox, httpx.Client(base_url=sandbox.url, timeout=30) as http:
        api = Api(http)
        source = api.source({"S": {"select": {}}, "ID": {"unique_id": {}}})
        shared = api.page(source, "shared")

        def write(worker: int) -> list[int]:
            with httpx.Client(base_url=sandbox.url, timeout=30) as mine:
                own = Api(mine, token=f"worker {worker}")
                made = []
                for number in range(12):
                    page = own.page(source, f"{worker}-{number}", S={"select": {"name": f"option {number}"}})
                    made.append(page["properties"]["ID"]["unique_id"]["number"])
                    own.edit(shared, S={"select": {"name": f"option {worker}"}})
                return made

        with ThreadPoolExecutor(6) as pool:
            numbers = [number for made in pool.map(write, range(6)) for number in made]
        assert sorted(numbers) == list(range(2, 74))
        assert len(api.query(source)) == 73
        options = api.ok("GET", f"data_sources/{source}")["properties"]["S"]["select"]["options"]
        assert sorted(option["name"] for option in options) == sorted(f"option {n}" for n in range(12))


def test_two_servers_share_a_file(tmp_path: Path) -> None:
    path = tmp_path / "notion.db"
    with (
        Sandbox(path) as one,
        Sandbox(path) as other,
        httpx.Client(base_url=one.url) as first,
        httpx.Client(base_url=other.url) as second,
    ):
        source = Api(first).source()
        body = {"page_size": 1, "sorts": [{"property": "Name"}]}
        Api(first).page(source, "b")
        Api(first).page(source, "c")
        walk = Api(second).ok("POST", f"data_sources/{source}/query", body)
        Api(first).page(source, "bb")
        cursor = {"start_cursor": walk["next_cursor"]}
        following = Api(second).ok("POST", f"data_sources/{source}/query", body | cursor)
        assert [name(page) for page in following["results"]] == ["c"]
        assert len(Api(second).query(source)) == 3


@pytest.mark.parametrize(
    "body", [{}, {"filter": {"property": "N", "number": {"greater_than_or_equal_to": 0}}}]
)
def test_five_thousand_rows_are_walked_quickly(body: dict[str, object]) -> None:
    with Sandbox() as sandbox, httpx.Client(base_url=sandbox.url, timeout=60) as http:
        api = Api(http)
        source = api.source({"N": {"number": {}}})
        template = sandbox.store.get(api.page(source, "row", N={"number": 0})["id"])
        assert template is not None
        with sandbox.store.transaction():
            for number in range(1, 5000):
                template.id = f"00000000-0000-4000-8000-{number:012x}"
                template.position = number + 1
                template.created += 1
                sandbox.store.insert(template)
        start = time.monotonic()
        seen: set[str] = set()
        cursor: dict[str, str] = {}
        while True:
            answer = api.ok("POST", f"data_sources/{source}/query", {"page_size": 100, **body, **cursor})
            seen |= {page["id"] for page in answer["results"]}
            if not answer["has_more"]:
                break
            cursor = {"start_cursor": answer["next_cursor"]}
        assert len(seen) == 5000
        assert time.monotonic() - start < 15


def test_stop_ends_the_thread() -> None:
    with Sandbox():
        assert any(thread.name == "notion-sandbox" for thread in threading.enumerate())
    assert all(thread.name != "notion-sandbox" for thread in threading.enumerate())
