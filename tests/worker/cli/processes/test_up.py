from __future__ import annotations

import json
import os
import re
import signal
import socket
import threading
import time
import urllib.request
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import psutil
import pytest
import redis

from tests.harness.process import eventually
from tests.harness.starting import piped
from worker.machine.redis_server import free_port

pytestmark = pytest.mark.processes

#: Seconds for a worker to start on a busy machine, and for all to end.
PATIENCE = 60


class Up:
    """A running `lockstep up` and what it has printed."""

    def __init__(self, command: list[str], project: Path, environment: dict[str, str]) -> None:
        self.process, self.printed = piped(command, cwd=project, env=environment, with_errors=True)
        self.lines: list[str] = []
        self.reader = threading.Thread(target=self._read)
        self.reader.start()
        self.family: set[psutil.Process] = set()

    def _read(self) -> None:
        with self.printed:
            self.lines.extend(self.printed)

    @property
    def output(self) -> str:
        return "".join(self.lines)

    def until(self, text: str) -> None:
        for _ in range(PATIENCE * 10):
            if re.search(text, self.output):
                self.family |= set(psutil.Process(self.process.pid).children(recursive=True))
                return
            assert self.process.poll() is None, self.output
            time.sleep(0.1)
        raise AssertionError(f"{text!r} is not in\n{self.output}")

    def child(self, name: str) -> psutil.Process:
        for each in psutil.Process(self.process.pid).children():
            words = each.cmdline()
            if "-A" in words and words[words.index("-A") + 2] == name:
                return each
        raise AssertionError(f"there is no {name}")

    def end(self, how: signal.Signals) -> int:
        self.process.send_signal(how)
        return self.wait()

    def wait(self) -> int:
        code = self.process.wait(PATIENCE)
        self.reader.join(10)
        return code

    def left_over(self) -> list[psutil.Process]:
        _, alive = psutil.wait_procs(self.family, timeout=PATIENCE)
        return alive


@pytest.fixture
def up(project: Path, environment: dict[str, str], command: list[str]) -> Iterator[Callable[..., Up]]:
    started: list[Up] = []

    def start(*options: str, **variables: str) -> Up:
        root = str(Path(__file__).parents[4])
        web = () if "--web-port" in options else ("--no-web",)
        arguments = [*command, "up", "--flower-port", "0", *web, *options]
        started.append(Up(arguments, project, {**environment, "PYTHONPATH": root, **variables}))
        return started[-1]

    yield start
    for each in started:
        family = (
            set(psutil.Process(each.process.pid).children(recursive=True))
            if each.process.poll() is None
            else set()
        )
        each.process.kill()
        each.wait()
        for process in family | each.family:
            if process.is_running():
                process.kill()


def test_scheduled_runs_happen_and_changes_are_taken_over(
    up: Callable[..., Up], lockstep: Any, project: Path
) -> None:
    running = up("--web-port", "0")
    running.until(r"worker \| .*ready")
    for _ in range(PATIENCE):
        runs = json.loads(lockstep("history", "to-dos", "--json").stdout)["items"]
        if runs and runs[0]["status"] == "succeeded":
            break
        time.sleep(0.5)
    else:
        raise AssertionError(running.output)
    titles = [
        {each["title"] for each in json.loads((project / f"to-dos-{side}.json").read_text())}
        for side in ("notion", "other")
    ]
    assert titles == [{"Milk", "Bread"}] * 2
    by_hand = lockstep("run", "to-dos")  # with the lock in the embedded Redis
    assert by_hand.returncode == 0, by_hand.stderr
    running.until(r" 127\.0\.0\.1:\d+ \(started here\)")
    url = (project / ".lockstep" / "redis.url").read_text()
    with (
        redis.Redis.from_url(url) as known,
        redis.Redis(port=known.get_connection_kwargs()["port"]) as stranger,
    ):
        assert known.ping()
        with pytest.raises(redis.ResponseError, match="unknown command"):
            known.config_set("dir", str(project))
        with pytest.raises(redis.AuthenticationError):
            stranger.config_set("dir", str(project))
    password = str(urlsplit(url).password)
    assert password not in running.output
    kept = json.loads(lockstep("logs", "to-dos", "--json").stdout)["items"]
    assert {line["process"] for line in kept} >= {"worker"}
    assert password not in (project / ".lockstep" / "logs" / "up.log").read_text()
    assert [path for path in (project / ".lockstep").rglob("*") if path.stat().st_mode & 0o077] == []
    running.until(r"Flower +http://127\.0\.0\.1:\d+")
    port = re.search(r"Flower +http://127\.0\.0\.1:(\d+)", running.output)
    assert port is not None
    running.until(r"flower \| ")
    assert answers(f"http://127.0.0.1:{port[1]}/healthcheck") == "OK"
    web = re.search(r"Dashboard +(http://127\.0\.0\.1:\d+)", running.output)
    assert web is not None
    assert 'href="/tasks/to-dos"' in answers(web[1])
    assert json.loads(answers(f"{web[1]}/healthz"))["status"] == "ok"
    assert json.loads(answers(f"{web[1]}/livez")) == {"status": "ok"}
    status = lockstep("status", "--json")
    assert status.returncode == 0, status.stdout
    found = json.loads(status.stdout)
    assert [len([each for each in found[kind] if each["alive"]]) for kind in ("schedulers", "workers")] == [
        1,
        1,
    ]
    assert (found["differences"], found["troubles"]) == ([], [])
    due = {row["task"]: row["next_run"] or row["no_next_run"] for row in found["tasks"]}
    assert due["single"] == "ended"
    assert due["strict"] > due["to-dos"] > datetime.now(UTC).isoformat()
    module = project / "file_tasks.py"
    module.write_text(module.read_text().replace("minutes=5", "minutes=7"))

    def taken_over() -> bool:
        read = json.loads(lockstep("status", "--json").stdout)
        about = [each["text"] for each in read["differences"] if "restart" in each["text"]]
        assert about == [], "nobody has to restart anything"
        return not read["differences"]

    eventually(taken_over, 20, "what was changed to be taken over")
    (row,) = (
        row for row in json.loads(lockstep("status", "--json").stdout)["tasks"] if row["task"] == "to-dos"
    )
    assert row["schedule"] == "every 7 min"
    ends_in_order(running, project, signal.SIGINT)


