"""Plant bugs in what a run by changes knows of the links and see whether their tests find each of them.

python proof/poll_mutants.py [NAME ...]
"""

from __future__ import annotations

import sys
from collections.abc import Sequence

from planting import Ground, Mutant, command, exit_status, plant

SETTLED, KNOWN, RUN, CHANGES, BASES = (
    "tasks/merge/settled.py",
    *(f"tasks/engine/{name}.py" for name in ("known", "run", "changes", "bases")),
)
CONTRACT = "tasks/journal/contract.py"
READING, SIDE, METHODS = "tasks/engine/reading.py", "tasks/sides/side.py", "tasks/sync_task/sides.py"
LINKS, JOURNAL = "worker/store/tables/links.py", "worker/store/journal.py"
NUMBERS = "worker/store/tables/numbers.py"
OF_OTHERS = "tests/tasks/engine/test_lulls_of_others.py"
PUT = "worker/store/tables/put.py"
REFERENCES, REFERRING, STILLNESS, BEING_STILL = (
    "worker/store/tables/references.py",
    "tasks/engine/referring.py",
    "tasks/engine/stillness.py",
    "tasks/services/sql/cursor.py",
)

MUTANTS = [
    Mutant("nothing planted", KNOWN, "", ""),
    Mutant(
        "what is out of sight is not loaded beside what is new",
        RUN,
        "        if not known.are_linked(",
        "        if False and known.are_linked(",
        suite="-k with_all_that_is_out_of_sight",
    ),
    Mutant(
        "what is new on one side only is looked at",
        KNOWN,
        "for end, some in ids.items() for one in some)",
        "for end, some in list(ids.items())[:1] for one in some)",
        suite="-k new_on_either_side",
    ),
    Mutant(
        "an object that is new and cannot be read is none",
        CHANGES,
        "(*one.records, *one.unreadable) for one in snapshots",
        "one.records for one in snapshots",
        suite="-k with_all_that_is_out_of_sight",
    ),
    Mutant(
        "of what is out of sight nothing is told",
        SETTLED,
        "(value.odd or bool(link.parked))",
        "value.odd",
        suite="-k told_still",
    ),
    Mutant(
        "what is out of sight counts as listed",
        CONTRACT,
        "        return self.rest - _with_word(self.others, end.value)\n",
        "        return self.rest\n",
        suite="-k with_all_that_is_out_of_sight",
    ),
    Mutant(
        "what is out of sight on one side is so on the other",
        CONTRACT,
        "_with_word(self.others, end.value)",
        "_with_word(self.others, end.opposite.value)",
        suite="-k with_all_that_is_out_of_sight",
    ),
    Mutant(
        "pairs that went apart count for the guards",
        CONTRACT,
        " + _with_word(self.others, _APART)",
        "",
        suite="-k went_apart",
    ),
    Mutant(
        "what is known is counted twice",
        KNOWN,
        "others=self._numbers - numbers_of(links))",
        "others=self._numbers)",
        suite="-k with_all_that_is_out_of_sight",
    ),
    Mutant(
        "what is known is counted as if it were in sight",
        KNOWN,
        "others=self._numbers - numbers_of(links))",
        'others=self._numbers - Counter({"": len(links)}))',
        suite="-k with_all_that_is_out_of_sight",
    ),
    Mutant(
        "the database counts what comes in sight as in sight before",
        LINKS,
        '        more.subtract(row.parked or "" for row in before.values())\n',
        '        more.subtract("" for row in before.values())\n',
        suite="-k every_link_tells",
    ),
    Mutant(
        "the database counts what is dropped as in sight",
        LINKS,
        '{(before[link.left_id].parked or ""): -1}',
        '{"": -1}',
        suite="-k every_link_tells",
    ),
    Mutant(
        "the database finds no pair that is out of sight",
        LINKS,
        "schema.link.c.parked.is_not(None)",
        "schema.link.c.parked.is_(None)",
        suite="-k every_link_tells",
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
        "isinstance(value, Opaque) and (value.odd or bool(link.parked))",
        "isinstance(value, Opaque) and bool(link.parked)",
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
        "check_guards(plan, base.count - base.apart, policy)",
        "check_guards(plan, len(base.links) - base.apart, policy)",
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
        "                more.update(Links.drop(connection, self._task, link))\n",
        "                Links.drop(connection, self._task, link)\n",
    ),
    Mutant(
        "what the right side shows is kept as the left one does",
        LINKS,
        "left if link.right is link.left else dump",
        "left if True else dump",
    ),
    Mutant(
        "moments are kept as they are said",
        PUT,
        "        rows = [{**row, **statement.formed(row)} for row in rows]\n",
        "        pass\n",
    ),
    Mutant(
        "rows are given in another order than the statement names them",
        PUT,
        "itemgetter(*compiled.positiontup)",
        "itemgetter(*sorted(compiled.positiontup))",
    ),
    Mutant(
        "a file keeps no pair as out of sight until its end",
        "tasks/journal/lines.py",
        '"apart": link.apart} if link.parked or link.apart else words',
        '"apart": link.apart} if False else words',
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
    # -- what another task has linked
    Mutant(
        "what another task has linked makes no difference",
        STILLNESS,
        "        *others,\n",
        "",
        suite=OF_OTHERS,
    ),
    Mutant(
        "another task that tells nothing is the same as ever",
        STILLNESS,
        "    return None not in words.values() and not (base",
        "    return not (base",
        suite=OF_OTHERS,
    ),
    Mutant(
        "others are asked for their word after the run",
        RUN,
        "            lull = lull_after(self.running, self.known.base, policy, self.words, plan, self.listed_at)\n",
        "            words = await words_of_others(self.running)\n"
        "            lull = lull_after(self.running, self.known.base, policy, words, plan, self.listed_at)\n",
        suite=OF_OTHERS,
    ),
    Mutant(
        "a pair with another counterpart is the same one",
        LINKS,
        "        if replaced:\n            renew(connection, task)\n",
        "",
        suite="-k another_one_once",
    ),
    Mutant(
        "the word stays when links are more or fewer",
        NUMBERS,
        '"more": sum(more.values()), **fresh()}',
        '"more": sum(more.values()), "lull": None, "pairing": ""}',
        suite="-k another_one_once",
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
        "of a page nothing unchanged is kept, though it cannot be read again",
        READING,
        "base_of if side.has_get else None",
        "base_of",
    ),
    Mutant(
        "a task's generator is taken for a listing",
        METHODS,
        "inspect.isasyncgenfunction(self.pages) or inspect.isgeneratorfunction(self.pages)",
        "False",
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
    "tests/tasks/engine/test_lulls_of_others.py",
    "tests/tasks/engine/test_out_of_sight.py",
    "tests/worker/store/test_references.py",
    "tests/tasks/services/sql/test_changes.py",
)


def main(arguments: Sequence[str] | None = None) -> int:
    """Print a line per mutant; 0 when all were found."""
    options = command(__doc__).parse_args(arguments)
    ground = Ground(
        parts=(
            *("config", "tasks", "worker", "tests/conftest.py", "tests/harness", "tests/world"),
            *("tests/tasks/boards.py", "tests/tasks/policies/places.py", "tests/tasks/references/graphs.py"),
            "tests/tasks/sync_task/seed_style.py",
            *("tests/tasks/engine/watched.py", "tests/tasks/services/sql/conftest.py", *SUITES),
        ),
        arguments=("-k", "not postgresql", *SUITES),
    )
    return exit_status(plant(MUTANTS, options.names, ground, at_once=2))


if __name__ == "__main__":
    sys.exit(main())
