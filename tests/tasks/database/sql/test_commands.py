from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from config import Settings
from tasks.database.transport import MemoryTransport
from tests.tasks.database.sql.people import skew
from worker.cli.keeping import held as held_objects
from worker.cli.nodes import compare as node_compare
from worker.cli.nodes import nodes
from worker.machine.state_directory import node_lock
from worker.telling.exit_codes import ExitCode
from worker.telling.failures import CommandError

Node = Any  # the class of the conftest


@pytest.fixture
def both(
    make_node: Callable[[str], Node], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> tuple[Node, Node]:
    office, laptop = make_node("postgresql"), make_node("sqlite")
    secret = "a secret of both nodes"
    described = [
        {
            "name": "office",
            "database": office.url,
            "tables": ["city", "person"],
            "answers": [{"node": "laptop", "secret": secret}],
        },
        {
            "name": "laptop",
            "database": laptop.url,
            "tables": ["city", "person"],
            "every": "30s",
            "peer": {"node": "office", "url": "https://office.example.org", "secret": secret},
        },
    ]
    settings = Settings(node=described, state_dir=tmp_path / "state", redis_url=None)
    monkeypatch.setattr(nodes, "get_settings", lambda: settings)
    return office, laptop


def test_nodes_are_listed_without_their_secrets(
    both: tuple[Node, Node], capsys: pytest.CaptureFixture[str]
) -> None:
    for as_json in (False, True):
        assert nodes.list_nodes(as_json=as_json) == ExitCode.OK
        shown = capsys.readouterr().out
        assert "laptop" in shown
        assert "secret" not in shown


def test_capture_status_and_resync(both: tuple[Node, Node], capsys: pytest.CaptureFixture[str]) -> None:
    office, laptop = both
    laptop.run("INSERT INTO city (id, name) VALUES ('a', 'Aachen')")
    nodes.status("laptop", as_json=True)
    [lag] = json.loads(capsys.readouterr().out)["items"]
    assert lag["uncaptured"] == ["city", "person"]
    for name in ("office", "laptop"):
        assert nodes.capture(name, uninstall=False) == ExitCode.OK
    assert "1 row became known" in capsys.readouterr().out
    office.run("INSERT INTO city (id, name) VALUES ('b', 'Berlin')")
    nodes.status(None, as_json=True)
    ages = {lag["node"]: lag for lag in json.loads(capsys.readouterr().out)["items"]}
    assert 0 <= ages["office"]["oldest_unsent_seconds"] < 600
    assert ages["office"]["uncaptured"] == []
    assert nodes.status(None, as_json=False) == ExitCode.OK
    assert nodes.resync("laptop") == ExitCode.OK
    with pytest.raises(CommandError, match="asks no peer"):
        nodes.resync("office")
    nodes.capture("office", uninstall=True)
    office.run("INSERT INTO city (id, name) VALUES ('c', 'Celle')")
    capsys.readouterr()
    nodes.status("office", as_json=True)
    assert json.loads(capsys.readouterr().out)["items"][0]["uncaptured"] == ["city", "person"]
    with pytest.raises(CommandError, match="no node 'nobody'"):
        nodes.status("nobody", as_json=True)


def test_two_nodes_are_compared(
    both: tuple[Node, Node], capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("office", "laptop"):
        nodes.capture(name, uninstall=False)
    for node, only in zip(both, ("o", "l"), strict=True):
        node.run(
            "INSERT INTO city (id, name) VALUES ('same', 'x'), ('other', :only), (:only, 'y')", only=only
        )
    capsys.readouterr()
    assert node_compare.compare("office", "laptop", as_json=True) == ExitCode.FAILED
    city, person = json.loads(capsys.readouterr().out)["items"]
    assert (city["label"], city["equal"], city["alike"]) == ("city", 1, False)
    named = {
        kind: [(row["key"], row["fields"]) for row in found["rows"]]
        for kind, found in city.items()
        if isinstance(found, dict) and found["count"]
    }
    assert named == {
        "different": [("other", ["name"])],
        "missing_in_first": [("l", [])],
        "missing_in_second": [("o", [])],
    }
    assert person["equal"] == 0
    monkeypatch.setenv("COLUMNS", "80")
    assert node_compare.compare("office", "laptop", as_json=False) == ExitCode.FAILED
    shown = capsys.readouterr().out.splitlines()
    assert shown[:7] == [
        "city: alike: 1",
        "  different values: 1",
        "    'other': name",
        "  not in office: 1",
        "    'l'",
        "  not in laptop: 1",
        "    'o'",
    ]
    assert node_compare.compare("office", "office", as_json=False) == ExitCode.OK
    assert node_compare.repair("office", "laptop", bury=False, yes=False, as_json=False) == ExitCode.OK
    shown = capsys.readouterr().out
    assert "city in office: send again: 2" in shown
    assert "Nothing was changed: --yes does it." in shown
    nodes.capture("laptop", uninstall=True)
    with pytest.raises(CommandError, match="nodes capture laptop"):
        node_compare.repair("office", "laptop", bury=False, yes=True, as_json=False)


def test_what_is_held_is_shown_where_it_is_and_where_it_is_not(
    both: tuple[Node, Node], capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    office, laptop = both
    for name in ("office", "laptop"):
        nodes.capture(name, uninstall=False)
    shown = capsys.readouterr().out
    assert "person: ids are given by this database" in " ".join(shown.split())  # SQLite gives them
    office.run("INSERT INTO person (id, name, mail) VALUES (1, 'a', 'taken')")
    laptop.run("INSERT INTO person (id, name, mail) VALUES (2, 'b', 'taken')")
    laptop.run("INSERT INTO city (id, name) VALUES ('bad', CAST(x'ff' AS TEXT))")
    table = nodes.named("laptop")
    with nodes.opened(nodes.named("office")) as one, nodes.opened(table) as other:
        other.engine._transport = MemoryTransport(one.engine.process)
        result = other.engine.sync()
    assert [line for line in result.errors if "is held at node 'office'" in line]
    nodes.status(None, as_json=True)
    held = {
        lag["node"]: (lag["held"], lag["held_by_peer"])
        for lag in json.loads(capsys.readouterr().out)["items"]
    }
    assert held["laptop"] == (2, 1)  # the row of the office, and the one that cannot be sent
    assert held["office"][0] == 1
    monkeypatch.setattr("worker.cli.keeping.held.get_settings", nodes.get_settings)
    for name in ("laptop", "office", None):
        assert held_objects.held(name, as_json=True) == ExitCode.OK
        found = json.loads(capsys.readouterr().out)["items"]
        keys = {(one["node"], row["key"]) for one in found for row in [*one["held"], *one["held_by_peer"]]}
        assert {(name or "laptop", "2"), (name or "laptop", "bad")} <= keys
    monkeypatch.setenv("COLUMNS", "80")
    assert held_objects.held("laptop", as_json=False) == ExitCode.OK
    shown = capsys.readouterr().out
    assert "city 'bad'" in shown
    assert "not sent to office: field 'name': text that is no UTF-8" in " ".join(shown.split())
    assert all(len(line) <= 80 for line in shown.splitlines())


def test_rows_from_before_the_capture_are_not_said_to_be_decades_old(
    both: tuple[Node, Node], capsys: pytest.CaptureFixture[str]
) -> None:
    laptop = both[1]
    laptop.run("INSERT INTO city (id, name) VALUES ('a', 'Aachen')")
    nodes.capture("laptop", uninstall=False)
    capsys.readouterr()
    nodes.status("laptop", as_json=True)
    [lag] = json.loads(capsys.readouterr().out)["items"]
    assert (lag["unsent"], lag["oldest_unsent_seconds"]) == (True, None)
    nodes.status("laptop", as_json=False)
    shown = capsys.readouterr().out
    assert "rows from before the capture" in shown
    assert "days" not in shown


def test_what_a_wrong_clock_stamped_is_mended(
    both: tuple[Node, Node], capsys: pytest.CaptureFixture[str]
) -> None:
    laptop = both[1]
    nodes.capture("laptop", uninstall=False)
    skew(laptop, 365 * 86_400_000)
    laptop.run("INSERT INTO city (id, name) VALUES ('a', 'Aachen'), ('b', 'Berlin')")
    laptop.run("DELETE FROM city WHERE id = 'b'")
    skew(laptop, 0)
    capsys.readouterr()
    for dry_run, said in ((True, "would get stamps of now."), (False, "have stamps of now.")):
        assert nodes.restamp("laptop", dry_run=dry_run, as_json=False) == ExitCode.OK
        shown = " ".join(capsys.readouterr().out.split())
        assert shown.startswith("laptop: 1 record and 1 deletion stamped up to 20")
        assert shown.strip().endswith(f" UTC {said}")
    assert nodes.restamp("laptop", dry_run=False, as_json=False) == ExitCode.OK
    assert "nothing is stamped" in capsys.readouterr().out
    assert nodes.restamp("laptop", dry_run=True, as_json=True) == ExitCode.OK
    assert json.loads(capsys.readouterr().out) == {
        "version": 1,
        "records": 0,
        "deletions": 0,
        "until": None,
        "dry_run": True,
    }
    with (
        node_lock(nodes.get_settings(), "laptop"),
        pytest.raises(CommandError, match="'laptop' is busy"),
    ):
        nodes.restamp("laptop", dry_run=True, as_json=False)
