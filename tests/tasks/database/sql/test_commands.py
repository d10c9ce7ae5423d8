from __future__ import annotations

import json
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest

from worker.cli import nodes
from worker.cli.exit_codes import ExitCode
from worker.cli.failures import CommandError

Node = Any  # the class of the conftest


@pytest.fixture
def both(make_node: Callable[[str], Node], monkeypatch: pytest.MonkeyPatch) -> tuple[Node, Node]:
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
    monkeypatch.setattr(nodes, "get_settings", lambda: SimpleNamespace(node=described))
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
    [lag] = json.loads(capsys.readouterr().out)
    assert lag["uncaptured"] == ["city", "person"]
    for name in ("office", "laptop"):
        assert nodes.capture(name, uninstall=False) == ExitCode.OK
    assert "1 rows became known" in capsys.readouterr().out
    office.run("INSERT INTO city (id, name) VALUES ('b', 'Berlin')")
    nodes.status(None, as_json=True)
    ages = {lag["node"]: lag for lag in json.loads(capsys.readouterr().out)}
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
    assert json.loads(capsys.readouterr().out)[0]["uncaptured"] == ["city", "person"]
    with pytest.raises(CommandError, match="no node 'nobody'"):
        nodes.status("nobody", as_json=True)


def test_two_nodes_are_compared(both: tuple[Node, Node], capsys: pytest.CaptureFixture[str]) -> None:
    for name in ("office", "laptop"):
        nodes.capture(name, uninstall=False)
    for node, only in zip(both, ("o", "l"), strict=True):
        node.run(
            "INSERT INTO city (id, name) VALUES ('same', 'x'), ('other', :only), (:only, 'y')", only=only
        )
    capsys.readouterr()
    assert nodes.compare("office", "laptop", as_json=True) == ExitCode.FAILED
    city, person = json.loads(capsys.readouterr().out)
    assert city == {
        "label": "city",
        "equal": 1,
        "different": ["other"],
        "missing_in_first": ["l"],
        "missing_in_second": ["o"],
    }
    assert person["equal"] == 0
    assert nodes.compare("office", "laptop", as_json=False) == ExitCode.FAILED
    assert nodes.compare("office", "office", as_json=False) == ExitCode.OK
