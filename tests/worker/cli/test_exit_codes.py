"""The tables of exit codes in the documentation, `--help` and the code say the same; the line for cron works."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from worker.telling.exit_codes import EXIT_CODES, CheckCode, ExitCode

ROOT = Path(__file__).parents[3]
PAGE = (ROOT / "docs" / "cli.md").read_text("utf-8")


def codes(heading: str, row: str) -> list[str]:
    """What stands in the first column of the first such table under a heading."""
    section = PAGE.split(f"\n## {heading}\n", 1)[1].split("\n## ", 1)[0]
    return re.findall(row, section, re.MULTILINE)


def test_every_code_is_documented_and_told() -> None:
    known = [str(int(code)) for code in ExitCode]
    assert codes("Exit codes", r"^\| (\d+) \|") == known
    assert re.findall(r"(?:^|[:;] )(?:Exit codes: )?(\d+) ", EXIT_CODES) == known


def test_the_codes_of_a_check_are_documented() -> None:
    rows = codes("`lockstep status`", r"^\| (\d+ \| [A-Z]+) \|")
    assert rows == [f"{int(code)} | {code.name}" for code in CheckCode]


AT_THE_BEGIN = """
import sys

class Ann:
    def find_spec(self, name, *_):
        if name == "worker.cli.app":
            raise KeyboardInterrupt

sys.meta_path.insert(0, Ann())
from worker.cli import main
main(["tasks"])
"""


def test_an_interrupt_while_a_command_starts_is_no_traceback(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", AT_THE_BEGIN],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stdout, done.stderr) == (ExitCode.INTERRUPTED, "", "")


@pytest.mark.processes
def test_the_line_for_cron_prints_what_is_wrong_only(
    project: Path, environment: dict[str, str], tmp_path: Path, command: list[str]
) -> None:
    found = re.search(r"^ +\*/10 \* \* \* \*  (.*)$", PAGE, re.MULTILINE)
    assert found
    programs = tmp_path / "bin"
    programs.mkdir()
    (programs / "lockstep").write_text(f'#!/bin/sh\nexec {shlex.join([sys.executable, *command[1:]])} "$@"\n')
    (programs / "lockstep").chmod(0o755)
    env = {**environment, "PYTHONPATH": str(ROOT), "PATH": f"{programs}:{environment['PATH']}"}
    line = found[1].replace("/srv/lockstep", str(project))

    def cron() -> str:
        done = subprocess.run(["/bin/sh", "-c", line], env=env, capture_output=True, text=True, check=False)
        assert done.stderr == ""
        return done.stdout

    assert cron() == ""
    (project / "to-dos-other.down").write_text("")
    failed = subprocess.run(
        ["lockstep", "run", "to-dos"], cwd=project, env=env, capture_output=True, check=False
    )
    assert failed.returncode == 1
    assert cron().startswith(
        "LOCKSTEP CRITICAL - to-dos: failed, other cannot be reached: start it | tasks=3 "
    )
