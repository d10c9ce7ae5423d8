"""Who reads the output may stop reading: a command ends as any other program does then, without a word about it."""

from __future__ import annotations

import errno
import os
import sys
import tempfile
from pathlib import Path

import pytest

from config.errors import SettingsError
from tests.harness import starting
from worker.telling.exit_codes import ExitCode
from worker.telling.failures import explain
from worker.telling.pipes import NOT_READ

COMMAND = [sys.executable, "-c", "from worker.cli import main; main()"]
#: Ends as a library does that takes any pipe for the output, here a connection.
OTHER_PIPE = [
    sys.executable,
    "-c",
    """
import errno, os, sys
from worker.telling.pipes import ended_by_its_reader
reader, writer = os.pipe()
os.close(reader)
print("a line", flush=True)
with ended_by_its_reader():
    try:
        os.write(writer, b"x")
    except BrokenPipeError:
        sys.exit(1)
""",
]


def ended(arguments: list[str], folder: Path, output: int) -> tuple[int, str]:
    """The exit code and what is on standard error."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("LOCKSTEP_")}
    environment |= {"PYTHONPATH": str(starting.ROOT), "REDIS_URL": "redis://127.0.0.1:1/0"}
    with tempfile.TemporaryFile() as errors:
        process = starting.start(
            arguments, output=output, errors=errors.fileno(), env=environment, cwd=folder
        )
        code = process.wait(60)
        errors.seek(0)
        return code, errors.read().decode()


@pytest.mark.parametrize(
    "words",
    ["--help", "status -h", "status", "status --check", "schedule", "schema", "services --json", "doctor"],
)
def test_output_that_nobody_reads_ends_it_quietly(words: str, tmp_path: Path) -> None:
    reader, writer = os.pipe()
    os.close(reader)
    try:
        code, told = ended([*COMMAND, *words.split()], tmp_path, writer)
        assert code == NOT_READ
        assert [line for line in told.splitlines() if not line.startswith("Redis at ")] == []
    finally:
        os.close(writer)


def test_another_pipe_is_not_taken_for_the_output(tmp_path: Path) -> None:
    with tempfile.TemporaryFile() as output:
        code, told = ended(OTHER_PIPE, tmp_path, output.fileno())
    assert code == 1
    assert "BrokenPipeError" in told


def test_a_full_disk_is_one_line_with_the_mend(tmp_path: Path) -> None:
    with Path("/dev/full").open("wb") as full:
        code, told = ended([*COMMAND, "schema"], tmp_path, full.fileno())
    assert (code, told.count("\n")) == (ExitCode.UNAVAILABLE, 1)
    assert "No space left on device: make room" in told


@pytest.mark.parametrize(
    ("error", "told"),
    [
        (PermissionError(errno.EACCES, "Permission denied", "/srv/x"), "/srv/x: Permission denied: see that"),
        (OSError(errno.EROFS, "Read-only file system", "/srv/x"), "/srv/x: Read-only file system: see that"),
        (OSError(errno.ENOSPC, "No space left on device"), "No space left on device: make room"),
        (OSError(errno.EMFILE, "Too many open files"), "Too many open files: let more files be open"),
        (SettingsError("NAME is wrong"), "NAME is wrong"),
    ],
)
def test_what_the_machine_refuses_is_foreseen(error: Exception, told: str) -> None:
    explained = explain(error)
    assert explained is not None
    assert explained[0].startswith(told)


@pytest.mark.parametrize(
    "error", [PermissionError(errno.EACCES, "Permission denied"), OSError(errno.EIO, "I/O error"), OSError()]
)
def test_what_nobody_could_act_on_keeps_its_traceback(error: Exception) -> None:
    assert explain(error) is None
