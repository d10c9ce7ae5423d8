"""Plant bugs in the policies of a task and see whether their tests find each of them.

python proof/policy_mutants.py [NAME ...]
"""

# The texts are those of the code.
# ruff: noqa: E501

from __future__ import annotations

import os
import sys
from collections.abc import Sequence

from planting import Ground, Mutant, command, exit_status, plant

LINKED, APART, REMADE, PLANNER, GUARDS, MATCHING, HOLDING = (
    f"tasks/merge/{name}.py"
    for name in ("linked_pairs", "apart", "remade", "planner", "guards", "matching", "holding")
)
WRITING, APPLY, RUN, ADAPTER, PLANNING = (
    f"tasks/engine/{name}.py" for name in ("writing", "apply", "run", "adapter", "planning")
)
CONTRACT = "tasks/journal/contract.py"
COLUMNS, TOLD = "tasks/engine/columns.py", "tasks/engine/told.py"
OF_COLUMNS = "tasks/policies/columns.py"
FIRST_SYNC, POLICY = "tasks/engine/first_sync.py", "tasks/merge/policy.py"

MUTANTS = [
    Mutant("nothing planted", LINKED, "", ""),
    Mutant(
        "a deletion goes across whatever the task says",
        LINKED,
        '        if self.policy.deletion_in(missing.opposite).how != "propagate":\n',
        "        if False:\n",
    ),
    Mutant(
        "the rule of the other direction is taken",
        LINKED,
        '        if self.policy.deletion_in(missing.opposite).how != "propagate":\n',
        '        if self.policy.deletion_in(missing).how != "propagate":\n',
    ),
    Mutant(
        "what went apart is forgotten, and made again",
        "tasks/engine/proofs.py",
        "                fresh = Proof(replace(link, parked=action.sides, apart=action.apart))\n",
        "                fresh = Proof(drop=link) if action.apart else Proof(replace(link, parked=action.sides))\n",
    ),
    Mutant(
        "that a pair went apart is not kept",
        CONTRACT,
        "*([_APART] if link.apart else [])",
        "*[]",
    ),
    Mutant(
        "what a person makes anew is made a second time across",
        REMADE,
        "            and (not link.parked or link.apart)\n",
        "            and not link.parked\n",
    ),
    Mutant(
        "a listing of changes is enough to link what went apart",
        REMADE,
        "    apart = {(link.left_id, link.right_id) for link in links if link.apart}\n",
        "    apart = set()\n",
    ),
    Mutant(
        "the base of a pair that went apart still says whose edit is newer",
        REMADE,
        " or old.apart else _edited_side",
        " else _edited_side",
    ),
    Mutant(
        "a pair that went apart stays remembered when nothing of it is left",
        LINKED,
        "        elif link.apart and (lost := unseen - moved - (link.parked if parked == link.parked else set())):\n",
        "        elif False and (lost := unseen):\n",
    ),
    Mutant(
        "a pair that went apart is forgotten for a partial listing",
        APART,
        "        if all(self.snapshots[side].partial is None for side in missing):\n",
        "        if True:\n",
    ),
    Mutant(
        "an object is marked whose counterpart was only moved",
        WRITING,
        "        if not await self.is_gone(across, action.missing_id, pair_of(action)):\n            return\n        adapter, link",
        "        adapter, link",
    ),
    Mutant(
        "a mark is carried back like an edit",
        WRITING,
        "            base[action.synced_as] = shown[action.synced_as]\n",
        "            pass\n",
    ),
    Mutant(
        "a mark is written before what it replaces is kept",
        WRITING,
        "                await self.bases.journal.begin(None, replace(effect, name=action.name))\n",
        "                pass\n",
    ),
    Mutant(
        "new objects of the target are made in the source of a mirror",
        PLANNER,
        "        if not self.policy.makes(side.opposite):\n",
        "        if False:\n",
    ),
    Mutant(
        "a deletion in a mirror goes to its source",
        LINKED,
        "        if not self.policy.writes(missing.opposite):\n",
        "        if False:\n",
    ),
    Mutant(
        "a source of a mirror may be written",
        ADAPTER,
        "        if not self.writable:\n",
        "        if False:\n",
    ),
    Mutant(
        "the engine is not told which end is the source",
        "tasks/engine/running.py",
        "            sync.writes(end),\n",
        "            True,\n",
    ),
    Mutant(
        "what is edited in a mirror is written over though edits are kept",
        "tasks/merge/attributes.py",
        "                and policy.keeps_target_edits\n",
        "                and False\n",
    ),
    Mutant(
        "an edit in a mirror beats one of its source",
        "tasks/merge/attributes.py",
        "                and not (left_changed if target is End.RIGHT else right_changed)\n",
        "",
    ),
    Mutant(
        "an edit in a mirror is told in every run",
        "tasks/merge/attributes.py",
        '        self.agreed.append(lost.attribute or "")\n',
        "        pass\n",
    ),
    Mutant(
        "an edit in a mirror whose edits are kept does not save its object",
        LINKED,
        "        if edited and self.policy.mirror_to is missing.opposite and self.policy.keeps_target_edits:\n",
        "        if False:\n",
    ),
    Mutant(
        "what was lost at the source of a mirror is brought back there",
        "tasks/merge/undo.py",
        "    if not policy.writes(take):\n",
        "    if False:\n",
    ),
    Mutant(
        "what a side lists no more counts as deleted, though it says that it is there",
        LINKED,
        "        if link.id_on(missing) in self.snapshots[missing].moved:\n",
        "        if False:\n",
    ),
    Mutant(
        "no side is asked whether what is missing is there",
        REMADE,
        "    if policy.scope_changed:\n        return []\n    found = []\n    for link in links:\n",
        "    found = []\n    for link in ():\n",
    ),
    Mutant(
        "a side that does not answer has said that an object is there",
        "tasks/engine/views.py",
        "            elsewhere[side].add(missing_id)\n            continue\n",
        "            gone = False\n",
    ),
    Mutant(
        "what moved away is deleted across with an edit in it",
        APART,
        "        if deletes and not edited:\n",
        "        if deletes:\n",
    ),
    Mutant(
        "what leaves is deleted though the task says that it stays",
        APART,
        '        deletes = self.policy.leave_unlisted(missing) == "delete" and',
        '        deletes = self.policy.leave_unlisted(missing) != "x" and',
    ),
    Mutant(
        "what leaves a filter goes apart before it is in step",
        LINKED,
        "            self.merge_pair(link, left, right, uncertain, intents)\n            self.see_out(link, before)\n",
        "            if not self.out_on(link):\n                self.merge_pair(link, left, right, uncertain, intents)\n            self.see_out(link, before)\n",
    ),
    Mutant(
        "the time on one side is enough to leave the window",
        APART,
        "        if there and all(link.id_on(side)",
        "        if there and any(link.id_on(side)",
    ),
    Mutant(
        "what a filter leaves out is made across",
        PLANNER,
        "        return record_id in snapshot.outside or",
        "        return False or",
    ),
    Mutant(
        "what a window leaves out is made across",
        PLANNER,
        " or record_id in snapshot.out_of_window\n",
        "\n",
    ),
    Mutant(
        "a counterpart is made of what may be left out across",
        PLANNER,
        " or self.beyond.get((side, record.hash))\n",
        "\n",
    ),
    Mutant(
        "another filter is not noticed",
        "tasks/engine/running.py",
        "(*sides, self.sync.scope())",
        "(*sides,)",
    ),
    Mutant(
        "what is outside a filter is back in sight",
        LINKED,
        "(unseen | self.out_on(link) if link.apart else unseen)",
        "unseen",
    ),
    Mutant(
        "a day has left the window when it is over at UTC",
        "tasks/merge/scope.py",
        "timedelta(days=1) + _WEST",
        "timedelta(days=1)",
    ),
    Mutant(
        "of several that may be the same thing the first one is taken",
        PLANNER,
        "        if not self.policy.plainly:\n",
        "        if True:\n",
    ),
    Mutant(
        "what is unclear is made across",
        PLANNER,
        "                    linked[side].add(record.id)\n        return matched.pairs\n",
        "                    pass\n        return matched.pairs\n",
    ),
    Mutant(
        "one of each is a pair, however many are alike",
        MATCHING,
        "if len(one) == len(other) == 1]",
        "if one and other]",
    ),
    Mutant(
        "a match key is compared to the letter",
        MATCHING,
        '" ".join(value.split()).casefold() if self.fold else value',
        "value",
    ),
    Mutant(
        "a match key is folded though the user says not to",
        MATCHING,
        '" ".join(value.split()).casefold() if self.fold else value',
        '" ".join(value.split()).casefold()',
    ),
    Mutant(
        "a match key holds what the other side cannot show",
        MATCHING,
        "lossy.compared(value) if lossy.side == end else lossy.show(value)",
        "lossy.compared(value) if lossy.side == end else value",
    ),
    Mutant(
        "the keys of the sides are taken though the user says by what to match",
        "tasks/engine/reading.py",
        "if adapter.match is None else adapter.match.key(adapter.end, values)",
        'if True else ""',
    ),
    Mutant(
        "anything is made though an object that cannot be read may be it",
        PLANNER,
        "        if self.policy.plainly and self.unreadable_on[side.opposite]:\n",
        "        if False:\n",
    ),
    Mutant(
        "new objects are made where the user says not to",
        PLANNER,
        "        if not self.policy.makes(side.opposite):\n",
        "        if not self.policy.writes(side.opposite):\n",
    ),
    Mutant(
        "nothing settles",
        PLANNING,
        "    if not policy.settle:\n",
        "    if True:\n",
    ),
    Mutant(
        "who types on and on is never synced",
        HOLDING,
        "isinstance(action, Skip) or pair in out_of_patience or not waits(pair)",
        "isinstance(action, Skip) or not waits(pair)",
    ),
    Mutant(
        "each edit lets the patience begin anew",
        HOLDING,
        "(before.content == content or before.reason == reason == SETTLING)",
        "before.content == content",
    ),
    Mutant(
        "a clock that is ahead lets an object wait for ever",
        HOLDING,
        "-settle <= now - record.edited < settle",
        "now - record.edited < settle",
    ),
    Mutant(
        "a coarse clock is believed to the second",
        HOLDING,
        "< settle + granularity[side]:",
        "< settle:",
    ),
    Mutant(
        "what an earlier run wrote counts as edited by a person",
        HOLDING,
        "            if edited and -settle",
        "            if -settle",
    ),
    Mutant(
        "marks are not guarded",
        GUARDS,
        '("mark as deleted", (Mark,))',
        '("mark as deleted", ())',
    ),
    Mutant(
        "what went apart is counted by the guards",
        RUN,
        "check_guards(plan, base.count - base.apart, policy)",
        "check_guards(plan, base.count, policy)",
    ),
    Mutant(
        "the time alone has a status column written",
        TOLD,
        "            if said != status and eager:\n",
        "            if eager:\n",
    ),
    Mutant(
        "status columns are written alone though nobody wants it",
        TOLD,
        "        eager = bound is not None and bound.eager\n",
        "        eager = bound is not None\n",
    ),
    Mutant(
        "what an object was told makes an edit before it newer",
        TOLD,
        "            if not touched and content(",
        "            if False and content(",
    ),
    Mutant(
        "an edit after what an object was told counts as old",
        TOLD,
        "            if not touched and content(record.values) == one.content:\n",
        "            if True:\n",
    ),
    Mutant(
        "a status column counts as written before it is",
        TOLD,
        "            after.told[end][obj_id] = replace(due[-1][2], status=_OWED)\n",
        "            after.told[end][obj_id] = due[-1][2]\n",
    ),
    Mutant(
        "an object that is well again goes on saying that it is held",
        TOLD,
        "            if told.held or told.status == _OWED:\n",
        "            if told.status == _OWED:\n",
    ),
    Mutant(
        "a settled conflict is taken back by a run without edits",
        TOLD,
        "            if told.held or told.status == _OWED:\n",
        "            if True:\n",
    ),
    Mutant(
        "an object that is held says that it was synced",
        TOLD,
        "synced=not told.held)",
        "synced=True)",
    ),
    Mutant(
        "what waits until people have stopped typing is told so",
        TOLD,
        "            if not (one.failures or conflict or left or",
        "            if not (True or",
    ),
    Mutant(
        "a status column is written where the task takes nothing",
        TOLD,
        "        return obj_id not in snapshot.outside and (link is None or not (link.parked or link.apart))\n",
        "        return True\n",
    ),
    Mutant(
        "a new counterpart is told to nobody",
        TOLD,
        "        return _OWED if obj_id in self.fresh else IN_STEP\n",
        "        return IN_STEP\n",
    ),
    Mutant(
        "a write is given up for a status column that is refused",
        COLUMNS,
        "            if isinstance(error, UnfitError) and error.attributes - along.keys():\n",
        "            if True:\n",
    ),
    Mutant(
        "a status column that is refused is told to nobody",
        COLUMNS,
        "            self.outcome.notes.append(\n",
        "            str(\n",
    ),
    Mutant(
        "a status column that vanishes stops the sync",
        OF_COLUMNS,
        "                if name not in known.get(end, ()):\n",
        "                if True:\n",
    ),
    Mutant(
        "a status column that never was there is passed over",
        OF_COLUMNS,
        "                if name not in known.get(end, ()):\n",
        "                if False:\n",
    ),
    Mutant(
        "what is synced may be a status column as well",
        OF_COLUMNS,
        "    if name in mapping.at(end):\n",
        "    if False:\n",
    ),
    Mutant(
        "what was there before is not kept",
        FIRST_SYNC,
        "        await journal.remember(memory)\n    return replace(base, memory=memory)\n",
        "        pass\n    return replace(base, memory=memory)\n",
    ),
    Mutant(
        "each run is the first one",
        POLICY,
        "        return side in self.spares and (known is None or record_id in known)\n",
        "        return side in self.spares\n",
    ),
    Mutant(
        "a listing that is not complete ends the first sync",
        FIRST_SYNC,
        "        if views[end].full and snapshot.partial is None:\n",
        "        if True:\n",
    ),
    Mutant(
        "only what is not linked yet counts as there before",
        FIRST_SYNC,
        "            known[end] = frozenset({*snapshot.records, *snapshot.unreadable})\n",
        "            across = {one.hash for one in views[end.opposite].snapshot.records.values()}\n            known[end] = frozenset(one.id for one in snapshot.records.values() if one.hash not in across)\n",
    ),
    Mutant(
        "what stands alone is not looked for when the same thing is made across",
        REMADE,
        "isinstance(action, Create) and policy.may_stay_alone(action.side)",
        "isinstance(action, Create) and False",
    ),
]


def main(arguments: Sequence[str] | None = None) -> int:
    """Print a line per mutant; 0 when all were found."""
    options = command(__doc__).parse_args(arguments)
    suite = "tests/tasks/policies"
    # Told stories find most bugs at once; the histories, which follow, find the rest.
    names = (
        "deletions",
        "mirrors",
        "scopes",
        "matching",
        "columns",
        "deletion_histories",
        "column_histories",
        "first_sync",
    )
    ground = Ground(
        parts=("config", "tasks", suite),
        arguments=("--hypothesis-seed=1", *(f"{suite}/test_{name}.py" for name in names)),
        environment={"LOCKSTEP_EXAMPLES": "40"},
    )
    return exit_status(plant(MUTANTS, options.names, ground, at_once=os.cpu_count() or 2))


if __name__ == "__main__":
    sys.exit(main())
