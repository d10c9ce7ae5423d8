"""Plant bugs in a copy of database nodes and see whether their tests find each of them.

    python scripts/node_mutants.py [NAME ...] [--worlds N]

Every mutant is one replacement. Its tests, mostly `tests/tasks/database/test_simulator.py`, run on the copy and must
fail; on a copy without a bug the simulator must pass.
"""

from __future__ import annotations

import argparse
import os
import sys
from dataclasses import replace

from planting import Ground, Mutant, plant

SUITE = "tests/tasks/database/test_simulator.py::test_nodes_converge_and_lose_nothing"


HERE = "tasks/database/"
RECONCILER, APPLYING, ENGINE = HERE + "reconciler.py", HERE + "applying.py", HERE + "engine.py"
ASKING, NODE = HERE + "asking.py", HERE + "node.py"
COLLECT, PEER, VIEW, CLOCK = HERE + "collect.py", HERE + "peer.py", HERE + "view.py", HERE + "clock.py"
CLOCK_TESTS = "tests/tasks/database/test_clock.py"
ENGINE_TESTS = "tests/tasks/database/test_engine.py"
PAGE_TESTS = "tests/tasks/database/test_page.py"
STORIES = "tests/tasks/database/test_better_than_the_page.py"
AHEAD_TESTS = "tests/tasks/database/test_asking_ahead.py"
RESTAMP, RESTAMP_TESTS = HERE + "restamp.py", "tests/tasks/database/test_restamp.py"
LEDGER_TESTS = "tests/tasks/database/test_ledger.py"

SQL, TRANSPORT = HERE + "sql/", HERE + "transport/"
CONTRACT = "tests/tasks/database/sql/test_contract.py -k sqlite"
STORAGE_TESTS, CAPTURE_TESTS = (f"tests/tasks/database/sql/test_{name}.py" for name in ("storage", "capture"))
NODES_TESTS = "tests/tasks/database/sql/test_nodes.py -k sqlite"
TYPES_TESTS = "tests/tasks/database/sql/test_types.py"
SERVER_TESTS, HTTP_TESTS = (f"tests/tasks/database/transport/test_{name}.py" for name in ("server", "http"))

