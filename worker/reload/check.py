"""`python -m worker.reload.check`: read the tasks as they are in the files now, and tell what is wrong with them.

The answer is the last line of the output, as JSON: the tasks define their own, which may print what they like.
"""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

#: Seconds that this may take before it counts as a failure: an import may wait for something that never comes.
PATIENCE = 120.0


def refusal() -> str:
    """What is wrong with the files as they are now, found out in a process of its own; empty if nothing is."""
    command = [sys.executable, "-m", __name__]
    try:
        done = subprocess.run(
            command, cwd=Path.cwd(), capture_output=True, text=True, timeout=PATIENCE, check=False
        )
    except subprocess.TimeoutExpired:
        return f"reading the tasks takes longer than {PATIENCE:g} s"
    except OSError as error:
        return f"no process could be started that reads the tasks: {error}"
    lines = done.stdout.strip().splitlines()
    try:
        return str(json.loads(lines[-1])["refused"])
    except (IndexError, ValueError, KeyError, TypeError):
        said = (done.stderr.strip().splitlines() or ["without a word"])[-1]
        return f"reading the tasks ended with exit code {done.returncode}: {said}"


def main() -> None:
    """Read all, and print what is wrong."""
    from config import SettingsError, load_settings
    from config.redaction import redacted
    from tasks.errors import TaskError
    from tasks.registry import load_anew

    told = ""
    try:
        load_anew(load_settings())
    except (TaskError, SettingsError) as error:
        told = redacted(str(error))
    sys.stdout.write("\n" + json.dumps({"refused": told}) + "\n")


if __name__ == "__main__":
    main()
