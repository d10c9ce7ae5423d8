"""Mistakes and broken surroundings: one clear line, a failed run, nothing lost and nothing written."""

from __future__ import annotations

import json
import socket
import sqlite3
from collections.abc import Callable
from contextlib import closing
from typing import Any

import pytest

from tests.acceptance.office import ATTR_MAP, FAST, PATIENCE, TASK, TOKEN, Office, Thing, title
from tests.harness import Process, eventually, free_port
from worker.store import RunRecord

pytestmark = pytest.mark.processes

MakeOffice = Callable[..., Office]


def refused(process: Process, code: int, *said: str) -> str:
    """The process ends with one line of ours and this exit code."""
    assert process.wait_exit(PATIENCE) == code, process.tail()
    lines = [line for line in process.output().splitlines() if line.strip()]
    assert len(lines) == 1, process.tail()
    for each in ("lockstep: ", *said):
        assert each in lines[0], process.tail()
    return lines[0]


def run_fails(office: Office, *said: str, **env: str) -> RunRecord:
    """A run by hand ends with code 1 and its reason; the history has it; nothing was written."""
    before = office.board.things(), office.phone.things()
    process = office.lockstep("run", TASK, name=f"run-{len(office.runs())}", **env)
    assert process.wait_exit(PATIENCE) == 1, process.tail()
    assert "Traceback" not in process.output(), process.tail()
    record = office.runs()[0]
    assert (record.status, +sum(record.counts.values())) == ("failed", 0)
    for each in said:
        assert each in record.reason
        assert each in " ".join(process.output().split()), process.tail()
    for secret in (TOKEN, office.radicale.password, *filter(None, env.values())):
        assert secret not in process.output()
        assert secret not in record.reason
    assert (office.board.things(), office.phone.things()) == before
    return record


def run_succeeds(office: Office) -> RunRecord:
    process = office.lockstep("run", TASK, name=f"run-{len(office.runs())}")
    assert process.wait_exit(PATIENCE) == 0, process.tail()
    return office.runs()[0]


def failures(office: Office) -> list[str]:
    """Reasons of failed runs, the newest first."""
    return [run.reason for run in office.runs() if run.status == "failed"]


@pytest.fixture
def office(make_office: MakeOffice) -> Office:
    """Something is on either side, and nothing has run."""
    office = make_office()
    office.fill(4)
    return office


def test_logins_that_are_refused(office: Office) -> None:
    office.board.arrange("POST", "faults", {"status": 401, "times": 1000})
    run_fails(office, "Notion", "NOTION_TOKEN", NOTION_TOKEN="ntn_0wrong0word0")
    office.board.arrange("DELETE", "faults")
    run_fails(office, office.radicale.username, "CALDAV_PASSWORD", CALDAV_PASSWORD="wrong-word")
    run_fails(office, "NOTION_TOKEN", NOTION_TOKEN="")
    run_succeeds(office)
    assert len(office.in_step()) == 4


def test_addresses_where_nobody_answers(office: Office) -> None:
    port = free_port()
    office.radicale.stop()
    run_fails(office, str(office.radicale.port))
    office.radicale.start()
    process = office.lockstep("run", TASK, name="run", REDIS_URL=f"redis://:private-pass@127.0.0.1:{port}/0")
    assert "private-pass" not in refused(process, 5, str(port), "REDIS_URL")
    run_succeeds(office)
    assert len(office.in_step()) == 4


def test_services_that_go_away_and_come_back(office: Office) -> None:
    worker, beat = office.worker(*FAST), office.beat()
    office.rested()
    for leave, come in (
        (office.notion.kill, office.start_notion),
        (office.radicale.stop, office.radicale.start),
    ):
        seen = len(failures(office))
        leave()
        eventually(lambda seen=seen: len(failures(office)) > seen, PATIENCE)
        come()
        office.rested()
        assert len(office.in_step()) == 4
    office.board.add(Thing("afterwards"))
    eventually(lambda: len(office.phone.things()) == 5, PATIENCE)
    assert len(set(failures(office))) >= 2
    assert all("\n" not in reason for reason in failures(office))
    assert all("cannot be reached" in reason for reason in failures(office))
    assert "Traceback" not in worker.output() + beat.output()


def test_a_property_that_is_renamed_while_it_runs(office: Office) -> None:
    """It goes on under its new name, and the log tells."""
    worker = office.worker(*FAST)
    office.beat()
    office.rested()
    office.board.rename_column("Notes", "Remarks")
    office.board.edit("thing 00", Name=title("thing zero"))
    eventually(lambda: "thing zero" in {thing.name for thing in office.phone.things()}, PATIENCE)
    assert "'Notes' is called 'Remarks' now" in worker.output()
    office.board.rename_column("Remarks", "Notes")
    things = office.in_step()
    assert [thing.name for thing in things] == ["thing 01", "thing 02", "thing 03", "thing zero"]
    assert things[3].notes == "note 0"
    assert not failures(office)
    assert "Traceback" not in worker.output(), worker.tail()


