"""The proof of the sync engine at full size: random histories, crash sweeps, killed processes, planted bugs.

    python proof/proof.py [--examples N] [--sweeps N] [--kills N|all] [--mutant-examples N] [--without PART ...]

It ends with one table of figures, in Markdown. Parts are run side by side, as many as there are processors.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]
PYTEST = ("-m", "pytest", "-q", "-s", "-p", "no:cacheprovider", "--timeout", "7200")
HISTORIES = "tests/tasks/engine/test_histories.py"


@dataclass(frozen=True)
class Part:
    """One process of the proof, with the words that name it on the command line."""

    name: str
    arguments: tuple[str, ...]


PARTS = [
    Part("directed", (*PYTEST, HISTORIES, "-k", "not no_history")),
    Part("random", (*PYTEST, HISTORIES, "-k", "no_history")),
    Part("sweep", (*PYTEST, "tests/tasks/engine/test_crash_sweep.py")),
    Part("processes", (*PYTEST, "tests/worker/session/test_crash_sweep_processes.py")),
    Part("mutants", ("proof/mutants.py",)),
]


def run(part: Part, env: dict[str, str], options: argparse.Namespace) -> tuple[Part, bool, str, float]:
    """Whether a part went well, what it said, and the seconds it took."""
    began = time.monotonic()
    more = ("--examples", str(options.mutant_examples)) if part.name == "mutants" else ()
    ended = subprocess.run(
        [sys.executable, *part.arguments, *more],
        cwd=ROOT,
        env=env,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    return part, ended.returncode == 0, ended.stdout, time.monotonic() - began


def table(lines: list[dict[str, Any]], seconds: float) -> str:
    """The figures of all parts as one Markdown table."""
    sums: dict[str, Counter[str]] = {}
    faults: Counter[str] = Counter()
    cells = ""
    for line in lines:
        kind = sums.setdefault(line.pop("kind"), Counter())
        faults.update(line.pop("faults", {}))
        total, met, least = (line.pop(name, 0) for name in ("cells", "cells_met", "least"))
        if met == total and total:
            cells = f"{met} of {total}, the rarest {least} times"
        kind.update(line)
    told, sweep = sums.get("histories", Counter()), sums.get("crash sweep", Counter())
    kills, mutants = sums.get("killed processes", Counter()), sums.get("mutants", Counter())
    rows = {
        "random histories": told["histories"],
        "runs of the engine in them": told["runs"],
        "edits of users": told["edits"],
        "writes of the engine, each judged": told["writes"],
        "conflicts kept": told["conflicts"],
        "faults": sum(faults.values()),
        **{f"— {name}": times for name, times in sorted(faults.items())},
        "combinations of action, conflict and fault that were met": cells,
        "histories of the crash sweep": sweep["histories"],
        "crash points, before and after each effect": sweep["points"],
        "further crashes right after one": sweep["crashes in a row"],
        "session processes ended by SIGKILL": kills["processes"],
        "worker processes ended by SIGKILL": sums.get("killed workers", Counter())["processes"],
        "planted bugs found": f"{mutants['killed']} of {mutants['planted']}",
        "minutes": round(seconds / 60, 1),
    }
    shown = {name: f"{value:,}" if isinstance(value, int) else value for name, value in rows.items()}
    return "\n".join(
        ["| what | how many |", "|---|---|", *(f"| {name} | {value} |" for name, value in shown.items())]
    )


def main() -> int:
    """Run all parts and print their figures; 0 when all went well."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--examples", type=int, default=10_000, help="histories of each kind")
    parser.add_argument("--sweeps", type=int, default=2_500, help="histories whose last run is swept")
    parser.add_argument("--kills", default="all", help="places at which a session process is killed")
    parser.add_argument("--mutant-examples", type=int, default=400, help="histories per planted bug")
    parser.add_argument("--without", nargs="*", default=[], choices=[part.name for part in PARTS])
    options = parser.parse_args()
    parts = [part for part in PARTS if part.name not in options.without]
    began, bad = time.monotonic(), 0
    with tempfile.TemporaryDirectory(prefix="lockstep-proof-") as directory:
        figures = Path(directory, "figures.jsonl")
        env = {
            **os.environ,
            "LOCKSTEP_EXAMPLES": str(options.examples),
            "LOCKSTEP_SWEEPS": str(options.sweeps),
            "LOCKSTEP_KILLS": options.kills,
            "LOCKSTEP_FIGURES": str(figures),
        }
        with ThreadPoolExecutor(max(1, os.cpu_count() or 2)) as pool:
            for part, well, words, seconds in pool.map(lambda part: run(part, env, options), parts):
                bad += not well
                print(f"== {part.name}: {'well' if well else 'FAILED'}, {seconds:.0f} s\n{words}", flush=True)
        lines = [json.loads(line) for line in figures.read_text().splitlines()] if figures.exists() else []
    print(table(lines, time.monotonic() - began))
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
