"""Bugs in what columns keep, in keys, and in what users' triggers make of a peer's rows."""

from __future__ import annotations

from planting import Mutant

from node_bugs.places import SQL, TYPES_TESTS

COLUMNS = "tests/tasks/database/sql/test_columns.py"
KEYS = "tests/tasks/database/sql/test_keys.py"
TRIGGERS = "tests/tasks/database/sql/test_triggers.py"

MUTANTS = [
    Mutant(
        "a column rounds what it has no digits for",
        SQL + "values/postgresql.py",
        "    if exponent + zeros >= -scale:\n",
        "    if True:\n",
        COLUMNS + " -k sqlite-postgresql-plain",
    ),
    Mutant(
        "REAL takes what only a double holds",
        SQL + "values/postgresql.py",
        'return None if shown == value else "keeps fewer digits"',
        "return None",
        COLUMNS + " -k postgresql-postgresql-plain",
    ),
    Mutant(
        "fractions of a second are cut",
        SQL + "values/postgresql.py",
        "return None if microseconds % unit == 0 else",
        "return None if True else",
        COLUMNS + " -k sqlite-postgresql-plain",
    ),
    Mutant(
        "blanks at the end are lost",
        SQL + "values/postgresql.py",
        '            if value.endswith(" "):\n',
        "            if False:\n",
        COLUMNS + " -k sqlite-postgresql-plain",
    ),
    Mutant(
        "what only the column can tell is not asked",
        SQL + "tables/synced_table.py",
        "if postgresql_values.is_doubtful(self.table.c[name].type)",
        "if False",
        COLUMNS + " -k read-back",
    ),
    Mutant(
        "SQLite's numbers are told as their column would round them",
        SQL + "values/sqlite.py",
        "        return shown if _places(shown) <= scale else number\n",
        "        return round(shown, scale)\n",
        TYPES_TESTS + " -k rounded",
    ),
    Mutant(
        "what SQLite has computed is told with its noise",
        SQL + "values/sqlite.py",
        "scale is not None and _places(number) > scale:",
        "scale is not None and False:",
        TYPES_TESTS + " -k rounded",
    ),
    Mutant(
        "numbers in JSON are floats",
        SQL + "values/json_text.py",
        "_exact = json.JSONDecoder(parse_float=Decimal,",
        "_exact = json.JSONDecoder(parse_float=float,",
        TYPES_TESTS + " -k json",
    ),
    Mutant(
        "names in JSON stay in their order",
        SQL + "values/json_text.py",
        "sort_keys=True, ",
        "",
        TYPES_TESTS + " -k json",
    ),
    Mutant(
        "JSON's null is not captured",
        SQL + "capture/postgresql.py",
        "IF whole THEN changed := changed || name; END IF;",
        "",
        TYPES_TESTS + " -k json",
    ),
    Mutant(
        "months are days",
        SQL + "values/intervals.py",
        '        return f"{self.months:+} mons {self.days:+} days {clock}"\n',
        '        return f"{self.months * 30 + self.days:+} days {clock}"\n',
        TYPES_TESTS + " -k month",
    ),
    Mutant(
        "a key that changes its case is the same key",
        SQL + "capture/sqlite.py",
        'moved = f"OLD.{identity} COLLATE BINARY IS NOT NEW.{identity}"',
        'moved = f"OLD.{identity} IS NOT NEW.{identity}"',
        KEYS + " -k case",
    ),
    Mutant(
        "a deletion takes the row of another key with it",
        SQL + "tables/lookups.py",
        'return sa.and_(among, sa.collate(key, "BINARY").in_(listed)) if table.loose_keys else among',
        "return among",
        KEYS + " -k elsewhere",
    ),
    Mutant(
        "padded keys are captured with their blanks",
        SQL + "capture/postgresql.py",
        "    IF TG_ARGV[3] = 'padded' THEN\n",
        "    IF false THEN\n",
        KEYS + " -k padded",
    ),
    Mutant(
        "numbers that the database always gives cannot be written",
        SQL + "tables/bulk.py",
        "_Overriding if table.gives_numbers else postgresql.Insert",
        "postgresql.Insert",
        KEYS + " -k ALWAYS",
    ),
    Mutant(
        "sequences stay where they were",
        SQL + "tables/sequences.py",
        "    if counter is None or not any(map(counter.gives, numbers)):\n",
        "    if True:\n",
        KEYS + " -k gives",
    ),
    Mutant(
        "a sequence leaves its node's own numbers",
        SQL + "tables/sequences.py",
        "column <= min(top + APART, counter.last),",
        "column <= counter.last,",
        KEYS + " -k range",
    ),
    Mutant(
        "nobody looks for triggers",
        SQL + "rows/reading_back.py",
        "        found = work.watched[table.label] = _has_triggers(work.connection, table)\n",
        "        found = work.watched[table.label] = False\n",
        TRIGGERS,
    ),
    Mutant(
        "triggers of two nodes answer each other for ever",
        SQL + "rows/reading_back.py",
        "    if came and all(name in differing and _is_answer(name, record, old) for name in came):\n",
        "    if False:\n",
        TRIGGERS + " -k rest",
    ),
    Mutant(
        "what a trigger undoes is undone everywhere",
        SQL + "rows/reading_back.py",
        "        if name in differing and same(row.data[name], old.data[name]):\n",
        "        if False:\n",
        TRIGGERS + " -k undoes",
    ),
    Mutant(
        "a trigger's word is not told",
        SQL + "rows/changes.py",
        "                self.restamp(table.label, made_here)\n",
        "                pass\n",
        TRIGGERS + " -k word",
    ),
    Mutant(
        "what else a trigger does is not captured",
        SQL + "rows/changes.py",
        "with self._writing(work, captured=watched):",
        "with self._writing(work, captured=False):",
        TRIGGERS + " -k makes",
    ),
    Mutant(
        "a row that a trigger keeps counts as deleted",
        SQL + "rows/changes.py",
        "                kept += self._read(work, table, names, lock=False)\n",
        "                pass\n",
        TRIGGERS + " -k drops",
    ),
    Mutant(
        "rows that are there are made anew where triggers can see it",
        SQL + "rows/changes.py",
        "forms = _forms(rows, before, ",
        "forms = _forms(rows, (), ",
        TRIGGERS + " -k twice",
    ),
]
