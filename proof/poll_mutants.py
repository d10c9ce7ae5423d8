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
READING, SIDE = "tasks/engine/reading.py", "tasks/sides/side.py"
LINKS, JOURNAL = "worker/store/tables/links.py", "worker/store/journal.py"
REFERENCES, REFERRING, STILLNESS, BEING_STILL = (
    "worker/store/tables/references.py",
    "tasks/engine/referring.py",
    "tasks/engine/stillness.py",
    "tasks/services/sql/cursor.py",
)

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
        "odd = isinstance(value, Opaque) and value.odd",
        "odd = False",
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
        "                changed.append(replace(link, left=left, right=right))\n",
        "                changed.append(link)\n",
    ),
    Mutant(
        "what refers to a pair that comes or goes is not looked at",
        LINKS,
        "            references.stir(connection, task, [*map(_pair, new), *replaced.items()])\n",
        "            pass\n",
        suite="-k every_link_tells",
    ),
    Mutant(
        "what refers to a pair that is dropped is not looked at",
        LINKS,
        "            references.stir(connection, task, [_pair(link)])\n",
        "            pass\n",
        suite="-k every_link_tells",
    ),
    Mutant(
        "a link is settled whatever it refers to",
        LINKS,
        "settled_names(link) if link.left_id in standing else None",
        "settled_names(link)",
        suite="-k every_link_tells",
    ),
    Mutant(
        "pairs of the same transaction are not linked yet",
        REFERENCES,
        "    linked |= {(link.left_id, link.right_id) for link in links}\n",
        "",
        suite="-k every_link_tells",
    ),
    Mutant(
        "a pair that another one takes the place of is linked still",
        REFERENCES,
        " - set((replaced or {}).items())",
        "",
        suite="-k the_place_of_another",
    ),
    Mutant(
        "it is not noted anew to what a link refers",
        REFERENCES,
        "    forget(connection, task, [link.left_id for link in some])\n",
        "    if refers(connection, task):\n        return\n",
        suite="-k every_link_tells",
    ),
    Mutant(
        "what refers to something in doubt is not known",
        KNOWN,
        "        if self.is_whole or not pairs:\n",
        "        if True:\n",
        suite="-k histories_are_the_same",
    ),
    Mutant(
        "what waits for a new object is not known",
        BASES,
        "        if self.are_all:\n            return\n        ids",
        "        if True:\n            return\n        ids",
        suite="-k histories_are_the_same",
    ),
    Mutant(
        "of what a run does not know nothing is linked",
        REFERRING,
        "    ask = None if known.is_whole else _asking(known, here)\n",
        "    ask = None\n",
        suite="-k histories_are_the_same",
    ),
    Mutant(
        "an alone reference that is linked by now is settled",
        SETTLED,
        " and not any(one in ids for one in self.alone)",
        "",
        suite="-k older_versions_linked_is_looked_through",
    ),
    Mutant(
        "a lull goes on past what the links of a run say",
        STILLNESS,
        "for one in (lull.until, _first_move(policy, links, now)) if one",
        "for one in (lull.until,) if one",
        suite="-k first_moment_comes",
    ),
    Mutant(
        "a server is still while something is under way",
        BEING_STILL,
        "still = schema.is_plain and horizon == following",
        "still = schema.is_plain",
        suite="-k missed_whatever",
    ),
    Mutant(
        "a server is still though something was written",
        BEING_STILL,
        "return self.still_at > 0 and (self.still_at, self.horizon) == (before.still_at, before.horizon)",
        "return self.still_at > 0",
        suite="-k missed_whatever",
    ),
    # -- pages of a listing
    Mutant(
        "what a page shows counts as the base",
        READING,
        "record.values.keys() == base.keys() and shows_base(record.values, base, base)",
        "record.values.keys() == base.keys()",
    ),
    Mutant(
        "an object on two pages is taken from the second",
        READING,
        "        if obj_id in self._records:  # which",
        "        if False:  # which",
    ),
    Mutant(
        "a page that is whole makes a partial one forgotten",
        READING,
        'self._partial = self._partial or getattr(listed, "partial", None)',
        'self._partial = getattr(listed, "partial", None)',
    ),
    Mutant(
        "pages are asked for though the listing was written anew",
        SIDE,
        'return last.get("pages", Side.pages) is not Side.pages',
        "return type(self).pages is not Side.pages",
    ),
]

SUITES = (
    "tests/tasks/engine/test_known.py",
    "tests/tasks/engine/test_pages.py",
    "tests/tasks/engine/test_changes.py",
    "tests/tasks/journal/test_contract.py",
    "tests/tasks/engine/test_known_references.py",
    "tests/tasks/engine/test_lulls.py",
    "tests/worker/store/test_references.py",
    "tests/tasks/services/sql/test_changes.py",
)


def main(arguments: Sequence[str] | None = None) -> int:
    """Print a line per mutant; 0 when all were found."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("names", nargs="*", help="mutants whose names contain one of these")
    options = parser.parse_args(arguments)
    ground = Ground(
        parts=(
            *("config", "tasks", "worker", "tests/conftest.py", "tests/harness", "tests/world"),
            *("tests/tasks/boards.py", "tests/tasks/policies/places.py", "tests/tasks/references/graphs.py"),
            *("tests/tasks/services/sql/conftest.py", *SUITES),
        ),
        arguments=("-k", "not postgresql", *SUITES),
    )
    outcomes = plant(MUTANTS, options.names, ground, at_once=2)
    return 0 if all(outcome.right for outcome in outcomes) else 1


if __name__ == "__main__":
    sys.exit(main())
