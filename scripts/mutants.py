"""Plant bugs in a copy of the engine and see whether random histories find each of them.

    python scripts/mutants.py [NAME ...] [--examples N]

The mutants are in `mutant_list.py`. The property suite
`tests/tasks/test_histories.py` runs on the copy and must fail, by its oracle alone: the counters of what was
reached are left out. On a copy without a bug it must pass.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from mutant_list import MUTANTS, Mutant

ROOT = Path(__file__).parents[1]
SUITE = "tests/tasks/test_histories.py"
#: The tests of the suite that the oracle judges.
JUDGED = "not reached and not the_same_trace"

#: Finding a bug is enough here; the shortest example of it would only take time.
PROFILE = """
from hypothesis import Phase, settings
settings.register_profile("mutants", phases=[Phase.generate], database=None)
settings.load_profile("mutants")
"""


def run(mutant: Mutant, examples: int) -> tuple[bool, str, float]:
    """Whether the suite passed on a copy with the bug, its last words, and the seconds it took."""
    began = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="lockstep-mutant-") as name:
        copy = Path(name)
        for part in ("config", "tasks", "tests/world"):
            shutil.copytree(ROOT / part, copy / part, ignore=shutil.ignore_patterns("__pycache__"))
        (copy / SUITE).parent.mkdir()
        for part in ("pyproject.toml", SUITE):
            shutil.copy(ROOT / part, copy / part)
        (copy / "conftest.py").write_text(PROFILE)
        source = copy / mutant.path
        text = source.read_text()
        if mutant.old and text.count(mutant.old) != 1:
            return True, f"STALE: its place is there {text.count(mutant.old)} times", 0.0
        if mutant.old:
            source.write_text(text.replace(mutant.old, mutant.new))
        # What histories of a broken engine come to is nothing to quote.
        inherited = {name: value for name, value in os.environ.items() if name != "LOCKSTEP_FIGURES"}
        ended = subprocess.run(
            [
                sys.executable,
                "-m",
                "pytest",
                "-qx",
                "-p",
                "no:cacheprovider",
                "--hypothesis-seed=1",
                "-k",
                JUDGED,
                SUITE,
            ],
            cwd=copy,
            env={**inherited, "LOCKSTEP_EXAMPLES": str(examples), "PYTHONDONTWRITEBYTECODE": "1"},
            capture_output=True,
            text=True,
            check=False,
        )
    lines = [line.strip(" |") for line in ended.stdout.splitlines()]
    errors = [line for line in lines if "Error" in line and ": " in line and not line.startswith("raise")]
    words = errors[0].removeprefix("E").strip() if errors else lines[-1] if lines else ended.stderr[-200:]
    return ended.returncode == 0, words, time.monotonic() - began


def verdict(mutant: Mutant, *, passed: bool) -> str:
    """What became of a mutant, in a word."""
    if not mutant.old:
        return "passes" if passed else "FAILS"
    return "SURVIVES" if passed else "killed"


def main(arguments: Sequence[str] | None = None) -> int:
    """Print a line per mutant; 0 when all were found."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("names", nargs="*", help="mutants whose names contain one of these")
    parser.add_argument("--examples", type=int, default=200, help="histories per mutant")
    options = parser.parse_args(arguments)
    chosen = [m for m in MUTANTS if not options.names or any(name in m.name for name in options.names)]
    wrong = killed = 0
    with ThreadPoolExecutor(max(1, os.cpu_count() or 2)) as pool:
        ends = pool.map(lambda mutant: run(mutant, options.examples), chosen)
        for mutant, (passed, words, seconds) in zip(chosen, ends, strict=True):
            wrong += passed is bool(mutant.old)
            killed += bool(mutant.old) and not passed
            line = f"{verdict(mutant, passed=passed):9}{seconds:5.0f} s  {mutant.name:62}{words[:110]}"
            print(line, flush=True)
    print(f"{len(chosen)} run, {wrong} not as they must be, {options.examples} histories each")
    if "LOCKSTEP_FIGURES" in os.environ:
        figures = {"kind": "mutants", "planted": sum(bool(m.old) for m in chosen), "killed": killed}
        with Path(os.environ["LOCKSTEP_FIGURES"]).open("a") as file:
            file.write(json.dumps(figures) + "\n")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
