"""Bugs in what an operator sees: rows that cannot travel, what is held, comparing and repairing."""

from __future__ import annotations

from planting import Mutant

from node_bugs.places import ANSWERING, ASKING, COLLECT, HERE, NODE, SQL, VIEW

_BAD = "tests/tasks/database/sql/test_bad_rows.py"
_COMPARE = "tests/tasks/database/sql/test_compare.py"
_SHARED = "tests/tasks/database/sql/test_shared_ids.py"
_LITE = "[sqlite-sqlite]"

MUTANTS = [
    Mutant(
        "a row that cannot travel is passed without a note",
        COLLECT,
        "            page.unsent.setdefault(label, {})[key] = unsent\n",
        "            pass\n",
    ),
    Mutant(
        "what a peer's edit has mended stays held by who asks",
        ASKING,
        "                node.settle(state, Page(mended=node.mended(state, came, view)), dry_run=False)\n",
        "",
        f"{_BAD} -k peer_mends_it",
    ),
    Mutant(
        "what a peer's edit has mended stays held by who answers",
        ANSWERING,
        "            page.mended[label] = page.mended.get(label, set()) | some\n",
        "            pass\n",
        f"{_BAD} -k peer_mends_it",
    ),
    Mutant(
        "a mended row is sent without what was held of it",
        HERE + "storages/unsent.py",
        "            again(label, list(some), place)\n",
        "            pass\n",
    ),
    Mutant(
        "an edit that could not be sent passes for known",
        VIEW,
        "name in self.unsent.get(label, {}).get(record.key, ()):",
        "name == self:",
        f"{_BAD} -k not_lost_to_another",
    ),
    Mutant(
        "a full comparison deletes what cannot be sent",
        HERE + "engine/full_compare.py",
        "            self.confirmed.setdefault(label, set()).update(some)\n",
        "            pass\n",
        f"{_BAD} -k full_comparison",
    ),
    Mutant(
        "nobody asks what the peer takes",
        COLLECT,
        "for most in (self.record_limit, view.takes) if",
        "for most in (self.record_limit,) if",
        f"{_BAD} -k larger_limit",
    ),
    Mutant(
        "what was too large is never looked at again",
        NODE,
        "        return now_small_enough(state.unsent, self.collector.limit_for(state.view()))\n",
        "        return {}\n",
        f"{_BAD} -k larger_limit",
    ),
    Mutant(
        "an answer may have any size",
        HERE + "engine/answering.py",
        "    if not later and size + weight <= limit:\n",
        "    if not later:\n",
        f"{_BAD} -k within_the_limit",
    ),
    Mutant(
        "a text that is no UTF-8 ends the reading",
        SQL + "rows/reading.py",
        'if connection.dialect.name != "sqlite" or "decode to UTF-8" not in str(error.orig):',
        "if error is not None:",
        f"{_BAD} -k UTF",
    ),
    Mutant(
        "a record whose row is not found is passed in silence",
        SQL + "tables/pages.py",
        "_records.outerjoin(table.table,",
        "_records.join(table.table,",
        f"{_BAD} -k bytes",
    ),
    Mutant(
        "what the peer holds is not told in the run",
        ASKING,
        "        self.result.errors.extend(self.state.theirs.lines(self.peer))\n",
        "",
        f"{_BAD} -k UTF",
    ),
    Mutant(
        "rows that were made unseen are not found",
        SQL + "comparing/compare.py",
        "            if not row.known:\n                yield found(Kind.UNKNOWN_IN_SECOND, row.key)\n",
        "",
        f"{_COMPARE}::test_what_happened_past_the_capture_is_found_and_named{_LITE}",
    ),
    Mutant(
        "rows that are gone unseen are not found",
        SQL + "comparing/compare.py",
        "            yield from (found(gone, key) for key in keys)\n",
        "            pass\n",
        f"{_COMPARE}::test_what_happened_past_the_capture_is_found_and_named{_LITE}",
    ),
    Mutant(
        "an emptied table empties all others",
        SQL + "comparing/repair.py",
        "        elif bury or one.key not in of_others:\n",
        "        elif one.key:\n",
        f"{_COMPARE}::test_an_emptied_table_empties_no_other{_LITE}",
    ),
    Mutant(
        "saying what would be repaired repairs it",
        SQL + "comparing/repair.py",
        "        if not dry_run:\n            _do(",
        "        if due:\n            _do(",
        f"{_COMPARE}::test_repair_loses_nothing{_LITE}",
    ),
    Mutant(
        "comparing reads rows to see whether they are there",
        SQL + "comparing/walking.py",
        "sorted(set(plain) - present(storage, table.label, plain))",
        "sorted(set(plain) - storage.read(table.label, plain).keys())",
        f"{_COMPARE} -k memory",
    ),
    Mutant(
        "any whole number is taken for one that the database gives",
        SQL + "tables/shared_ids.py",
        "type(column.type) is sa.INTEGER",
        "column is not None",
        f"{_SHARED}::test_it_is_known_which_ids_a_database_gives[sqlite]",
    ),
]