MISTAKES: list[tuple[dict[str, Any], tuple[str, ...]]] = [
    ({"tables": 2}, ("two [[sync]] tables are named 'todos'",)),
    (
        {"attr_map": {**ATTR_MAP, "Notes": "colour"}},
        ("todos", "caldav has no attribute 'colour'", "description"),
    ),
    ({"every": "-5s"}, ("todos", "every", "give a period such as")),
    ({"every": "0s"}, ("todos", "every", "longer than zero")),
    ({"in_total": 0}, ("todos", "in_total")),
    ({"conflict_mode": "mine"}, ("todos", "conflict_mode", "newer")),
    ({"colour": "red"}, ("todos", "colour")),
]


def test_tables_that_are_wrong(office: Office) -> None:
    """Told by everything that would run them, before anything is touched."""
    for number, (changes, said) in enumerate(MISTAKES):
        office.write_toml(**changes)
        teller = ("run", "beat", "worker")[number % 3]
        if teller == "run":
            process = office.lockstep("run", TASK, name=f"run-{number}")
        else:
            process = office.celery(teller, name=f"{teller}-{number}")
        refused(process, 2, *said)
    assert office.runs() == []
    assert office.board.things() != office.phone.things()


@pytest.mark.parametrize(
    ("command", "call", "said"),
    [
        ("worker", "in_total(0)", "at least once, not 0"),
        ("beat", "run_every(seconds=-5)", "longer than zero, this one is -5 s"),
    ],
)
def test_schedules_that_are_wrong_in_python(office: Office, command: str, call: str, said: str) -> None:
    module = (
        "from tasks import TwoWay\n"
        "from tasks.services import caldav, notion\n"
        f"sides = notion.DataSource({office.board.source!r}), caldav.Todos({office.phone.url!r})\n"
        f"TwoWay('mine', *sides).{call}.schedule()\n"
    )
    (office.directory / "cwd" / "my_tasks.py").write_text(module)
    refused(office.celery(command, name=command, LOCKSTEP_TASKS="my_tasks"), 2, said)


def test_a_column_that_is_not_there(office: Office) -> None:
    office.write_toml(attr_map={**ATTR_MAP, "Deadline": "url"})
    run_fails(office, "To-dos", "'Deadline'")
    office.write_toml()
    run_succeeds(office)
    assert len(office.in_step()) == 4


def test_a_state_file_that_cannot_be_read(office: Office) -> None:
    file = office.state_dir / f"{TASK}.json"
    file.write_text('{"version": 1, "links": [tru')
    before = file.read_bytes()
    run_fails(office, file.name)
    worker = office.worker(*FAST)
    office.beat()
    eventually(lambda: office.runs()[0].pid == worker.pid and office.runs()[0].status == "failed", PATIENCE)
    assert "Traceback" not in worker.output(), worker.tail()
    assert file.read_bytes() == before
    file.unlink()
    assert len(office.in_step()) == 4


def test_a_link_that_cannot_be_read(office: Office) -> None:
    run_succeeds(office)
    office.board.delete("thing 02")
    office.board.edit("thing 01", Name=title("thing one"))
    path = office.state_dir / "lockstep.db"
    with closing(sqlite3.connect(path)) as db, db:
        (kept,) = db.execute("SELECT left_values FROM link ORDER BY left_id LIMIT 1").fetchone()
        changed = "UPDATE link SET left_values = ? WHERE left_values = ?"
        db.execute(changed, (kept[:-5], kept))
    record = run_fails(office, "todos")
    assert "link" in record.reason
    assert json.loads(kept)
    with closing(sqlite3.connect(path)) as db, db:
        assert db.execute("SELECT count(*) FROM link").fetchone() == (4,)
        db.execute(changed, (kept, kept[:-5]))
    run_succeeds(office)
    assert [thing.name for thing in office.in_step()] == ["thing 00", "thing 03", "thing one"]


def test_ports_in_use(office: Office) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        refused(office.lockstep("sandbox", "notion", "--port", port, name="sandbox"), 5, port, "--port")
        flower = office.celery("flower", "--address=127.0.0.1", f"--port={port}", name="flower")
        refused(flower, 5, port, "--port")
        for option in ("--flower-port", "--redis-port"):
            process = office.lockstep("up", "--no-web", option, port, name=f"up{option}", REDIS_URL="")
            refused(process, 5, port, option if option == "--flower-port" else "port")


def test_no_redis_is_configured(office: Office) -> None:
    for command in ("worker", "beat", "flower"):
        refused(office.celery(command, name=command, REDIS_URL=""), 2, "REDIS_URL is not set: ")
