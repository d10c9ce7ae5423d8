"""Plant bugs in a copy of database nodes and see whether their tests find each of them.

    python proof/node_mutants.py [NAME ...] [--worlds N]

Every mutant is one replacement. Its tests, mostly `tests/tasks/database/test_simulator.py`, run on the copy and must
fail; on a copy without a bug the simulator must pass.
"""

from __future__ import annotations

import os
import sys
from dataclasses import replace

from node_bugs import all_mutants
from node_bugs.places import ENGINE
from planting import Ground, Mutant, command, exit_status, plant

SUITE = "tests/tasks/database/test_simulator.py::test_nodes_converge_and_lose_nothing"

MUTANTS = [Mutant("nothing planted", ENGINE, "", ""), *all_mutants()]


GROUND = Ground(
    parts=("config", "tasks", "worker", "tests/tasks/database", "tests/harness", "tests/conftest.py", "docs")
)


def main() -> int:
    """Print a line per mutant; 0 when all were found."""
    parser = command(__doc__)
    parser.add_argument("--worlds", type=int, default=240, help="histories per mutant")
    options = parser.parse_args()
    mutants = [replace(mutant, suite=mutant.suite or SUITE) for mutant in MUTANTS]
    ground = replace(GROUND, environment={"LOCKSTEP_NODE_WORLDS": str(options.worlds)})
    return exit_status(plant(mutants, options.names, ground, at_once=(os.cpu_count() or 2) // 2 + 1))


if __name__ == "__main__":
    sys.exit(main())
