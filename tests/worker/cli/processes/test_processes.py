from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from worker.cli.processes.processes import Command, ProcessGroup

pytestmark = pytest.mark.processes

SLEEPER = "import time; print('ready', flush=True); time.sleep(60)"
STUBBORN = (
    "import signal, time; signal.signal(15, signal.SIG_IGN); print('ready', flush=True); time.sleep(60)"
)


def python(name: str, code: str, **environment: str) -> Command:
    return Command(name, [sys.executable, "-c", code], environment)


@pytest.fixture(autouse=True)
def nothing_is_left() -> Iterator[None]:
    """Servers of other tests may run beside."""
    before = set(psutil.Process().children(recursive=True))
    yield
    assert set(psutil.Process().children(recursive=True)) <= before


async def until(shown: pytest.CaptureFixture[str], *texts: str) -> str:
    """Wait until all texts have been printed; gives all that was."""
    found = ""
    for _ in range(200):
        found += shown.readouterr().out
        if all(text in found for text in texts):
            return found
        await asyncio.sleep(0.05)
    raise AssertionError(f"{texts} not in {found!r}")


async def test_lines_carry_the_name_of_their_process(capsys: pytest.CaptureFixture[str]) -> None:
    group = ProcessGroup(
        [python("one", "import os; print(os.environ['X'])\nprint('é')", X="7"), python("three", SLEEPER)]
    )
    ended = await group.run()
    assert ended == "one ended with exit code 0"
    shown = capsys.readouterr().out
    assert "one   | 7\none   | é\n" in shown


async def test_lines_are_left_alone_without_prefix(capsys: pytest.CaptureFixture[str]) -> None:
    await ProcessGroup([python("one", "print('{}', end='')")], prefix=False).run()
    assert capsys.readouterr().out == "{}\n"


async def test_a_line_longer_than_a_pipe(capsys: pytest.CaptureFixture[str]) -> None:
    await ProcessGroup([python("a", "print('x' * 300_000)")]).run()
    assert capsys.readouterr().out == "a | " + "x" * 300_000 + "\n"


@pytest.mark.parametrize(
    ("code", "said"),
    [("raise SystemExit(3)", "exit code 3"), ("import os; os.kill(os.getpid(), 9)", "signal SIGKILL")],
)
async def test_one_that_ends_ends_all_and_is_named(code: str, said: str) -> None:
    ended = await ProcessGroup([python("worker", SLEEPER), python("beat", code)]).run()
    assert ended == f"beat ended with {said}"


async def test_stop_asks_all_to_end(capsys: pytest.CaptureFixture[str]) -> None:
    group = ProcessGroup([python("a", SLEEPER), python("b", SLEEPER)])
    running = asyncio.create_task(group.run())
    await until(capsys, "a | ready", "b | ready")
    group.stop()
    assert await running is None


async def test_one_that_does_not_end_is_killed(capsys: pytest.CaptureFixture[str]) -> None:
    group = ProcessGroup([python("a", STUBBORN)], stop_timeout=0.3)
    running = asyncio.create_task(group.run())
    await until(capsys, "a | ready")
    group.stop()
    assert await running is None
    assert "a | killed: it had not ended 0.3 s after it was asked to" in capsys.readouterr().out


async def test_asked_twice_it_does_not_wait(capsys: pytest.CaptureFixture[str]) -> None:
    group = ProcessGroup([python("a", STUBBORN)], stop_timeout=60)
    running = asyncio.create_task(group.run())
    await until(capsys, "a | ready")
    group.stop()
    await asyncio.sleep(0.2)
    assert not running.done()
    group.stop()
    assert await asyncio.wait_for(running, 10) is None


async def test_the_children_of_a_process_end_with_it(capsys: pytest.CaptureFixture[str]) -> None:
    code = "import subprocess, sys; subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(60)'])"
    group = ProcessGroup([python("a", code)])
    assert await asyncio.wait_for(group.run(), 20) == "a ended with exit code 0"


async def test_something_else_that_is_needed() -> None:
    asked = iter([True, False])
    group = ProcessGroup([python("a", SLEEPER)])
    assert await group.run(also_needed={"redis": lambda: next(asked)}) == "redis ended"


async def test_a_program_that_is_not_there() -> None:
    ended = await ProcessGroup([Command("a", ["/no/such/program"])]).run()
    assert ended is not None
    assert ended.startswith("a ended with exit code ")


@pytest.mark.skipif(sys.platform != "linux", reason="the kernel's part in this is Linux's")
def test_all_end_when_the_group_is_killed(tmp_path: Path) -> None:
    script = tmp_path / "group.py"
    script.write_text(
        "import asyncio, sys\n"
        "from worker.cli.processes.processes import Command, ProcessGroup\n"
        "code = 'import os, time; print(os.getpid(), flush=True); time.sleep(60)'\n"
        "asyncio.run(ProcessGroup([Command('a', [sys.executable, '-c', code])]).run())\n"
    )
    root = str(Path(__file__).parents[4])
    group = subprocess.Popen(
        [sys.executable, str(script)],
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": root},
    )
    assert group.stdout is not None
    pid = int(group.stdout.readline().split("|")[1])
    group.send_signal(signal.SIGKILL)
    group.wait()
    for _ in range(100):
        if not psutil.pid_exists(pid) or psutil.Process(pid).status() == psutil.STATUS_ZOMBIE:
            return
        time.sleep(0.05)
    raise AssertionError("a child outlived its group")
