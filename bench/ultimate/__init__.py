"""Ultimate Notion, whose `SyncTask` is measured beside ours, in an environment of its own."""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
import venv
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Self

REQUIREMENTS = Path(__file__).with_name("requirements.txt")
ROOT = Path(__file__).parents[2]
#: Below this project's own environment, so that `make clean` takes it along.
FOLDER = (Path(sys.prefix) if sys.prefix != sys.base_prefix else ROOT / ".venv") / "bench-ultimate"
#: Seconds until an installation is given up.
PATIENCE = 300


class UnavailableError(Exception):
    """The package is not here and cannot be had; the message says why."""


def install(
    folder: Path,
    *,
    may_install: bool = True,
    name: str = "ultimate-notion",
    requirements: Path = REQUIREMENTS,
    options: Sequence[str] = (),
) -> Path:
    """The interpreter that has a rival's package, which is installed if need be; `options` are pip's.

    Raises:
        UnavailableError: it cannot be installed, as without a network, or may not be.
    """
    python = folder / "bin" / "python"
    mark = folder / "installed"
    wanted = hashlib.sha256(requirements.read_bytes()).hexdigest()
    if mark.exists() and mark.read_text(encoding="utf-8") == wanted:
        return python
    if not may_install:
        raise UnavailableError("it is not installed yet; `make bench` installs it")
    print(f"bench: installing {name} into {folder} (once)", file=sys.stderr)
    try:
        venv.create(folder, clear=True, with_pip=True)
        pip = [str(python), "-m", "pip", "--disable-pip-version-check", "--quiet", "--no-input", "install"]
        subprocess.run(
            [*pip, *options, "--require-hashes", "-r", str(requirements)],
            check=True,
            capture_output=True,
            text=True,
            timeout=PATIENCE,
        )
    except subprocess.CalledProcessError as error:
        last = (str(error.stderr or "").strip().splitlines() or ["no reason given"])[-1]
        raise UnavailableError(f"it cannot be installed: {last}") from None
    except (subprocess.TimeoutExpired, OSError) as error:
        raise UnavailableError(f"it cannot be installed: {error}") from None
    mark.write_text(wanted, encoding="utf-8")
    return python


class Rival:
    """A process with the package that does one job per line."""

    def __init__(self, module: str, *, may_install: bool = True) -> None:
        """Start `module`; raises as `install` does."""
        environment = os.environ | {"PYTHONPATH": str(ROOT)}
        self._process = subprocess.Popen(
            [install(FOLDER, may_install=may_install), "-m", module],
            cwd=ROOT,
            env=environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def ask(self, **job: Any) -> Any:
        """What it answers to a job.

        Raises:
            RuntimeError: it ended before its answer; what it had to say is on the standard error output.
        """
        pipe, answers = self._process.stdin, self._process.stdout
        assert pipe is not None
        assert answers is not None
        pipe.write(json.dumps(job) + "\n")
        pipe.flush()
        line = answers.readline()
        if not line:
            raise RuntimeError("the process with ultimate-notion ended before its answer")
        return json.loads(line)

    def close(self) -> None:
        """End the process."""
        self._process.communicate()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
