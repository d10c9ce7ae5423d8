"""The bugs that `proof/mutants.py` plants: one replacement each in the merge or in the execution of its plan."""

# The texts are those of the engine.
# ruff: noqa: E501

from __future__ import annotations

from planting import Mutant

ATTRIBUTES, PLANNER, GUARDS = "tasks/merge/attributes.py", "tasks/merge/planner.py", "tasks/merge/guards.py"
LINKED, APART = "tasks/merge/linked_pairs.py", "tasks/merge/apart.py"
PAIRING, HOLDING, REMADE = "tasks/merge/pairing.py", "tasks/merge/holding.py", "tasks/merge/remade.py"
APPLY, WRITING, BASES, RUN, CHANGES, VIEWS = (
    "tasks/engine/apply.py",
    "tasks/engine/writing.py",
    "tasks/engine/bases.py",
    "tasks/engine/run.py",
    "tasks/engine/changes.py",
    "tasks/engine/views.py",
)
POLICY = "tasks/merge/policy.py"
LEDGER = "tasks/journal/ledger.py"

MUTANTS = [
    Mutant("nothing planted", APPLY, "", ""),
    Mutant(
        "an edit in Notion is undone instead of carried across",
        ATTRIBUTES,
        '            write(End.RIGHT, name, f"{name} edited in {policy.labels.left}")\n',
        '            write(End.LEFT, name, f"{name} edited in {policy.labels.left}")\n',
    ),
    Mutant(
        "edits of the other side are not carried across",
        ATTRIBUTES,
        '            write(End.LEFT, name, f"{name} edited in {policy.labels.right}")\n',
        "            pass\n",
    ),
    Mutant(
        "the loser of a conflict is not put into the ledger",
        APPLY,
        "        await self.bases.journal.keep_conflict(LedgerEntry.of(action, self.policy.labels))\n",
        "",
    ),
    Mutant(
        "the ledger says of what lost that it stayed",
        LEDGER,
        "conflict.winner is not end.opposite\n",
        "conflict.winner is not end\n",
    ),
    Mutant(
        "the ledger has one side's value twice",
        LEDGER,
        "conflict.right_id, conflict.right, conflict.right_edited)",
        "conflict.right_id, conflict.left, conflict.right_edited)",
    ),
    Mutant(
        "a conflict is written to the side that won",
        ATTRIBUTES,
        "write(conflict.winner.opposite, conflict.attribute",
        "write(conflict.winner, conflict.attribute",
    ),
    Mutant(
        "mode newer takes the older one",
        ATTRIBUTES,
        "End.LEFT if gap > timedelta(0) else End.RIGHT",
        "End.LEFT if gap < timedelta(0) else End.RIGHT",
    ),
    Mutant(
        "edits within a minute are ordered all the same",
        ATTRIBUTES,
        "    if abs(gap) < granularity:\n",
        "    if gap == timedelta(days=99):\n",
    ),
    Mutant(
        "mode error writes all the same",
        ATTRIBUTES,
        '    if mode == "error":\n        return None, "error"\n',
        '    if mode == "error":\n        return End.LEFT, "error"\n',
    ),
    Mutant(
        "the mode of a single attribute is not looked at",
        POLICY,
        "        return self.modes.get(attribute, self.mode)\n",
        "        return self.mode\n",
    ),
    Mutant(
        "an equal value on both sides is not taken as agreed",
        ATTRIBUTES,
        "            merged.agreed.append(name)\n",
        "            pass\n",
    ),
    Mutant(
        "a cut-off write is not written again, but taken for an edit",
        ATTRIBUTES,
        "        elif name in uncertain and not (policy.resolver and left_changed and right_changed):\n",
        "        elif False:\n",
    ),
    Mutant("a deletion beats an edit", LINKED, "        if not edited:\n", "        if True:\n"),
    Mutant(
        "an edit beats a deletion against the task's word",
        LINKED,
        "missing.opposite if self.policy.edit_beats_delete and not in_vain else missing",
        "missing.opposite",
    ),
    Mutant(
        "what a deletion destroys is not put into the ledger",
        LINKED,
        "        if not edited:\n            self.actions.append(deletion)\n            return\n",
        "        if not edited or stays is missing:\n            self.actions.append(deletion)\n            return\n",
    ),
    Mutant(
        "what a partial listing leaves out counts as deleted",
        LINKED,
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
        LINKED,
        "        partial = self.snapshots[End.LEFT].partial or self.snapshots[End.RIGHT].partial\n",
        "        partial = None\n",
    ),
    Mutant(
        "what a filter leaves out counts as deleted",
        LINKED,
        "        if not link.parked and not self.policy.scope_changed:\n",
        "        if not link.parked:\n",
    ),
    Mutant(
        "a partial listing brings back into sight what is not in it",
        LINKED,
        "        parked = link.parked & (unseen | self.out_on(link) if link.apart else unseen)\n",
        "        parked = link.parked & {s for s in unseen if self.snapshots[s].partial is None}\n",
    ),
    Mutant(
        "differences of a new pair count as agreed",
        PLANNER,
        "            if alike or self.policy.agree(name, left.values[name], right.values[name])\n",
        "            if True\n",
    ),
    Mutant(
        "objects without a link are never paired",
        PLANNER,
        "pair_by_hash(fresh[End.LEFT], fresh[End.RIGHT], self.policy.attributes)",
        "[]",
    ),
    Mutant(
        "a cut-off create is not looked for",
        PLANNER,
        "        settled = settle_intents(intents, records, unlinked, paired)\n",
        "        settled = []\n",
    ),
    Mutant(
        "a cut-off create is taken for whatever object comes first",
        PAIRING,
        "    return bool(known) and all(shows(record, name, intent.values[name]) for name in known)",
        "    return True",
    ),
    Mutant(
        "the hash that a cut-off create had is forgotten",
        PAIRING,
        "record.hash in (intent.hash, source.hash",
        "record.hash in (None, source.hash",
    ),
    Mutant(
        "a cut-off create whose source is gone is forgotten",
        PLANNER,
        "        return not self.snapshots[side.opposite].has(link.id_on(side.opposite))\n",
        "        here = link.id_on(side) in self.snapshots[side].records\n        return here and not self.snapshots[side.opposite].has(link.id_on(side.opposite))\n",
    ),
    Mutant(
        "an object that was made anew is not linked again",
        PLANNER,
        "        return find_remade(links, self.snapshots, fresh, attributes, plainly=self.policy.plainly)\n",
        "        return []\n",
    ),
    Mutant(
        "differences of an object that was made anew count as agreed",
        REMADE,
        "        if policy.agree(name, shown[End.LEFT], shown[End.RIGHT]):\n",
        "        if True:\n",
    ),
    Mutant(
        "the old link stays when an object was made anew",
        PLANNER,
        "                instead_of=remade.link,\n",
        "",
    ),
    Mutant(
        "a pair out of sight with an object that cannot be read is not parked",
        LINKED,
        "                self.park(link)\n                self.skip",
        "                self.skip",
    ),
    Mutant(
        "what is out of sight is back when it is asked for by itself",
        CHANGES,
        ' - {""} - {link.id_on(side) for link in base.links if side in link.parked}\n',
        ' - {""}\n',
    ),
    Mutant(
        "a cut-off update is not remembered",
        LINKED,
        "            for name in intent.values.keys() & set(self.policy.attributes):\n",
        "            for name in ():\n",
    ),
    Mutant(
        "a create is made again though a listing may lag",
        HOLDING,
        "        and now - intent.begun_at < settling[intent.side]\n",
        "        and False\n",
    ),
    Mutant(
        "an intent is kept only after its write",
        WRITING,
        "        await self.bases.journal.begin(intent if intent.values else None, effect)\n        async with self.slots[intent.side]:\n            self.check_lock()\n            try:\n                yield\n",
        "        async with self.slots[intent.side]:\n            self.check_lock()\n            try:\n                yield\n                await self.bases.journal.begin(intent, effect)\n",
    ),
    Mutant(
        "an intent is dropped although no answer came",
        WRITING,
        "            except OutcomeUnknownError:\n                if intent.begun_at is not None:  # it may have been sent long after it was begun\n                    await self.bases.journal.begin(replace(intent, begun_at=self.clock()))\n                raise\n",
        "",
    ),
    Mutant(
        "the base advances before the write",
        WRITING,
        "        wanted, key = {name: change.new for name, change in action.changes.items()}, intent.key\n",
        "        wanted, key = {name: change.new for name, change in action.changes.items()}, intent.key\n        await self.advance_by(action, wanted)\n",
    ),
    Mutant(
        "the base does not advance after a write",
        BASES,
        "advanced(self.links[pair], left, right, self.doubtful)",
        "advanced(self.links[pair], {}, {}, self.doubtful)",
    ),
    Mutant(
        "the base is what was asked for, not what is shown",
        WRITING,
        "                shown = await adapter.values(updated) if updated is not None else wanted\n",
        "                shown = wanted\n",
    ),
    Mutant(
        "the base of a value for both sides is what was asked for",
        LINKED,
        "                    if side is End.RIGHT or name not in across\n",
        "",
    ),
    Mutant(
        "a created object is not linked",
        WRITING,
        "        await self.bases.put(link, instead_of=old, settle=(key,))\n",
        "        await self.bases.journal.confirm(settle=(key,))\n",
    ),
    Mutant(
        "the old link stays when a deleted object is made again",
        WRITING,
        "        await self.bases.put(link, instead_of=old, settle=(key,))\n",
        "        await self.bases.put(link, settle=(key,))\n",
    ),
    Mutant(
        "deletions are not carried across",
        WRITING,
        "            await adapter.delete(obj)\n",
        "            await adapter.call(adapter.side.id, obj)\n",
    ),
    Mutant(
        "a side is not asked whether an object is gone",
        WRITING,
        "        if await adapter.call(adapter.side.is_gone, missing_id):\n",
        "        if True:\n",
    ),
    Mutant(
        "a link is dropped while a record is only out of sight",
        APPLY,
        "            if side in action.missing and not await self.writer.is_gone(side, missing_id, pair_of(action)):\n",
        "            if False:\n",
    ),
    Mutant(
        "a link outlives both its objects", BASES, "            await self.journal.confirm(drop=link)\n", ""
    ),
    Mutant(
        "a write is sent after the lock is lost",
        WRITING,
        "            self.check_lock()\n            try:\n",
        "            try:\n",
    ),
    Mutant(
        "a deletion is sent after the lock is lost",
        WRITING,
        "            self.check_lock()\n            await adapter.delete(obj)\n",
        "            await adapter.delete(obj)\n",
    ),
    Mutant(
        "single attributes are sent after the lock is lost",
        WRITING,
        "                for name, value in wanted.items():\n                    self.check_lock()\n",
        "                for name, value in wanted.items():\n",
    ),
    Mutant(
        "a dry run writes",
        RUN,
        "        if self.order.dry_run:\n            return RunReport",
        "        if False:\n            return RunReport",
    ),
    Mutant("an empty side does not halt a run", GUARDS, "links > 1 and", "links > 99 and"),
    Mutant(
        "a run may delete more than its budget",
        GUARDS,
        "        if number > max(policy.handful, policy.delete_share * links):\n",
        "        if False:\n",
    ),
    Mutant(
        "a run may blank more than its budget",
        GUARDS,
        "            if number > allowed:\n",
        "            if number > allowed + 99:\n",
    ),
    Mutant(
        "a halted run goes on",
        RUN,
        '            return RunReport("halted", halt.reason, plan) if halt else None\n',
        "            return None\n",
    ),
    Mutant(
        "a moved scope is not listed in full",
        RUN,
        "full or policy.scope_changed or policy.wants_all",
        "full or policy.wants_all",
    ),
    Mutant(
        "what a listing of changes does not name counts as deleted",
        CHANGES,
        "        }\n        records |= asked.records\n",
        "        }\n        records = dict(asked.records)\n",
    ),
    Mutant(
        "what a listing of changes names as deleted stays",
        CHANGES,
        "    deleted = {str(one) for one in changes.deleted}\n",
        "    deleted: set[str] = set()\n",
    ),
    Mutant(
        "an expired cursor ends in nothing changed",
        CHANGES,
        "    except CursorExpiredError:\n        return None\n",
        "    except CursorExpiredError:\n        changes = Changes((), (), cursor)\n",
    ),
    Mutant(
        "cut-off changes count as all",
        CHANGES,
        "    if changes.partial is not None:\n        return None\n",
        "",
    ),
    Mutant(
        "what goes one way is carried back to its source",
        ATTRIBUTES,
        "        elif (target := policy.only_to.get(name)) is not None:\n",
        '        elif (target := policy.only_to.get("")) is not None:\n',
    ),
    Mutant(
        "an object is made at the source of what goes one way with a value for it",
        APART,
        "            if to is None or self.policy.goes_to(name, to)\n",
        "",
    ),
    Mutant(
        "what is written over one way is not put into the ledger",
        ATTRIBUTES,
        "                settle(lost)\n",
        "                write(target, name, lost.reason)\n",
    ),
    Mutant(
        "an edit at the only end to which an attribute goes brings a deleted object back",
        LINKED,
        "        in_vain = not any(self.policy.goes_to(name, missing) for name in edited)\n",
        "        in_vain = False\n",
    ),
    Mutant(
        "an object is written that is not as the plan says",
        VIEWS,
        "        if changed:\n            raise PreconditionError(",
        "        if False:\n            raise PreconditionError(",
    ),
    Mutant(
        "what failed is never tried again",
        HOLDING,
        "        one.pair: one for one in held if one.next_try > now and",
        "        one.pair: one for one in held if",
    ),
    Mutant(
        "of pairs that are kept at once the last one is not",
        BASES,
        "        await self.journal.confirm_all(proofs)\n",
        "        await self.journal.confirm_all(proofs[:-1])\n",
    ),
    Mutant(
        "a batch is not kept at the end of the run",
        "tasks/engine/proofs.py",
        "for start in range(0, len(some), size))",
        "for start in range(0, len(some) - size + 1, size))",
    ),
]