def test_sigterm_ends_all_in_order(up: Callable[..., Up], project: Path) -> None:
    running = up("--web-port", "0")
    running.until(r"worker \| .*ready")
    running.until(r"flower \| ")
    web = re.search(r"Dashboard +(http://127\.0\.0\.1:\d+)", running.output)
    assert web is not None
    assert json.loads(answers(f"{web[1]}/livez")) == {"status": "ok"}
    ends_in_order(running, project, signal.SIGTERM)


def ends_in_order(running: Up, project: Path, how: signal.Signals) -> None:
    """A signal ends all, and nothing is left."""
    assert running.end(how) == 0, running.output
    assert running.left_over() == []
    assert "Traceback" not in running.output
    name = "Ctrl-C" if how is signal.SIGINT else "SIGTERM"
    assert f"Stopping ({name}): runs get their time to end; a second signal" in running.output
    assert running.lines[-1] == "Stopped: worker, beat, flower, web and Redis have ended.\n"
    assert not (project / ".lockstep" / "redis.url").exists()


def test_a_running_sync_ends_and_is_not_waited_for_any_longer(up: Callable[..., Up], lockstep: Any) -> None:
    running = up("--no-flower", LIST_SECONDS="3")
    running.until("Task 'to-dos': run [0-9a-f]+ started")
    begun = time.monotonic()
    assert running.end(signal.SIGTERM) == 0, running.output
    assert time.monotonic() - begun < 15, running.output
    (run,) = json.loads(lockstep("history", "to-dos", "--json").stdout)["items"]
    assert run["status"] == "succeeded"


def test_a_sync_that_takes_longer_is_cancelled(up: Callable[..., Up], lockstep: Any) -> None:
    running = up("--no-flower", LIST_SECONDS="300")
    running.until("Task 'to-dos': run [0-9a-f]+ started")
    assert running.end(signal.SIGTERM) == 0, running.output
    (run,) = json.loads(lockstep("history", "to-dos", "--json").stdout)["items"]
    assert run["status"] == "cancelled", running.output
    assert "killed" not in running.output
    assert running.left_over() == []
    assert running.lines[-1] == (
        "Stopped: worker, beat and Redis have ended. Runs that were cancelled: single, strict, to-dos.\n"
    )


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGTERM])
def test_a_second_signal_ends_all_at_once(up: Callable[..., Up], how: signal.Signals) -> None:
    running = up("--no-flower", LIST_SECONDS="300")
    running.until("Task 'to-dos': run [0-9a-f]+ started")
    running.process.send_signal(how)
    running.process.send_signal(how)  # a terminal or a host may send it twice: that is one request
    running.until("Stopping ")
    time.sleep(1)
    assert running.process.poll() is None
    begun = time.monotonic()
    assert running.end(how) == 130, running.output
    assert time.monotonic() - begun < 10
    assert "Ending at once: a second signal came.\n" in running.lines
    assert running.lines[-1].startswith("Ended at once: all processes were killed.")
    assert "Traceback" not in running.output
    assert running.left_over() == []
    again = up("--no-flower")
    again.until(r"worker \| .*ready")
    assert again.end(signal.SIGTERM) == 0


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_one_signal_while_all_is_being_started(
    up: Callable[..., Up], project: Path, how: signal.Signals
) -> None:
    module = project / "file_tasks.py"
    module.write_text("print('loading', flush=True)\nimport time; time.sleep(2)\n" + module.read_text())
    running = up("--no-flower")
    running.until("loading")
    assert running.end(how) == 0, running.output
    name = "Ctrl-C" if how is signal.SIGINT else how.name
    assert running.lines[-1] == f"Stopped ({name}) before all was started; nothing is left running.\n"
    assert "Traceback" not in running.output
    assert not (project / ".lockstep" / "redis.url").exists()


