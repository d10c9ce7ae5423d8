"""Plants bugs in copies of the code, and sees whether the tests that are to find them do."""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

ROOT = Path(__file__).parents[1]


@dataclass(frozen=True)
class Mutant:
    """A bug: `old`, which is there once, becomes `new`. Nothing is planted where `old` is empty."""

    name: str
    path: str
    old: str
    new: str
    #: Arguments of pytest that choose the tests which must fail.
    suite: str = ""


@dataclass(frozen=True)
class Ground:
    """What a copy holds, and how its tests are run."""

    #: Folders and files.
    parts: Sequence[str]
    #: Arguments of pytest besides those of the mutant.
    arguments: Sequence[str] = ()
    environment: Mapping[str, str] = field(default_factory=dict)
    #: Patterns of what is left out.
    ignored: Sequence[str] = ()
    #: The text of a `conftest.py` at the top.
    conftest: str = ""


@dataclass(frozen=True)
class Outcome:
    """What became of a mutant."""

    mutant: Mutant
    passed: bool
    #: What the tests said last.
    words: str
    seconds: float

    @property
    def right(self) -> bool:
        """Whether the tests failed with a bug, or passed without one."""
        return self.passed is not bool(self.mutant.old)

    @property
    def verdict(self) -> str:
        """The same in a word."""
        if not self.mutant.old:
            return "passes" if self.passed else "FAILS"
        return "SURVIVES" if self.passed else "killed"


def command(document: str | None) -> argparse.ArgumentParser:
    """What is typed to plant bugs: the names of some of them, or nothing for all."""
    parser = argparse.ArgumentParser(
        description=document, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("names", nargs="*", help="mutants whose names contain one of these")
    return parser


def exit_status(outcomes: Sequence[Outcome]) -> int:
    """0 when all bugs were found."""
    return 0 if all(outcome.right for outcome in outcomes) else 1


def plant(mutants: Sequence[Mutant], names: Sequence[str], ground: Ground, *, at_once: int) -> list[Outcome]:
    """Try the mutants whose names contain one of these, or all; a line for each is printed."""
    chosen = [one for one in mutants if not names or any(name in one.name for name in names)]
    outcomes = []
    with ThreadPoolExecutor(max(1, at_once)) as pool:
        for outcome in pool.map(lambda one: _try(one, ground), chosen):
            print(
                f"{outcome.verdict:9}{outcome.seconds:5.0f} s  {outcome.mutant.name:62}{outcome.words[:110]}",
                flush=True,
            )
            outcomes.append(outcome)
    print(f"{len(outcomes)} run, {sum(not one.right for one in outcomes)} not as they must be")
    return outcomes


def _try(mutant: Mutant, ground: Ground) -> Outcome:
    began = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="lockstep-mutant-") as name:
        copy = Path(name)
        _copy(ground, copy)
        source = copy / mutant.path
        text = source.read_text()
        if mutant.old and text.count(mutant.old) != 1:
            return Outcome(mutant, True, f"STALE: its place is there {text.count(mutant.old)} times", 0.0)
        if mutant.old:
            source.write_text(text.replace(mutant.old, mutant.new))
        # What tests of broken code come to is nothing to quote.
        inherited = {key: value for key, value in os.environ.items() if key != "LOCKSTEP_FIGURES"}
        ended = subprocess.run(
            [
                *(sys.executable, "-m", "pytest", "-q", "-x", "-n", "0", "-p", "no:cacheprovider"),
                *ground.arguments,
                *mutant.suite.split(),
            ],
            cwd=copy,
            env={**inherited, **ground.environment, "PYTHONDONTWRITEBYTECODE": "1"},
            capture_output=True,
            text=True,
            check=False,
        )
    passed = ended.returncode == 0
    return Outcome(mutant, passed, _last_words(ended), time.monotonic() - began)


def _copy(ground: Ground, copy: Path) -> None:
    ignored = shutil.ignore_patterns("__pycache__", *ground.ignored)
    for part in ("pyproject.toml", *ground.parts):
        if (ROOT / part).is_dir():
            shutil.copytree(ROOT / part, copy / part, ignore=ignored)
        else:
            (copy / part).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(ROOT / part, copy / part)
    if ground.conftest:
        (copy / "conftest.py").write_text(ground.conftest)


def _last_words(ended: subprocess.CompletedProcess[str]) -> str:
    lines = [line.strip(" |") for line in ended.stdout.splitlines()]
    errors = [line for line in lines if line.startswith("E ") or ("Error" in line and ": " in line)]
    errors = [line for line in errors if not line.startswith("raise")]
    if errors:
        return errors[0].removeprefix("E").strip()
    return lines[-1] if lines else ended.stderr[-200:]
