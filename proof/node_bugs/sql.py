"""Bugs in real tables: capture, columns, bookkeeping."""

from __future__ import annotations

from planting import Mutant

from node_bugs.places import CAPTURE_TESTS, CONTRACT, NODES_TESTS, SQL, STORAGE_TESTS, TYPES_TESTS

MUTANTS = [
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
        SQL + "following.py",
        "                placing.lock_node(work)\n                look =",
        "                look =",
        STORAGE_TESTS + " -k turns",
    ),
    Mutant(
        "unique values that were exchanged wait for each other",
        SQL + "storage.py",
        "if how is not How.NEW and len(failed) > 1:",
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
        SQL + "sqlite_values.py",
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
]
