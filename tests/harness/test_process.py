from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest

from tests.harness import Process, eventually

pytestmark = pytest.mark.processes

COUNT = "import time\nfor n in range(10**6): print('line', n, flush=True); time.sleep(0.01)"
STUBBORN = (
    "import signal, subprocess, sys, time\n"
    "signal.signal(signal.SIGTERM, signal.SIG_IGN)\n"
    "child = subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(60)'])\n"
    "print('child', child.pid, flush=True)\n"
    "time.sleep(60)"
)


def gone(pid: int) -> bool:
    return not psutil.pid_exists(pid) or psutil.Process(pid).status() == psutil.STATUS_ZOMBIE


@pytest.fixture
def start(tmp_path: Path) -> Callable[[str], Process]:
    return lambda code: Process([sys.executable, "-c", code], log=tmp_path / "log", name="program")


def test_output_is_kept_and_awaited(start: Callable[[str], Process]) -> None:
    with start("print('hello'); import sys; print('oh', file=sys.stderr); sys.exit(7)") as process:
        assert process.wait_for_line("hel+o")[0] == "hello"
        assert process.wait_exit() == 7
        assert process.output() == "hello\noh\n" or process.output() == "oh\nhello\n"


def test_waiting_ends_with_the_process_and_shows_its_log(start: Callable[[str], Process]) -> None:
    with start("raise SystemExit('broken pipe dream')") as process:
        began = time.monotonic()
        with pytest.raises(AssertionError, match=r"(?s)ended before a line like 'ready'.*broken pipe dream"):
            process.wait_for_line("ready", timeout=30)
        assert time.monotonic() - began < 10


def test_waiting_has_an_end(start: Callable[[str], Process]) -> None:
    with start("import time; time.sleep(60)") as process:
        with pytest.raises(AssertionError, match=r"not within 0\.6 s: a line like 'ready'"):
            process.wait_for_line("ready", timeout=0.2)
        with pytest.raises(AssertionError, match="did not end"):
            process.wait_exit(timeout=0.1)


def test_only_news_can_be_awaited(start: Callable[[str], Process]) -> None:
    with start(COUNT) as process:
        process.wait_for_line("line 5$")
        with pytest.raises(AssertionError):
            process.wait_for_line("line 5$", timeout=0.2, after=len(process.output()))


def test_a_frozen_process_stands_still(start: Callable[[str], Process]) -> None:
    with start(COUNT) as process:
        process.wait_for_line("line 3$")
        process.stop()
        time.sleep(0.1)
        before = process.output()
        time.sleep(0.2)
        assert process.output() == before
        process.cont()
        eventually(lambda: process.output() != before)


def test_a_frozen_process_is_ended_with_its_block(start: Callable[[str], Process]) -> None:
    with start(COUNT) as process:
        process.wait_for_line("line 3$")
        process.stop()
    assert gone(process.pid)


def test_a_stubborn_process_and_its_child_are_ended(start: Callable[[str], Process]) -> None:
    process = start(STUBBORN)
    child = int(process.wait_for_line(r"child (\d+)")[1])
    process.end(timeout=0.3)
    assert process.returncode == -9
    eventually(lambda: gone(child))


def test_kill_ends_the_whole_group(start: Callable[[str], Process]) -> None:
    with start(STUBBORN) as process:
        child = int(process.wait_for_line(r"child (\d+)")[1])
        assert process.kill() == -9
        eventually(lambda: gone(child))


def test_environment_and_directory_are_those_given(tmp_path: Path) -> None:
    code = "import os; print(os.getcwd(), sorted(set(os.environ) - {'LC_CTYPE'}))"
    with Process([sys.executable, "-c", code], log=tmp_path / "log", env={"A": "1"}, cwd=tmp_path) as process:
        process.wait_exit()
    assert process.output().strip() == f"{os.path.realpath(tmp_path)} ['A']"


def test_eventually_shows_the_last_answer() -> None:
    answers = iter([0, 0, 3])
    assert eventually(lambda: next(answers)) == 3
    with pytest.raises(AssertionError, match=r"not within 0\.3 s: counting \(last answer 0\)"):
        eventually(lambda: 0, timeout=0.1, what="counting")

    def compare() -> bool:
        assert 1 == 2, "sides differ"
        return True

    with pytest.raises(AssertionError, match="sides differ"):
        eventually(compare, timeout=0.1)
