"""Plant bugs in how references go across and see whether their tests find each of them.

python proof/reference_mutants.py [NAME ...]
"""

from __future__ import annotations

import sys
from collections.abc import Sequence

from planting import Ground, Mutant, command, exit_status, plant

COUNTERPARTS, ONE_OF = "tasks/mapping/counterparts.py", "tasks/mapping/references.py"
REFERRING, ORDER = "tasks/engine/referring.py", "tasks/engine/parents_first.py"
APPLY, BASES, RUN = (f"tasks/engine/{name}.py" for name in ("apply", "bases", "run"))
WAITING, ATTRIBUTES, POLICY, LINKED = (
    f"tasks/merge/{name}.py" for name in ("references", "attributes", "policy", "linked_pairs")
)

MUTANTS = [
    Mutant("nothing planted", COUNTERPARTS, "", ""),
    Mutant(
        "what has no counterpart is taken away on the other side",
        COUNTERPARTS,
        "            return tuple(sorted({*wanted, *kept}))\n",
        "            return tuple(sorted(wanted))\n",
    ),
    Mutant(
        "ids are carried that mean nothing across",
        POLICY,
        "        return value.carried if isinstance(value, References) else value\n",
        "        return value\n",
    ),
    Mutant(
        "a base holds what is linked no more",
        COUNTERPARTS,
        "        return References(kept, (*value.alone, _NO_MORE) if gone else value.alone)\n",
        "        return value\n",
    ),
    Mutant(
        "a base that names what is gone is never kept anew",
        COUNTERPARTS,
        "(*value.alone, _NO_MORE) if gone else value.alone",
        "value.alone",
    ),
    Mutant(
        "what is in doubt counts as linked",
        COUNTERPARTS,
        "            if pair not in self.doubtful\n",
        "",
    ),
    Mutant(
        "what is in doubt is forgotten",
        "tasks/engine/proofs.py",
        "        with_doubtful(link.base_on(end), values, doubtful)\n",
        "        with_doubtful(link.base_on(end), values, ())\n",
    ),
    Mutant(
        "what is missing is in no doubt",
        REFERRING,
        "for link in base.links if _is_half(link, views)}",
        "for link in base.links if False}",
    ),
    Mutant(
        "a service that drops references is taken for a person",
        REFERRING,
        "        for own in gone or ():\n",
        "        for own in ():\n",
    ),
    Mutant(
        "what refers to a later object is not written again",
        APPLY,
        "        after = follow and await what_follows(",
        "        after = False and await what_follows(",
    ),
    Mutant(
        "new objects are made without what they refer to",
        REFERRING,
        "        if pairs:\n",
        "        if False:\n",
    ),
    Mutant(
        "parents come in the order of the listing",
        ORDER,
        "    wanted = [_referred(group, attributes, made) if attributes else [] for group in groups]\n",
        "    wanted: list[list[int]] = [[] for group in groups]\n",
    ),
    Mutant(
        "a child does not wait for its parent",
        ORDER,
        "    waits = [[place[one] for one in wanted[number] if place[one] < at] for at, number in enumerate(order)]\n",
        "    waits: list[list[int]] = [[] for at, number in enumerate(order)]\n",
    ),
    Mutant(
        "who named what was not linked is forgotten",
        ATTRIBUTES,
        "            merged.agreed += [name] * (\n",
        "            merged.agreed += [name] * False * (\n",
    ),
    Mutant(
        "what has no counterpart yet blanks the other side",
        WAITING,
        "        if not value.links and isinstance(base, References) and base.links and there - set(base.alone):\n",
        "        if False:\n",
    ),
    Mutant(
        "what had no counterpart before holds up a removal",
        WAITING,
        "there - set(base.alone):",
        "there:",
    ),
    Mutant(
        "a place that is taken is written over",
        WAITING,
        "        if there and end in policy.single.get(name, ()) and across.links:\n",
        "        if False:\n",
    ),
    Mutant(
        "nobody waits for what was deleted, nor for what is not listed",
        WAITING,
        "    return not snapshot.has(referred)\n",
        "    return True\n",
    ),
    Mutant(
        "one of several takes the place of all",
        ONE_OF,
        "        return References(tuple(sorted({*shown.links, *(set(full.links) - gone)})))\n",
        "        return References(shown.links)\n",
    ),
    Mutant(
        "what is replaced where there is room for one stays across",
        ONE_OF,
        "            and taken.isdisjoint(full.links)\n",
        "",
    ),
    Mutant(
        "another one is shown than before",
        ONE_OF,
        "        return References(tuple(kept[:1])) if kept else self.show(full)\n",
        "        return self.show(full)\n",
    ),
    Mutant(
        "after a lost answer the narrow side seems edited",
        LINKED,
        "            if same(self.policy.carried(name, shown, value, end.opposite, base), value):\n",
        "            if False:\n",
    ),
    Mutant(
        "the links of another task are read the wrong way round",
        REFERRING,
        "            found = await beside.counterparts(end.opposite if turned else end, wanted)\n",
        "            found = await beside.counterparts(end, wanted)\n",
    ),
    Mutant(
        "what is linked is never learnt",
        RUN,
        "        base, views = await learned(self.running, self.known, base, views)\n",
        "",
    ),
    Mutant(
        "objects are deleted before what refers to them is written",
        APPLY,
        "        first = [group for group in others if writes_any(group, own)]\n",
        "        first: list[list[Action]] = []\n        own = []\n",
    ),
    Mutant(
        "the place of one that is deleted stays empty",
        REFERRING,
        "        if record is None or not refer or base.links or shown.links or not gone.links or not across.links:\n",
        "        if True:\n",
    ),
    Mutant(
        "what a person took away meanwhile is shown next",
        REFERRING,
        "        if edited or not dangling",
        "        if not dangling",
    ),
    Mutant(
        "the link before is known besides the one in its place",
        BASES,
        "            self._forget(instead_of)\n",
        "            pass\n",
    ),
]


def main(arguments: Sequence[str] | None = None) -> int:
    """Print a line per mutant; 0 when all were found."""
    parser = command(__doc__)
    parser.add_argument("--at-once", type=int, default=2)
    options = parser.parse_args(arguments)
    suite = "tests/tasks/references"
    ground = Ground(
        parts=(
            "config",
            "tasks",
            suite,
            "tests/tasks/mapping/test_references.py",
            "tests/world/loop.py",
            "tests/docs/pages.py",
            "docs",
        ),
        # Told stories find most bugs at once; the histories find the rest.
        arguments=(
            "--hypothesis-seed=1",
            "tests/tasks/mapping/test_references.py",
            f"{suite}/test_doubt.py",
            f"{suite}/test_runs.py",
            f"{suite}/test_histories.py",
        ),
        environment={"REFERENCE_HISTORIES": "250"},
    )
    return exit_status(plant(MUTANTS, options.names, ground, at_once=options.at_once))


if __name__ == "__main__":
    sys.exit(main())
