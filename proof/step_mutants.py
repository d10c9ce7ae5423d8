"""Plant bugs in what steps of a task's own are told of their run and see whether their tests find each of them.

python proof/step_mutants.py [NAME ...]
"""

from __future__ import annotations

import sys
from collections.abc import Sequence

from planting import Ground, Mutant, command, exit_status, plant

OVERRIDES, STEPS, PARTS, RUN = (
    *(f"tasks/sync_task/{name}.py" for name in ("overrides", "steps", "parts")),
    "tasks/engine/run.py",
)
PLANNING = "tasks/engine/planning.py"

MUTANTS = [
    Mutant("nothing planted", OVERRIDES, "", ""),
    Mutant(
        "a step does not know that a listing is partial",
        OVERRIDES,
        "partial=snapshot.partial or listed.partial",
        "partial=snapshot.partial",
    ),
    Mutant(
        "a step does not know of what cannot be read",
        OVERRIDES,
        "unreadable={**snapshot.unreadable, **unreadable}",
        "unreadable=snapshot.unreadable",
    ),
    Mutant(
        "a step does not know the rules of its run",
        STEPS,
        "policy = context.policy if context is not None else sync.policy(running.mapping)",
        "policy = sync.policy(running.mapping)",
    ),
    Mutant(
        "what a run has deleted is given to its steps",
        OVERRIDES,
        "                self.gone[end].add(proof.drop.id_on(end))\n",
        "",
    ),
    Mutant(
        "what a run has written is taken for an edit",
        OVERRIDES,
        "                self.agreed[end][proof.put.id_on(end)] = proof.put\n",
        "",
    ),
    Mutant(
        "an object that fails ends the step",
        STEPS,
        "        elif outcome.failures or outcome.unresolved:\n",
        "        if outcome.failures or outcome.unresolved:\n",
    ),
    Mutant(
        "a sync of its own succeeds whatever failed",
        RUN,
        "        return report_of(Plan(), outcome)\n",
        '        return RunReport("succeeded", "", Plan(), outcome)\n',
    ),
    Mutant(
        "the side of which a step is given nothing is empty",
        OVERRIDES,
        "        if objects is None and end not in self.views:\n",
        "        if False:\n",
    ),
    Mutant(
        "what has its counterpart is not linked with it",
        PARTS,
        "        if isinstance(action, Adopt):\n            return action.instead_of is None\n",
        "",
    ),
    Mutant(
        "a sync of its own has no guards",
        STEPS,
        "    if composed is not None:\n",
        "    if False:\n",
    ),
    Mutant(
        "a side that lists nothing is not guarded in steps",
        STEPS,
        "replace(wanted, listed=plan.listed) if wanted.of(Delete) else wanted",
        "wanted",
    ),
    Mutant(
        "what failed is tried in steps at once",
        PLANNING,
        "    plan = hold_back(plan, base.memory.held, shown, now)\n",
        "",
    ),
    Mutant(
        "a step takes its own time for that of the listing",
        STEPS,
        "listed_at=context.listed_at",
        "listed_at=context.clock()",
    ),
    Mutant(
        "a new scope is new for ever",
        OVERRIDES,
        "            memory = replace(memory, scope=running.scope())",
        "            pass",
    ),
    Mutant(
        "what is out of sight in a new scope is not noted by steps",
        STEPS,
        "if PARTS[part](one) or isinstance(one, Park))",
        "if PARTS[part](one))",
    ),
    Mutant(
        "what waits is forgotten where a sync of its own left all to ours",
        OVERRIDES,
        "        self._context.memory = memory\n",
        "        pass\n",
    ),
    Mutant(
        "what a sync of its own leaves to ours goes by another clock",
        RUN,
        "silent, Order(clock=clock))",
        "silent, Order())",
    ),
    Mutant(
        "of what was agreed on in a run no edit is seen in it",
        OVERRIDES,
        "if name not in base or not same(base[name], value)}",
        "}",
    ),
    Mutant(
        "a create that a step repeats has another key",
        STEPS,
        "    applier.go_on_from(base.intents if context is None else context.base.intents)\n",
        "",
    ),
]

SUITES = (
    "tests/tasks/sync_task/test_steps_in_runs.py",
    "tests/tasks/sync_task/test_overrides.py",
    "tests/tasks/sync_task/test_steps.py",
)


def main(arguments: Sequence[str] | None = None) -> int:
    """Print a line per mutant; 0 when all were found."""
    options = command(__doc__).parse_args(arguments)
    ground = Ground(
        parts=(
            *("config", "tasks", "tests/conftest.py", "tests/harness", "worker"),
            *(
                "tests/tasks/boards.py",
                "tests/tasks/sync_task/seed_style.py",
                "tests/tasks/sync_task/composed.py",
            ),
            *SUITES,
        ),
        arguments=SUITES,
    )
    return exit_status(plant(MUTANTS, options.names, ground, at_once=2))


if __name__ == "__main__":
    sys.exit(main())
