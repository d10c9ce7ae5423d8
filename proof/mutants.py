"""Plant bugs in a copy of the engine and see whether random histories find each of them.

    python proof/mutants.py [NAME ...] [--examples N]

The mutants are in `mutant_list.py`. The property suites `tests/tasks/engine/test_histories.py`,
`tests/tasks/sync_task/test_old_states.py` and `tests/tasks/merge/test_one_way_histories.py` run on the copy and must
fail, by their oracles alone: the counters of what was reached are left out. On a copy without a bug they must pass.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Sequence
from pathlib import Path

from mutant_list import MUTANTS
from planting import Ground, command, exit_status, plant

SUITES = (
    "tests/tasks/merge/test_one_way_histories.py",
    "tests/tasks/engine/test_histories.py",
    "tests/tasks/sync_task/test_old_states.py",
)
#: The tests of the suites that the oracle judges.
JUDGED = "not reached and not the_same_trace"

#: Finding a bug is enough here; the shortest example of it would only take time.
PROFILE = """
from hypothesis import Phase, settings
settings.register_profile("mutants", phases=[Phase.generate], database=None)
settings.load_profile("mutants")
"""


def main(arguments: Sequence[str] | None = None) -> int:
    """Print a line per mutant; 0 when all were found."""
    parser = command(__doc__)
    parser.add_argument("--examples", type=int, default=200, help="histories per mutant")
    options = parser.parse_args(arguments)
    ground = Ground(
        parts=("config", "tasks", "tests/world", "tests/tasks/boards.py", *SUITES),
        arguments=("--hypothesis-seed=1", "-k", JUDGED, *SUITES),
        environment={"LOCKSTEP_EXAMPLES": str(options.examples)},
        conftest=PROFILE,
    )
    outcomes = plant(MUTANTS, options.names, ground, at_once=os.cpu_count() or 2)
    if "LOCKSTEP_FIGURES" in os.environ:
        planted = [outcome for outcome in outcomes if outcome.mutant.old]
        killed = sum(not outcome.passed for outcome in planted)
        figures = {"kind": "mutants", "planted": len(planted), "killed": killed}
        with Path(os.environ["LOCKSTEP_FIGURES"]).open("a") as file:
            file.write(json.dumps(figures) + "\n")
    return exit_status(outcomes)


if __name__ == "__main__":
    sys.exit(main())
