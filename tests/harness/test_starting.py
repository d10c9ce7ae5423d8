"""A program that is forked is what it would have been, had it been started afresh."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.harness.process import Process, eventually
from tests.harness.starting import Forked, fresh, piped, run, start

pytestmark = pytest.mark.processes

#: All that a program can see of how it was started, but for its modules.
SEEN = """
import json, os, signal, sys, threading, time, warnings
print(json.dumps({
    "arguments": sys.argv, "cwd": os.getcwd(), "environment": dict(os.environ), "path": sys.path, "zone": time.tzname,
    "name": __name__, "threads": threading.active_count(), "session": os.getsid(0) == os.getpid(),
    "interrupted": signal.getsignal(signal.SIGINT) is signal.default_int_handler,
    "children": signal.getsignal(signal.SIGCHLD) is signal.SIG_DFL,
    "files": sorted(int(name) for name in os.listdir("/proc/self/fd"))[:-1] if os.path.isdir("/proc/self/fd") else [],
    "encodings": [sys.stdin.encoding, sys.stdout.encoding, sys.stderr.encoding, sys.stderr.errors],
    "buffered": [sys.stdout.write_through, sys.stderr.line_buffering], "ignored": warnings.filters[0][0],
}, indent=1, sort_keys=True))
"""


@pytest.mark.parametrize("way", ["code", "module", "file"])
def test_it_sees_what_a_fresh_one_does(tmp_path: Path, way: str) -> None:
    (tmp_path / "seen.py").write_text(SEEN)
    command = {"code": ["-c", SEEN], "module": ["-m", "seen"], "file": [str(tmp_path / "seen.py")]}[way]
    arguments = [sys.executable, *command, "one", "two"]
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    env = {
        **os.environ,
        "TZ": "Asia/Tokyo",
        "PYTHONPATH": str(elsewhere),
        "PYTHONWARNINGS": "ignore",
        "NEW": "ö",
    }
    env["PYTHONUNBUFFERED"] = "1"
    with (tmp_path / "fresh").open("w") as file:
        assert fresh(arguments, output=file.fileno(), env=env, cwd=tmp_path).wait(60) == 0
    forked = run(arguments, env=env, cwd=tmp_path)
    assert (forked.returncode, forked.stderr) == (0, "")
    expected = json.loads((tmp_path / "fresh").read_text())
    # What is forked hears an interrupt also where tests run in the background, which ignores them.
    assert json.loads(forked.stdout) == {**expected, "interrupted": True}


def test_it_has_its_imports_behind_it_and_nothing_else() -> None:
    code = (
        "import sys; print([name in sys.modules for name in ('celery', 'worker.store', 'worker.celery')])\n"
        "print([name for name in sys.modules if name.startswith('celery.worker.consumer')])\n"
        "from config import get_settings; from tasks import all_tasks\n"
        "print(get_settings.cache_info().currsize, len(all_tasks))\n"
    )
    done = run([sys.executable, "-c", code], env={"PYTHONPATH": str(Path(__file__).parents[2])})
    assert done.stdout == "[True, True, False]\n[]\n0 0\n", done.stderr


def test_how_it_ends_is_told(tmp_path: Path) -> None:
    def ended(code: str) -> subprocess.CompletedProcess[str]:
        return run([sys.executable, "-c", code])

    assert ended("raise SystemExit(7)").returncode == 7
    assert ended("import os, signal; os.kill(os.getpid(), signal.SIGKILL)").returncode == -signal.SIGKILL
    failed = ended("import atexit; atexit.register(print, 'the end'); print('begun'); 1 / 0")
    assert (failed.returncode, failed.stdout) == (1, "begun\nthe end\n")
    assert failed.stderr.endswith("ZeroDivisionError: division by zero\n")
    with pytest.raises(subprocess.TimeoutExpired):
        run([sys.executable, "-c", "import time; time.sleep(600)"], timeout=0.2)


def test_it_is_signalled_with_what_it_has_started(tmp_path: Path) -> None:
    code = "import os, time; print(os.fork(), flush=True); time.sleep(600)"
    with Process([sys.executable, "-c", code], log=tmp_path / "log") as process:
        child = int(process.wait_for_line(r"^([1-9]\d*)$")[1])
        assert process.running
        assert process.kill() == -signal.SIGKILL

    def gone() -> bool:
        try:
            return Path(f"/proc/{child}/stat").read_text().split()[2] == "Z"
        except FileNotFoundError:
            return True

    if sys.platform == "linux":
        eventually(gone)


def test_it_ends_with_the_one_that_started_it(tmp_path: Path) -> None:
    if sys.platform != "linux":
        pytest.skip("only Linux ends children with their parent")
    starter = (
        "import sys, time; from tests.harness.starting import piped; from pathlib import Path\n"
        "process, printed = piped([sys.executable, '-c', 'print(1, flush=True); import time; time.sleep(600)'],\n"
        "    env={'PYTHONPATH': '.'}, cwd=Path.cwd())\n"
        "print(printed.readline().strip(), process.pid, flush=True)\n"
        "time.sleep(600)\n"
    )
    root = Path(__file__).parents[2]
    env = {**os.environ, "PYTHONPATH": str(root)}
    with Process(
        [sys.executable, "-c", starter], log=tmp_path / "log", env=env, cwd=root, afresh=True
    ) as process:
        pid = int(process.wait_for_line(r"^1 (\d+)$")[1])
        assert Path(f"/proc/{pid}").exists()
        os.kill(process.pid, signal.SIGKILL)
        eventually(lambda: not Path(f"/proc/{pid}").exists(), what="the end of what was forked")


def test_what_needs_an_interpreter_of_its_own_gets_one(tmp_path: Path) -> None:
    code = "import sys; print(hash('a'), 'celery' in sys.modules)"
    for variable in ({"LC_ALL": "de_DE.ISO-8859-1"}, {"PYTHONHASHSEED": "8"}, {"REMAP_SIGTERM": "SIGQUIT"}):
        assert run([sys.executable, "-c", code], env={**os.environ, **variable}).stdout.endswith("False\n")
    env = {**os.environ, "PYTHONHASHSEED": "7"}
    assert (
        run([sys.executable, "-c", code], env=env).stdout == run([sys.executable, "-c", code], env=env).stdout
    )
    assert run([sys.executable, "-c", code], env=env).stdout.endswith("False\n")
    with (tmp_path / "log").open("w") as file:
        process = start(["/bin/sh", "-c", "exit 3"], output=file.fileno())
        assert not isinstance(process, Forked)
        assert process.wait(20) == 3


def test_what_it_prints_comes_at_once(tmp_path: Path) -> None:
    code = "import sys, time; print('out', flush=True); print('err', file=sys.stderr); time.sleep(600)"
    process, printed = piped([sys.executable, "-c", code], env=os.environ, cwd=tmp_path, with_errors=True)
    begun = time.monotonic()
    assert [printed.readline(), printed.readline()] == ["out\n", "err\n"]
    assert time.monotonic() - begun < 300
    process.kill()
    assert process.wait(20) == -signal.SIGKILL
    printed.close()
