"""The JSON Schema of `lockstep.toml`: editors take what Lockstep takes, and mark what it refuses."""

from __future__ import annotations

import json
import tomllib
from pathlib import Path
from typing import Any

import jsonschema_rs
import pytest

from config import Settings
from tasks.mapping import PAIR_KEYS
from tasks.services.found import services
from tests.harness.distributions import announce
from worker.cli.setup.schema import DRAFT, print_schema, schema

ROOT = Path(__file__).parents[4]
FILES = sorted(ROOT.glob("examples/*/lockstep.toml"))


@pytest.fixture(scope="module")
def validator() -> jsonschema_rs.Draft7Validator:
    made = schema()
    jsonschema_rs.meta.validate(made)
    return jsonschema_rs.Draft7Validator(made)


def test_it_is_of_draft_7_and_has_every_setting_and_service(capsys: pytest.CaptureFixture[str]) -> None:
    print_schema()
    made = json.loads(capsys.readouterr().out)
    assert made["$schema"] == DRAFT
    assert set(made["properties"]) == set(Settings.model_fields)
    of_sync = made["properties"]["sync"]["items"]["properties"]
    assert set(services()) <= set(of_sync)
    text = json.dumps(made)
    assert not any(word in text for word in ('"prefixItems"', '"$defs"', '"unevaluatedProperties"'))
    assert list(of_sync["map"]["additionalProperties"]["anyOf"][1]["properties"]) == list(PAIR_KEYS)
    assert of_sync["every"]["examples"] == ["30s", "5m", "1h 30m"]
    calendar = made["definitions"]["service_caldav"]["properties"]["calendar"]
    assert calendar["description"].startswith("the calendar's address")


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.parent.name)
def test_the_examples_fit(file: Path, validator: jsonschema_rs.Draft7Validator) -> None:
    validator.validate(tomllib.loads(file.read_text(encoding="utf-8")))


def test_there_are_examples() -> None:
    assert len(FILES) >= 6


SYNC: dict[str, Any] = {
    "name": "x",
    "every": "1h 30m",
    "notion": {"data_source": "a"},
    "caldav": {"calendar": "b"},
    "map": {"A": "b"},
}


@pytest.mark.parametrize(
    "more",
    [
        {},
        {"map": {"A": {"to": "b", "only_to": "caldav", "values": {"x": "y"}, "conflict_mode": "notion"}}},
        {
            "map": {
                "A": {"to": "b", "format": "%d.%m.%Y", "zone": "UTC", "links": "y", "default": {"notion": 3}}
            }
        },
        {"map": {"A": {"to": "b", "default": "x"}}},
        {"every": "2 minutes", "in_total": 3},
        {"notion": [{"data_source": "a"}, {"data_source": "b"}]},
        {"only": {"A": ["b"]}, "delete": {"caldav": "keep"}},
    ],
    ids=str,
)
def test_what_is_right_fits(more: dict[str, Any], validator: jsonschema_rs.Draft7Validator) -> None:
    validator.validate({"sync": [{**SYNC, **more}], "tasks": "a, b", "state_dir": "x", "log_level": "INFO"})


@pytest.mark.parametrize(
    "wrong",
    [
        {"naem": "x"},
        {"every": "often"},
        {"every": 5},
        {"caldav": {"calender": "b"}},
        {"caldav": {}},
        {"notion": [{"data_source": "a"}]},
        {"map": {"A": {"two": "b"}}},
        {"map": {"A": 3}},
        {"map": {"A": {"to": "b", "format": 3}}},
        {"once": "yes"},
        {"delete_share": 2},
        {"notionn": {"data_source": "a"}},
    ],
    ids=str,
)
def test_what_is_wrong_does_not(wrong: dict[str, Any], validator: jsonschema_rs.Draft7Validator) -> None:
    assert not validator.is_valid({"sync": [{**SYNC, **wrong}]})


@pytest.mark.parametrize(
    "wrong", [{"log_levl": "INFO"}, {"log_level": 3}, {"worker_concurrency": 0}], ids=str
)
def test_a_wrong_setting_does_not(wrong: dict[str, Any], validator: jsonschema_rs.Draft7Validator) -> None:
    assert not validator.is_valid(wrong)


def test_a_database_node_fits(validator: jsonschema_rs.Draft7Validator) -> None:
    node = {
        "name": "laptop",
        "database": "sqlite:///orders.db",
        "tables": ["customer", {"name": "order", "exclude": ["note"]}],
        "every": "30s",
        "peer": {"node": "office", "url": "https://office.example.org", "secret": "env:LAPTOP_SECRET"},
    }
    validator.validate({"node": [node]})
    assert not validator.is_valid({"node": [{**node, "tables": [{"nam": "order"}]}]})


def test_a_service_of_a_stranger_is_in_it_and_a_broken_one_is_not_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    module = "tests.tasks.tables.doubles"
    announce(tmp_path, "lockstep-board", {"board": f"{module}:BOARD_SERVICE"})
    announce(tmp_path, "lockstep-odd", {"odd": f"{module}:NO_SUCH"})
    monkeypatch.syspath_prepend(tmp_path)
    validator = jsonschema_rs.Draft7Validator(schema())
    sync = {"name": "x", "once": True, "board": {"room": "kitchen"}, "odd": {"anything": 1}}
    validator.validate({"sync": [sync]})
    assert not validator.is_valid({"sync": [{**sync, "board": {"rom": "kitchen"}}]})