def test_one_that_does_not_end_in_order_is_told(up: Callable[..., Up]) -> None:
    running = up("--no-flower", LIST_SECONDS="300")
    running.until("Task 'to-dos': run [0-9a-f]+ started")
    running.child("worker").send_signal(signal.SIGTERM)
    running.until("worker: stopping")
    time.sleep(0.5)
    assert running.end(signal.SIGTERM) == 1, running.output  # the second signal of the worker
    assert running.lines[-1] == "Stopped, but not in order: worker ended with exit code 1.\n"
    assert running.left_over() == []


def answers(url: str) -> str:
    for _ in range(PATIENCE * 2):
        try:
            with urllib.request.urlopen(url, timeout=5) as answer:
                return str(answer.read().decode())
        except OSError:
            time.sleep(0.5)
    raise AssertionError(f"{url} does not answer")


@pytest.mark.parametrize("name", ["worker", "beat"])
def test_one_that_dies_ends_all_and_is_named(up: Callable[..., Up], name: str) -> None:
    running = up("--no-flower")
    running.until(r"worker \| .*ready")
    running.child(name).kill()
    assert running.wait() == 1
    assert f"lockstep: {name} ended with signal SIGKILL" in running.output
    assert running.left_over() == []


def test_redis_that_dies_ends_all(up: Callable[..., Up]) -> None:
    running = up("--no-flower")
    running.until(r"worker \| .*ready")
    (server,) = (each for each in running.family if "redis" in each.name())
    server.kill()
    assert running.wait() == 1
    assert "lockstep: redis ended" in running.output
    assert running.left_over() == []


def test_killed_it_takes_all_with_it(up: Callable[..., Up]) -> None:
    running = up("--no-flower")
    running.until(r"worker \| .*ready")
    assert running.end(signal.SIGKILL) == -signal.SIGKILL
    assert [(one, one.cmdline()[-6:]) for one in running.left_over()] == [], running.output
    again = up("--no-flower")
    again.until(r"worker \| .*ready")
    assert again.end(signal.SIGTERM) == 0


def test_a_second_one_is_refused(up: Callable[..., Up]) -> None:
    first = up("--no-flower")
    first.until("Lockstep is up")
    second = up("--no-flower")
    assert second.wait() == 5
    assert "uses .lockstep already" in second.output


def test_a_port_in_use(up: Callable[..., Up], project: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        for option, said in (
            ("--flower-port", "Flower cannot listen on 127.0.0.1:"),
            ("--web-port", "The web process cannot listen on 127.0.0.1:"),
            ("--redis-port", "port "),
        ):
            refused = up(option, port)
            assert refused.wait() == 5
            (line,) = refused.output.splitlines()
            assert line.startswith(f"lockstep: {said}")
            assert port in line


def test_a_configured_redis_that_does_not_answer(up: Callable[..., Up]) -> None:
    refused = up(REDIS_URL=f"redis://:private-pass@127.0.0.1:{free_port()}/0")
    assert refused.wait() == 5
    (line,) = refused.output.splitlines()
    assert "does not answer" in line
    assert "private-pass" not in line


def test_a_wrong_task_is_told_before_anything_starts(up: Callable[..., Up], project: Path) -> None:
    (project / "file_tasks.py").write_text("raise ZeroDivisionError('x')\n")
    refused = up()
    assert refused.wait() == 2
    (line,) = refused.output.splitlines()
    assert line.startswith(
        "lockstep: module 'file_tasks' of LOCKSTEP_TASKS cannot be imported: ZeroDivisionError"
    )
    assert not (project / ".lockstep" / "redis").exists()


def test_json_lines_stay_json(up: Callable[..., Up]) -> None:
    running = up("--no-flower", LOCKSTEP_LOG_FORMAT="json")
    running.until(r'"message": ".*ready')
    assert running.end(signal.SIGTERM) == 0
    entries = [json.loads(line) for line in running.lines if line.startswith("{")]
    assert {"worker", "celery"} & {entry["logger"].partition(".")[0] for entry in entries}
    assert os.getpid() not in {entry["process"] for entry in entries}
