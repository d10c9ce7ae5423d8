"""What facts of the machine, the database, the processes and the tasks mean."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest

from config import Settings
from tasks.engine.examining import Examined
from tasks.errors import SideError, TaskDefinitionError
from tasks.server_clock import ahead_by
from tasks.sides import Attribute, End, Kind
from tests.worker.alarms.test_judging import WELL, facts, sign
from worker.cli.doctor.checks.database import database_finding
from worker.cli.doctor.checks.doors import door_findings
from worker.cli.doctor.checks.files import MUST, SHOULD, disk_finding, file_findings
from worker.cli.doctor.checks.processes import process_findings
from worker.cli.doctor.checks.tasks import clock_findings, task_findings
from worker.cli.doctor.facts.database import DatabaseFacts
from worker.cli.doctor.facts.files import DiskFacts, FileFacts
from worker.cli.doctor.facts.processes import ProcessFacts
from worker.cli.doctor.facts.tasks import TaskFacts
from worker.cli.doctor.finding import About, Finding, State, worst
from worker.signs import SCHEDULER, WORKER, Signs
from worker.telling.exit_codes import ExitCode

NOW = datetime(2026, 11, 28, 20, 0, tzinfo=UTC)
SOON = timedelta(days=14)
TITLE = {"Name": Attribute(Kind.TEXT, meaning="title")}


def by_check(findings: Iterable[Finding]) -> dict[str, Finding]:
    return {one.check: one for one in findings}


def test_the_worst_code_counts_and_nothing_but_what_failed() -> None:
    about = About("x")
    assert worst([about.ok("a", ""), about.warning("b", "", ""), about.unknown("c", "")]) is ExitCode.OK
    codes = [ExitCode.FAILED, ExitCode.UNATTENDED, ExitCode.USAGE, ExitCode.UNAVAILABLE]
    for place, code in enumerate(codes):
        assert worst(about.failed("a", "", "", each) for each in codes[: place + 1]) is code


@pytest.mark.parametrize(
    ("mode", "secret", "mend"),
    [
        (0o600, True, ""),
        (0o700, True, ""),
        (0o644, False, ""),
        (0o664, False, ""),
        (0o604, True, "chmod o-rwx 'a b'"),
        (0o640, True, "chmod go-rwx 'a b'"),
        (0o666, False, "chmod o-w 'a b'"),
    ],
)
def test_the_mode_of_a_file(mode: int, secret: bool, mend: str) -> None:
    (told,) = file_findings([FileFacts("a b", mode, secret)])
    assert (told.mend, told.state) == (mend, State.FAILED if mend else State.OK)


def test_room_on_the_disk() -> None:
    states = [disk_finding(DiskFacts("/", free)).state for free in (SHOULD, SHOULD - 1, MUST, MUST - 1)]
    assert states == [State.OK, State.WARNING, State.WARNING, State.FAILED]


@pytest.mark.parametrize(
    ("known", "state", "words"),
    [
        ({"version": "0011"}, State.OK, "up to date"),
        ({"version": ""}, State.OK, "no tables yet"),
        ({"version": "0009"}, State.WARNING, "older version (0009, this one has 0011)"),
        ({"version": "0012"}, State.FAILED, "newer version"),
        ({"refusal": "the database is away"}, State.FAILED, "The database is away"),
    ],
)
def test_the_database(known: dict[str, str], state: State, words: str) -> None:
    told = database_finding(DatabaseFacts(address="sqlite:///x", newest="0011", **known))
    assert told.state is state
    assert words in told.text
    assert bool(told.mend) is (state is not State.OK)


@pytest.mark.parametrize(
    ("settings", "environment", "check", "state"),
    [
        ({}, {}, "flower", State.OK),
        ({}, {"FLOWER_ADDRESS": "127.0.0.1"}, "flower", State.OK),
        ({}, {"FLOWER_ADDRESS": "0.0.0.0"}, "flower", State.FAILED),
        ({"flower_basic_auth": "a:long-and-secret"}, {"FLOWER_ADDRESS": "0.0.0.0"}, "flower", State.OK),
        ({"flower_basic_auth": "a:long-and-secret, b:short"}, {}, "flower", State.WARNING),
        ({}, {}, "web", State.OK),
        ({"web_password": "long-and-secret"}, {}, "web", State.OK),
        ({"web_dashboard": False}, {}, "web", State.OK),
        ({"web_user_header": "X-User", "web_proxies": ("10.0.0.0/8",)}, {}, "web", State.OK),
        ({"web_user_header": "X-User", "web_proxies": ("10.0.0.0/8", "::/0")}, {}, "web", State.FAILED),
        ({"metrics_token": "long-and-secret-token"}, {}, "metrics", State.OK),
    ],
)  # fmt: skip
def test_whom_pages_let_in(
    settings: dict[str, Any], environment: dict[str, str], check: str, state: State
) -> None:
    told = by_check(door_findings(Settings(**settings), environment))
    assert set(told) == {"flower", "web", "metrics"}
    assert told[check].state is state
    assert "secret" not in str(told)


def of_processes(given: Any) -> dict[str, Finding]:
    return by_check(process_findings(ProcessFacts(given)))


def test_who_is_there() -> None:
    told = of_processes(facts())
    assert {one.state for one in told.values()} == {State.OK}
    assert set(told) == {"database-writes", "scheduler", "workers", "queue", "entries"}
    assert told["queue"].text == "No messages in the queue."
    nobody = of_processes(facts(signs=Signs()))
    assert [nobody[one].state for one in ("scheduler", "workers")] == [State.WARNING] * 2
    assert "entries" not in nobody
    gone = of_processes(facts(signs=Signs((sign(SCHEDULER, seconds=400),), (sign(WORKER),))))
    assert (gone["scheduler"].state, gone["scheduler"].code) == (State.FAILED, ExitCode.UNATTENDED)
    assert "celery -A worker beat" in gone["scheduler"].mend
    assert of_processes(facts(queued=1))["queue"].text == "1 message in the queue."
    assert of_processes(facts(queued=9))["queue"].state is State.WARNING


def test_who_cannot_be_known() -> None:
    away = of_processes(facts(signs=None))
    assert away["processes"].state is State.UNKNOWN
    refused = of_processes(facts(refusal="it is full"))["database-writes"]
    assert (refused.state, refused.code) == (State.FAILED, ExitCode.UNAVAILABLE)
    (other,) = process_findings(ProcessFacts(None, "the Redis is another one's", is_wrong=True))
    assert (other.state, other.code) == (State.FAILED, ExitCode.USAGE)
    (unknown,) = process_findings(ProcessFacts(None, "the database is away"))
    assert unknown.state is State.UNKNOWN


def test_who_has_read_something_else() -> None:
    given = facts()
    assert given.status is not None
    told = of_processes(
        replace(given, status=replace(given.status, differences=[("milk", "is old: restart it")]))
    )
    assert (told["entries"].state, told["entries"].text) == (State.WARNING, "milk: is old: restart it")
    refusing = replace(WELL, schedulers=(sign(SCHEDULER, refused="two tasks are called milk"),))
    told = of_processes(facts(signs=refusing))
    assert any(
        "two tasks are called milk" in one.text
        for one in process_findings(ProcessFacts(facts(signs=refusing)))
    )


def task(*, is_done: bool = True, error: Exception | None = None, **known: Any) -> list[Finding]:
    labels = {End.LEFT: "Notion", End.RIGHT: "the folder notes"}
    described = dict.fromkeys(End, TITLE)
    examined = Examined(**{"labels": labels, "described": described, "fit": set(End), "pairs": 1, **known})
    made = TaskFacts("milk", examined, error, is_done)
    return list(task_findings(made, NOW, SOON))


def test_a_task_that_could_begin() -> None:
    assert [(one.check, one.state) for one in task()] == [
        ("side-left", State.OK),
        ("side-right", State.OK),
        ("mapping", State.OK),
    ]
    assert [one.state for one in task(warnings=("a date loses its time",))][-1] is State.WARNING


def test_a_task_that_could_not() -> None:
    refusal = {End.LEFT: SideError("the token is refused: make a new one")}
    one, other = task(described={End.RIGHT: TITLE}, fit=set(), pairs=None, refusals=refusal)
    assert (one.text, one.code) == ("The token is refused: make a new one", ExitCode.FAILED)
    assert (other.state, other.text) == (State.OK, "The folder notes answers.")
    *_, mapping = task(fit=set(), pairs=None, refusal=TaskDefinitionError("no attribute 'Nam'"))
    assert (mapping.check, mapping.state, mapping.code) == ("mapping", State.FAILED, ExitCode.USAGE)
    (fault, *_) = task(error=KeyError("Nam"))
    assert (fault.state, fault.text) == (State.FAILED, "A run would break off: KeyError: 'Nam'")
    hung = task(is_done=False, fit=set(), pairs=None, described={})
    assert [one.state for one in hung] == [State.UNKNOWN, State.UNKNOWN]


@pytest.mark.parametrize(
    ("left", "state"),
    [
        (timedelta(0), State.FAILED),
        (timedelta(seconds=1), State.WARNING),
        (SOON, State.WARNING),
        (SOON + timedelta(seconds=1), State.OK),
    ],
)
def test_when_a_login_ends(left: timedelta, state: State) -> None:
    told = by_check(task(expires={End.RIGHT: NOW + left}))["login"]
    assert told.state is state
    assert "the folder notes" in told.text


def test_clocks_of_services() -> None:
    told = list(clock_findings([{"a.example": timedelta(seconds=29)}, {"b.example": timedelta(seconds=-90)}]))
    assert [one.state for one in told] == [State.OK, State.WARNING]
    assert "b.example is 90 s behind" in told[1].text


@pytest.mark.parametrize(
    ("headers", "ahead"),
    [
        ({"Date": "Sat, 28 Nov 2026 20:00:30 GMT"}, 30.5),
        ({"Date": "Sat, 28 Nov 2026 20:00:30 GMT", "Age": "0"}, 30.5),
        ({"Date": "Sat, 28 Nov 2026 19:59:30 GMT"}, -29.5),
        ({"Date": "Sat, 28 Nov 2026 20:00:30 GMT", "Age": "600"}, None),
        ({"Date": "today"}, None),
        ({}, None),
    ],
)
def test_the_clock_of_who_answers(headers: dict[str, str], ahead: float | None) -> None:
    found = ahead_by(httpx.Headers(headers), NOW)
    assert (None if found is None else found.total_seconds()) == ahead
