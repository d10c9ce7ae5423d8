"""Plant bugs in a copy of the engine and see whether random histories find each of them.

    python scripts/mutants.py [NAME ...] [--examples N]

Every mutant is one replacement in the merge or in the execution of its plan. The property suite
`tests/tasks/test_histories.py` runs on the copy and must fail; on a copy without a bug it must pass.
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[1]
SUITE = "tests/tasks/test_histories.py"

#: Random histories pair what was cut off by its hash too, so only this test sees when an intent is kept.
ORDER = "tests/tasks/test_apply.py::test_the_intent_is_kept_before_the_write_is_sent"

#: Finding a bug is enough here; the shortest example of it would only take time.
PROFILE = """
from hypothesis import Phase, settings
settings.register_profile("mutants", phases=[Phase.generate], database=None)
settings.load_profile("mutants")
"""


@dataclass(frozen=True)
class Mutant:
    """A bug: `old`, which is there once, becomes `new`."""

    name: str
    path: str
    old: str
    new: str
    suite: str = SUITE


ATTRIBUTES, PLANNER = "tasks/merge/attributes.py", "tasks/merge/planner.py"
GUARDS, PAIRING, APPLY = "tasks/merge/guards.py", "tasks/merge/pairing.py", "tasks/apply.py"

MUTANTS = [
    Mutant("nothing planted", APPLY, "", ""),
    Mutant(
        "an edit in Notion is undone instead of carried across",
        ATTRIBUTES,
        'merged.to_write[Side.OTHER][name] = f"{name} edited in Notion"',
        'merged.to_write[Side.NOTION][name] = f"{name} edited in Notion"',
    ),
    Mutant(
        "edits of the other side are not carried across",
        ATTRIBUTES,
        'merged.to_write[Side.NOTION][name] = f"{name} edited on the other side"',
        "pass",
    ),
    Mutant(
        "the loser of a conflict is not put into the ledger",
        APPLY,
        "        await self.journal.keep_conflict(action)\n",
        "",
    ),
    Mutant(
        "a conflict is written to the side that won",
        ATTRIBUTES,
        "self.to_write[conflict.winner.opposite]",
        "self.to_write[conflict.winner]",
    ),
    Mutant(
        "mode newer takes the older one",
        ATTRIBUTES,
        "Side.NOTION if gap > timedelta(0) else Side.OTHER",
        "Side.NOTION if gap < timedelta(0) else Side.OTHER",
    ),
    Mutant(
        "an equal value on both sides is not taken as agreed",
        ATTRIBUTES,
        "            merged.agreed.append(name)\n",
        "            pass\n",
    ),
    Mutant("a deletion beats an edit", PLANNER, "        if not edited:\n", "        if True:\n"),
    Mutant(
        "what a partial listing leaves out counts as deleted",
        PLANNER,
        "        partial = self.snapshots[missing].partial\n",
        "        partial = None\n",
    ),
    Mutant(
        "what a partial listing leaves out is created again",
        PLANNER,
        "        partial = self.snapshots[side.opposite].partial\n",
        "        partial = None\n",
    ),
    Mutant(
        "a pair that a partial listing leaves out is unlinked",
        PLANNER,
        "        partial = self.snapshots[Side.NOTION].partial or self.snapshots[Side.OTHER].partial\n",
        "        partial = None\n",
    ),
    Mutant(
        "deletions are not carried across",
        APPLY,
        '            await adapter.call("delete_obj"',
        '            await adapter.call("id"',
    ),
    Mutant(
        "a link outlives both its objects",
        APPLY,
        "            await self.journal.confirm(drop=link)\n",
        "",
    ),
    Mutant(
        "a cut-off create is not looked for",
        PLANNER,
        "        settled = settle_intents(intents, records, self.unlinked(linked), paired)\n",
        "        settled = []\n",
    ),
    Mutant(
        "a cut-off create is taken for whatever object comes first",
        PAIRING,
        "    return all(shows(record, name, value) for name, value in intent.values.items())",
        "    return True",
    ),
    Mutant(
        "a cut-off update is not remembered",
        PLANNER,
        "            for name in intent.values.keys() & set(self.policy.attributes):\n",
        "            for name in ():\n",
    ),
    Mutant(
        "an intent is kept only after its write",
        APPLY,
        "        await self.journal.begin(intent)\n        async with",
        "        async with",
        ORDER,
    ),
    Mutant(
        "an intent is dropped although no answer came",
        APPLY,
        "            except OutcomeUnknownError:\n                raise\n",
        "",
    ),
    Mutant(
        "the base advances before the write",
        APPLY,
        "        intent = Intent(key, action.side, source_id, wanted, action.target_id)\n",
        "        intent = Intent(key, action.side, source_id, wanted, action.target_id)\n"
        "        await self._advance_by(action, wanted)\n",
    ),
    Mutant(
        "the base does not advance after a write",
        APPLY,
        "        link = self.links[notion_id, other_id]\n",
        "        link, notion, other = self.links[notion_id, other_id], {}, {}\n",
    ),
    Mutant(
        "a created object is not linked",
        APPLY,
        "        await self._put(link, instead_of=old, settle=(intent.key,))\n",
        "        await self.journal.confirm(settle=(intent.key,))\n",
    ),
    Mutant(
        "the old link stays when a deleted object is made again",
        APPLY,
        "        await self._put(link, instead_of=old, settle=(intent.key,))\n",
        "        await self._put(link, settle=(intent.key,))\n",
    ),
    Mutant(
        "differences of a new pair count as agreed",
        PLANNER,
        "same(notion.values[name], other.values[name])]",
        "True]",
    ),
    Mutant(
        "objects without a link are never paired",
        PLANNER,
        "pair_by_hash(fresh[Side.NOTION], fresh[Side.OTHER], self.policy.attributes)",
        "[]",
    ),
    Mutant("an empty side does not halt a run", GUARDS, "links > 1 and", "links > 99 and"),
]


def run(mutant: Mutant, examples: int) -> tuple[bool, str, float]:
    """Whether the suite passed on a copy with the bug, its last words, and the seconds it took."""
    began = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="lockstep-mutant-") as name:
        copy = Path(name)
        for part in ("config", "tasks", "tests/tasks", "tests/world"):
            shutil.copytree(ROOT / part, copy / part, ignore=shutil.ignore_patterns("__pycache__"))
        shutil.copy(ROOT / "pyproject.toml", copy / "pyproject.toml")
        (copy / "conftest.py").write_text(PROFILE)
        source = copy / mutant.path
        text = source.read_text()
        if mutant.old and text.count(mutant.old) != 1:
            return True, f"STALE: its place is there {text.count(mutant.old)} times", 0.0
        if mutant.old:
            source.write_text(text.replace(mutant.old, mutant.new))
        ended = subprocess.run(
            [
                sys.executable,
                "-m",
                "pytest",
                "-q",
                "-p",
                "no:cacheprovider",
                "--hypothesis-seed=1",
                mutant.suite,
            ],
            cwd=copy,
            env={**os.environ, "LOCKSTEP_EXAMPLES": str(examples), "PYTHONDONTWRITEBYTECODE": "1"},
            capture_output=True,
            text=True,
            check=False,
        )
    lines = [line.strip(" |") for line in ended.stdout.splitlines()]
    errors = [line for line in lines if "Error" in line and ": " in line and not line.startswith("raise")]
    words = errors[0].removeprefix("E").strip() if errors else lines[-1] if lines else ended.stderr[-200:]
    return ended.returncode == 0, words, time.monotonic() - began


def main() -> int:
    """Print a line per mutant; 0 when all were found."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("names", nargs="*", help="mutants whose names contain one of these")
    parser.add_argument("--examples", type=int, default=500, help="histories per mutant")
    options = parser.parse_args()
    chosen = [m for m in MUTANTS if not options.names or any(name in m.name for name in options.names)]
    wrong = 0
    with ThreadPoolExecutor(max(1, (os.cpu_count() or 2) // 2 + 1)) as pool:
        ends = pool.map(lambda mutant: run(mutant, options.examples), chosen)
        for mutant, (passed, words, seconds) in zip(chosen, ends, strict=True):
            good = passed is (not mutant.old)
            wrong += not good
            verdict = (
                ("passes" if passed else "FAILS") if not mutant.old else "SURVIVES" if passed else "killed"
            )
            print(f"{verdict:9}{seconds:5.0f} s  {mutant.name:62}{words[:110]}", flush=True)
    print(f"{len(chosen)} run, {wrong} not as they must be, {options.examples} histories each")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
