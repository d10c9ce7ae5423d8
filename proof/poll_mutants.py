"""Plant bugs in what a run by changes knows of the links and see whether their tests find each of them.

python proof/poll_mutants.py [NAME ...]
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence

from planting import Ground, Mutant, plant

SETTLED, KNOWN, RUN, CHANGES, BASES = (
    "tasks/merge/settled.py",
    *(f"tasks/engine/{name}.py" for name in ("known", "run", "changes", "bases")),
)
LINKS, JOURNAL = "worker/store/tables/links.py", "worker/store/journal.py"

MUTANTS = [
    Mutant("nothing planted", KNOWN, "", ""),
    Mutant(
        "parked links are not loaded",
        SETTLED,
        "    if link.parked or link.apart:\n        return None\n",
        "",
    ),
    Mutant(
        "links are found by the left id only",
        KNOWN,
        "await self._journal.links(end, fresh)",
        "await self._journal.links(End.LEFT, fresh)",
    ),
    Mutant(
        "links whose base lacks an attribute are not loaded",
        SETTLED,
        "    return settled_names(link) == frozenset(attributes)\n",
        "    return settled_names(link) is not None\n",
    ),
    Mutant(
        "links with a value that cannot be read are not loaded",
        SETTLED,
        "isinstance(value, Opaque) and value.odd for value",
        "False for value",
    ),
    Mutant(
        "links of what was held are not loaded",
        KNOWN,
        "            found[end].add(one)\n",
        "            found[end].discard(one)\n",
    ),
    Mutant(
        "links of what a begun write takes from are not loaded",
        KNOWN,
        "        found[intent.side.opposite].add(intent.source_id)\n",
        "        found[intent.side.opposite].discard(intent.source_id)\n",
    ),
    Mutant(
        "links of what is deleted are not loaded",
        CHANGES,
        "        return set(self.elsewhere).union(",
        "        return set[ID]().union(",
    ),
    Mutant(
        "links that are not loaded are not counted",
        SETTLED,
        "in_step=plan.in_step + rest",
        "in_step=plan.in_step",
    ),
    Mutant(
        "the guards count what was loaded only",
        RUN,
        "        linked = base.count - sum(",
        "        linked = len(base.links) - sum(",
    ),
    Mutant(
        "a full listing is compared with some links only",
        RUN,
        "            if since is None:\n                await known.load_all()\n",
        "",
    ),
    Mutant(
        "changes since a cursor count as the whole side",
        CHANGES,
        "            cursor=self.cursor,\n            full=False,\n",
        "            cursor=self.cursor,\n            full=True,\n",
    ),
    Mutant(
        "an object that is made is taken from the link that it has",
        BASES,
        "        if self.are_all or (end, obj_id) in self.counterparts:\n",
        "        if True:\n",
    ),
    Mutant(
        "what was looked up changes with what is written",
        KNOWN,
        "        asked = self._asked[end]\n        if obj_id not in asked:\n",
        "        asked = self._asked[end] = {}\n        if obj_id not in asked:\n",
    ),
    Mutant(
        "the database leaves bases with other attributes out",
        LINKS,
        "            schema.link.c.shape > bindparam",
        "            schema.link.c.shape < bindparam",
    ),
    Mutant(
        "the database counts what is new, not what is dropped",
        JOURNAL,
        "            more = sum(Links.drop(connection, self._task, link) for link in drops)\n",
        "            more = 0 * sum(Links.drop(connection, self._task, link) for link in drops)\n",
    ),
    Mutant(
        "a base that loses an attribute counts as it was",
        LINKS,
        "_shape(replace(link, left=left, right=right))",
        "_shape(link)",
    ),
]

SUITES = (
    "tests/tasks/engine/test_known.py",
    "tests/tasks/engine/test_changes.py",
    "tests/tasks/journal/test_contract.py",
)


def main(arguments: Sequence[str] | None = None) -> int:
    """Print a line per mutant; 0 when all were found."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("names", nargs="*", help="mutants whose names contain one of these")
    options = parser.parse_args(arguments)
    ground = Ground(
        parts=("config", "tasks", "worker", "tests/world", "tests/tasks/boards.py", *SUITES),
        arguments=("-k", "not postgresql", *SUITES),
    )
    outcomes = plant(MUTANTS, options.names, ground, at_once=2)
    return 0 if all(outcome.right for outcome in outcomes) else 1


if __name__ == "__main__":
    sys.exit(main())
