"""Bugs in what foreign keys and `REPLACE` do, and in the order in which linked records travel and are written."""

from __future__ import annotations

from planting import Mutant

from node_bugs.places import HERE, JOINING, NODE, SQL, VIEW

DELETING, REFERRED = HERE + "deciding/deleting.py", HERE + "storages/referred.py"
HISTORIES = "tests/tasks/database/test_simulated_cascades.py"
TESTS, LINKED_TESTS, REPLACING_TESTS = (
    f"tests/tasks/database/sql/test_{name}.py" for name in ("cascades", "linked", "replacing")
)

MUTANTS = [
    Mutant(
        "what something living refers to is deleted all the same",
        DELETING,
        "        stays, undecided = references.kept(self.unwritten)\n",
        "        stays, undecided = {}, {}\n",
        HISTORIES,
    ),
    Mutant(
        "it is decided on a parent before the peer has told everything",
        DELETING,
        "        if self.more:\n            stays, undecided =",
        "        if False:\n            stays, undecided =",
        TESTS + "::test_a_tree_is_deleted_whatever_the_pages -k sqlites",
    ),
    Mutant(
        "what waits to be written is taken as it was",
        REFERRED,
        "if name[1] in (unwritten or {}).get(name[0], ())]",
        "if False]",
        TESTS + "::test_what_waits_to_be_written_keeps_what_it_refers_to -k sqlites",
    ),
    Mutant(
        "what keeps a branch alive keeps only its own parent",
        REFERRED,
        "                    waiting.append(parent)\n",
        "",
        TESTS + "::test_a_leaf_that_was_made_elsewhere_keeps_the_whole_branch -k sqlites",
    ),
    Mutant(
        "what stays lives no longer than its deletion",
        DELETING,
        "max(self.new_stamp(), local.newest + 1, self._withdraw(label, key) + 1)",
        "self._withdraw(label, key)",
        HISTORIES,
    ),
    Mutant(
        "what a foreign key changes is told to nobody",
        SQL + "rows/changes.py",
        "                followers.stamp(written)\n",
        "                pass\n",
        TESTS + "::test_a_child_follows_a_value_that_changed_elsewhere -k sqlites",
    ),
    Mutant(
        "the ledger is not told of what stays",
        DELETING,
        "                outcome.conflict_log.append(kept_alive(label, local, record))\n",
        "",
        HISTORIES,
    ),
    Mutant(
        "a deletion that waits is told as a fault",
        NODE,
        "            if (label, key) in applied.waiting:\n",
        "            if False:\n",
        TESTS + "::test_a_deletion_that_comes_early_waits -k sqlites",
    ),
    Mutant(
        "what compares in full leaves its foreign keys to act",
        HERE + "engine/full_compare.py",
        "in references.kept()[0]}",
        "in ()}",
        TESTS + "::test_a_node_that_compares_in_full_keeps_its_childrens_parents -k sqlites",
    ),
    Mutant(
        "deletions are believed known as far as records are",
        VIEW,
        "self.has.passed(deletions_of(label), (arrival, key))",
        "self.has.passed(label, (arrival, key))",
    ),
    Mutant(
        "what waits keeps values that were deleted meanwhile",
        JOINING,
        "if before is not None and record.newest <= before.newest:",
        "if before is not None:",
        "tests/tasks/database/test_ties.py",
    ),
    Mutant(
        "linked rows are found by halving",
        SQL + "rows/writing.py",
        "    if settle is not None:\n",
        "    if False:\n",
        LINKED_TESTS + "::test_a_chain_costs_as_much_per_row_as_rows_alone -k sqlites",
    ),
    Mutant(
        "linked rows are written as they came",
        SQL + "rows/linked.py",
        "return in_order([row for row in rows if row not in waiting], links), waiting",
        "return [row for row in rows if row not in waiting], waiting",
        LINKED_TESTS + "::test_a_chain_that_spans_pages -k sqlites",
    ),
    Mutant(
        "a long chain is deleted by its first link",
        SQL + "rows/changes.py",
        'if self.database.dialect == "sqlite" and foreign.refers_to_itself(work.connection, table):',
        "if False:",
        LINKED_TESTS + "::test_a_long_chain_is_deleted -k sqlites",
    ),
    Mutant(
        "what SQLite replaces is not looked for",
        SQL + "capture/replacing_sqlite.py",
        'BEGIN {note}{where}; END"',
        'BEGIN {note}{where} AND false; END"',
        REPLACING_TESTS + " -k sqlite",
    ),
    Mutant(
        "what might have been replaced is taken for gone",
        SQL + "capture/replacing_sqlite.py",
        'f"AND key IN (SELECT key FROM lockstep_replaced WHERE model = {label}) AND NOT EXISTS "',
        'f"AND key IN (SELECT key FROM lockstep_replaced WHERE model = {label}) OR false AND NOT EXISTS "',
        REPLACING_TESTS + " -k sqlite",
    ),
    Mutant(
        "a peer's row replaces others",
        SQL + "tables/bulk.py",
        '    or_abort = "OR ABORT " if aborts else ""\n',
        '    or_abort = ""\n',
        REPLACING_TESTS + " -k sqlite",
    ),
]