MUTANTS = [
    Mutant("nothing planted", ENGINE, "", ""),
    Mutant(
        "the older edit wins",
        RECONCILER,
        "            if theirs > ours or (theirs == ours and larger(theirs_value, local.data[name])):\n",
        "            if theirs < ours or (theirs == ours and larger(theirs_value, local.data[name])):\n",
    ),
    Mutant(
        "ties stay as they are on each node",
        RECONCILER,
        "(theirs == ours and larger(theirs_value, local.data[name]))",
        "False",
    ),
    Mutant(
        "tombstones do not keep late edits out",
        RECONCILER,
        "        if tombstone is None:\n            self.result.created_keys.add(key)",
        "        if True:\n            self.result.created_keys.add(key)",
    ),
    Mutant("a deletion beats a newer edit", RECONCILER, "newer = local.newest > stamp", "newer = False"),
    Mutant(
        "an edit survives a newer deletion",
        RECONCILER,
        "newer = local.newest > stamp",
        "newer = local.newest > 0",
    ),
    Mutant(
        "conflicts of fields are not logged",
        RECONCILER,
        "        self.result.conflict_log.append(ConflictEntry(question, _source(answer, conflicts, kept), kept))\n",
        "",
    ),
    Mutant(
        "edits lost to deletions are not logged",
        RECONCILER,
        "        self.result.conflict_log.append(ConflictEntry(question, answer.source, edited if lives else None))\n",
        "",
    ),
    Mutant(
        "what a record became is not told to the peer",
        RECONCILER,
        "        if _differ(merged, remote):\n",
        "        if False:\n",
    ),
    Mutant(
        "a resolver's word gets no new stamp",
        RECONCILER,
        "                timestamps[name] = self._new_stamp(ours, theirs)\n",
        "",
    ),
    Mutant(
        "the sender's order is that of the edits, not of arrival",
        HERE + "record.py",
        "        return max(self.newest, self.received_at)\n",
        "        return self.newest\n",
    ),
    Mutant(
        "fields that come late count as seen",
        HERE + "record.py",
        "        return max(self.timestamps.get(name, 0), came)\n",
        "        return self.timestamps.get(name, 0)\n",
    ),
    Mutant(
        "the cursor passes what a full page left out",
        COLLECT,
        "                        page.has_more = True\n                        break\n",
        "                        break\n",
    ),
    Mutant(
        "what was edited meanwhile is not sent",
        ASKING,
        "                sent = sent if meanwhile else meanwhile.cursor\n",
        "                sent = Cursor(now)\n",
    ),
    Mutant(
        "the answer replaces what was edited meanwhile",
        VIEW,
        "        if sent is not None and sent.timestamps.get(name, 0) == record.timestamps.get(name, 0):\n",
        "        if sent is not None:\n",
    ),
    Mutant(
        "what was received is not remembered as received",
        ASKING,
        "                replace(state, received=kept).save",
        "                replace(state, received=kept, sent=Cursor(kept.floor)).save",
    ),
    Mutant(
        "what cannot be applied is forgotten",
        ASKING,
        "            state.held = self.applied.held\n",
        "",
    ),
    Mutant("the server forgets what it holds", ENGINE, "        state.held = applied.held\n", ""),
    Mutant(
        "the peer is not told of what was held so long",
        APPLYING,
        "if released := self.retried.get(label, set()).difference(held):",
        "if released := set[str]():",
        ENGINE_TESTS,
    ),
    Mutant(
        "a dry run sends its records",
        ASKING,
        "            manifest.payloads, manifest.fresh, manifest.dry_run = [], None, True\n",
        "            pass\n",
    ),
    Mutant(
        "a dry run is kept by the server",
        ENGINE,
        "        if not incoming.dry_run:\n            state.save",
        "        if True:\n            state.save",
        PAGE_TESTS,
    ),
    Mutant(
        "checkpoints are kept outside of the transaction",
        ENGINE,
        "        with self._processing() as prove, self._node.work(undo=incoming.dry_run):\n",
        "        with self._processing() as prove, nullcontext():\n",
    ),
    Mutant(
        "a node that was away does not compare in full",
        ENGINE,
        "        return purged if any(0 < stamp < purged for stamp in stamps) else 0\n",
        "        return 0\n",
        ENGINE_TESTS,
    ),
    Mutant(
        "tombstones are purged before all have seen them",
        ENGINE,
        "min([*marks, self._node.later()])",
        "self._node.later()",
        ENGINE_TESTS,
    ),
    Mutant(
        "the clock does not look at what it received",
        NODE,
        "            self.clock.receive(newest)\n",
        "            pass\n",
    ),
    Mutant(
        "the clock forgets its bound",
        CLOCK,
        "            self._last = max(self._last, bound.get_clock_bound())\n",
        "",
        CLOCK_TESTS,
    ),
    Mutant(
        "what was sent counts as known, whatever has become of it",
        VIEW,
        "        return [name for name in late if sent.timestamps.get(name, 0) != stamps.get(name, 0)]\n",
        "        return []\n",
    ),
    Mutant(
        "what is asked for ahead is told to be kept",
        ASKING,
        "        manifest = self.node.manifest(Page(), self.state.received)\n",
        "        manifest = self.node.manifest(Page(), Cursor.read(response.checkpoint, response.after_keys))\n",
        AHEAD_TESTS,
    ),
    Mutant(
        "what is asked for ahead is taken as kept",
        ENGINE,
        "                start = Cursor.read(",
        "                start = state.sent = Cursor.read(",
        AHEAD_TESTS,
    ),
    Mutant(
        "what is asked for ahead outlives the run",
        ASKING,
        "                    self.ahead[1]()  # nothing of a run goes on after its end\n",
        "                    pass\n",
        AHEAD_TESTS,
    ),
    Mutant(
        "what came from a peer counts as news to it",
        PEER,
        "        self.own = {stamp for stamp in self.own if stamp > self.sent.floor}\n",
        "        self.own = set()\n",
        STORIES,
    ),
    Mutant(
        "a lock that was lost is noticed after the commit",
        ENGINE,
        "self._answer(incoming, payloads, result)\n            prove()\n",
        "self._answer(incoming, payloads, result)\n",
        ENGINE_TESTS,
    ),
    Mutant(
        "the ledger names what the resolver said of a tie",
        RECONCILER,
        "_source(answer, conflicts, kept)",
        "answer.source",
        LEDGER_TESTS,
    ),
    Mutant(
        "a node that was set back is not sent everything again",
        PEER,
        "        if set_back > self.set_back:\n",
        "        if False:\n",
        NODES_TESTS + " -k restored",
    ),
    Mutant(
        "a node that was set back says so once only",
        ENGINE,
        "state.set_back if incoming.checkpoint < state.set_back else 0",
        "now if behind else 0",
        NODES_TESTS + " -k restored",
    ),
    Mutant(
        "stamps are taken back in another order",
        RESTAMP,
        "enumerate(sorted(void))",
        "enumerate(sorted(void, reverse=True))",
        RESTAMP_TESTS,
    ),
    Mutant(
        "stamps that a peer may have taken are taken back",
        RESTAMP,
        "node.limits.known_max()",
        "node.limits.stamp_max()",
        RESTAMP_TESTS,
    ),
    Mutant(
        "stamps are taken back to before what is here",
        RESTAMP,
        "    first = max(newest + 1, now)\n",
        "    first = now\n",
        RESTAMP_TESTS,
    ),
    Mutant("what is void is not told", RESTAMP, "storage.save_restamped(node.later(), first - 1)", "pass"),
    Mutant(
        "all that is held is void",
        PEER,
        "{key: record for key, record in records.items() if record.newest <= stamp}",
        "{}",
        RESTAMP_TESTS,
    ),
    Mutant(
        "only what was taken back is told to be void",
        RESTAMP,
        "storage.save_restamped(node.later(), first - 1)",
        "storage.save_restamped(node.later(), limit)",
        RESTAMP_TESTS,
    ),
    Mutant(
        "a clock that is behind is believed",
        RESTAMP,
        "    if node.limits.apart(behind):\n",
        "    if False:\n",
        RESTAMP_TESTS,
    ),
    Mutant(
        "the clock stays ahead",
        RESTAMP,
        "        storage.lower_clock_bound(max([newest, *instead.values()]))\n",
        "        pass\n",
        RESTAMP_TESTS,
    ),
    Mutant(
        "a clock that runs does not follow its bound",
        NODE,
        "            self.clock.follow()\n",
        "            pass\n",
        RESTAMP_TESTS,
    ),
    Mutant(
        "what is void stays held",
        PEER,
        "            self.held = self.held.up_to(min(unheard))\n",
        "",
        RESTAMP_TESTS,
    ),
    Mutant(
        "what is held is void again and again",
        PEER,
        "if at > self.restamped]",
        "]",
        RESTAMP_TESTS,
    ),
    Mutant(
        "deletions that are held are dropped",
        NODE,
        "self.storage.purge_tombstones(place, self.limits.stamp_max())",
        "self.storage.purge_tombstones(place)",
        RESTAMP_TESTS,
    ),
    Mutant(
        "what was decided here counts as known to the peer",
        APPLYING,
        "            if key in outcome.decided_keys:\n",
        "            if False:\n",
        RESTAMP_TESTS,
    ),
    Mutant(
        "the clock does not look at what was held",
        ASKING,
        "            now = node.arrival([*payloads, *state.held.payloads().values()], dry_run=self.dry_run)\n",
        "            now = node.arrival(payloads, dry_run=self.dry_run)\n",
        RESTAMP_TESTS,
    ),
    Mutant(
        "what cannot be told again is forgotten",
        ASKING,
        "                    self.applied.held.records.setdefault(label, {}).update(held)\n",
        "                    pass\n",
        RESTAMP_TESTS,
    ),
    Mutant(
        "tables keep the places of what was taken back",
        SQL + "restamping.py",
        '        "place": None,\n',
        "",
        CONTRACT,
    ),
    Mutant(
        "tables do not know which fields were taken back",
        SQL + "restamping.py",
        "{**pending, **changed}",
        "pending",
        CONTRACT,
    ),
    Mutant(
        "tables keep the stamps of what was never sent",
        SQL + "restamping.py",
        "pending = {WHOLE: newest} if WHOLE in pending else",
        "pending = pending if WHOLE in pending else",
        CONTRACT,
    ),
    Mutant(
        "an edit made meanwhile gets the exchange's own place",
        SQL + "placing.py",
        '            connection.execute(_SQLITE, {"place": place, "last": last})\n            place += 1\n',
        '            connection.execute(_SQLITE, {"place": place, "last": last})\n',
        NODES_TESTS,
    ),
    Mutant(
        "a page of a table begins behind its stamp",
        SQL + "storage.py",
        "            behind = sa.tuple_(place, key) > after\n",
        "            behind = place > stamp\n",
        CONTRACT,
    ),
    Mutant(
        "a row that is written again keeps its tombstone",
        SQL + "rows.py",
        'if name not in {"model", "key"})\n',
        'if name not in {"model", "key", "deleted"})\n',
        CONTRACT,
    ),
    Mutant(
        "two exchanges of a database run at once",
        SQL + "storage.py",
        "            placing.lock_node(work)\n            yield\n",
        "            yield\n",
        STORAGE_TESTS + " -k turns",
    ),
    Mutant(
        "unique values that were exchanged wait for each other",
        SQL + "storage.py",
        "if not new and len(failed) > 1:",
        "if False:",
        NODES_TESTS + " -k exchanged",
    ),
    Mutant(
        "what others refer to is emptied",
        SQL + "storage.py",
        " or not empty.keys().isdisjoint(lookups.referred(work.connection, table)):",
        ":",
        NODES_TESTS + " -k refer",
    ),
    Mutant(
        "what is cleared stays empty where it cannot be written",
        SQL + "writing.py",
        "        savepoint.rollback()\n        items = ",
        "        savepoint.commit()\n        items = ",
        NODES_TESTS + " -k exchanged",
    ),
    Mutant(
        "a refused row takes the others with it",
        SQL + "writing.py",
        "    return [*refused, *write_each(connection, items[middle:], write)]\n",
        '    return [*refused, *((item, "") for item in items[middle:])]\n',
        STORAGE_TESTS + " -k poison",
    ),
    Mutant(
        "the clock's bound may shrink",
        SQL + "bookkeeping.py",
        ".where(_clock.bound < bound)",
        "",
        CONTRACT,
    ),
    Mutant(
        "the clock's bound is undone with its transaction",
        SQL + "connection.py",
        "                self._keep_clock_bound(connection)\n",
        "",
        CONTRACT,
    ),
    Mutant(
        "deletions are not captured",
        SQL + "capture_sqlite.py",
        'IS NOT NULL BEGIN " + _bury(label, old, "true")',
        'IS NOT NULL BEGIN " + _bury(label, old, "false")',
        CAPTURE_TESTS + " -k sqlite",
    ),
    Mutant(
        "SQLite's triggers stamp what was not edited",
        SQL + "capture_sqlite.py",
        "AS value WHERE {differ} OR {moved}",
        "AS value",
        CAPTURE_TESTS + " -k sqlite",
    ),
    Mutant(
        "SQLite's triggers give a stamp twice",
        SQL + "capture_sqlite.py",
        "SELECT newest + 1 FROM",
        "SELECT newest FROM",
        CAPTURE_TESTS + " -k sqlite",
    ),
    Mutant(
        "PostgreSQL's triggers stamp what was not edited",
        SQL + "capture_postgresql.py",
        "changed := ARRAY(SELECT f FROM unnest(fields) f WHERE before -> f IS DISTINCT FROM after -> f);",
        "changed := fields;",
        CAPTURE_TESTS + " -k postgresql",
    ),
    Mutant(
        "PostgreSQL's triggers do not see TRUNCATE",
        SQL + "capture_postgresql.py",
        "            WHERE model = label AND deleted IS NULL;\n        RETURN NULL;",
        "            WHERE false;\n        RETURN NULL;",
        CAPTURE_TESTS + " -k postgresql",
    ),
    Mutant(
        "times with a zone look different on SQLite",
        SQL + "codec.py",
        "(value.astimezone(UTC).replace(tzinfo=None) if value.tzinfo else value)",
        "(value.astimezone(UTC) if value.tzinfo else value)",
        TYPES_TESTS,
    ),
    Mutant(
        "SQLite rounds numbers",
        SQL + "codec.py",
        "    if Decimal(repr(made)) != value:\n",
        "    if False:\n",
        TYPES_TESTS,
    ),
    Mutant(
        "a nonce is used twice",
        SQL + "nonces.py",
        "            return work.connection.scalar(taken) is not None\n",
        "            work.connection.scalar(taken)\n            return True\n",
        "tests/tasks/database/sql/test_processes.py -k web_processes",
    ),
    Mutant(
        "a signature does not cover the path",
        TRANSPORT + "signing.py",
        "parts = (kind, node_id, path, at,",
        'parts = (kind, node_id, "", at,',
        SERVER_TESTS,
    ),
    Mutant(
        "old requests are taken",
        TRANSPORT + "signing.py",
        "if abs(apart) > WINDOW:",
        "if abs(apart) > 10 * WINDOW:",
        SERVER_TESTS,
    ),
    Mutant(
        "anybody may answer",
        TRANSPORT + "signing.py",
        "        if self.token:\n            return True\n",
        "        return True\n",
        HTTP_TESTS,
    ),
    Mutant(
        "a redirect gets the secret",
        TRANSPORT + "http.py",
        "follow_redirects=False",
        "follow_redirects=True",
        HTTP_TESTS,
    ),
    Mutant(
        "a small body may become huge",
        TRANSPORT + "wire.py",
        "unpacker.decompress(body, json_max + 1)",
        "unpacker.decompress(body)",
        "tests/tasks/database/sql/test_openapi.py -k huge",
    ),
    Mutant(
        "a place of a peer may be any number",
        VIEW,
        " and 0 <= stamp <= STAMP_MAX:",
        " and 0 <= stamp:",
        "tests/tasks/database/sql/test_openapi.py -k any_place",
    ),
]


GROUND = Ground(parts=("config", "tasks", "tests/tasks/database", "docs"))


def main() -> int:
    """Print a line per mutant; 0 when all were found."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("names", nargs="*", help="mutants whose names contain one of these")
    parser.add_argument("--worlds", type=int, default=240, help="histories per mutant")
    options = parser.parse_args()
    mutants = [replace(mutant, suite=mutant.suite or SUITE) for mutant in MUTANTS]
    ground = replace(GROUND, environment={"LOCKSTEP_NODE_WORLDS": str(options.worlds)})
    outcomes = plant(mutants, options.names, ground, at_once=(os.cpu_count() or 2) // 2 + 1)
    return 0 if all(outcome.right for outcome in outcomes) else 1


if __name__ == "__main__":
    sys.exit(main())
