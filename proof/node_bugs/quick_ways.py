"""Bugs in what is done for many records at once, or found once and told to all that ask."""

from __future__ import annotations

from planting import Mutant

from node_bugs.places import CONTRACT, HERE, RECONCILER, SQL

QUICK_TESTS = "tests/tasks/database/test_quick_ways.py"
NOTES_TESTS = "tests/tasks/database/sql/test_notes.py"
KEPT_TESTS = "tests/tasks/database/sql/test_kept.py"
DIFFERING, RECORD = HERE + "records/differing.py", HERE + "records/record.py"

MUTANTS = [
    Mutant(
        "a field of the same value is the same, whenever it was edited",
        DIFFERING,
        "        if stamps.get(name, 0) != known.get(name, 0)\n        or name not in there\n",
        "        if name not in there\n",
        QUICK_TESTS,
    ),
    Mutant(
        "a field that is not there differs from none",
        DIFFERING,
        "        or name not in there\n        or (value != there[name]",
        "        or (name in there and value != there[name]",
        QUICK_TESTS,
    ),
    Mutant(
        "a value that wins a tie is not told among what changes",
        RECONCILER,
        "                data[name] = theirs_value\n                taken.append(name)\n",
        "                data[name] = theirs_value\n                taken += [name] if theirs > ours else []\n",
        QUICK_TESTS,
    ),
    Mutant(
        "a newer stamp of the same value is not told among what changes",
        RECONCILER,
        "max(theirs, ours)\n                    taken.append(name)\n",
        "max(theirs, ours)\n                    taken += [] if known else [name]\n",
        QUICK_TESTS,
    ),
    Mutant(
        "what a resolver decided is not told among what changes",
        RECONCILER,
        "self._write(local, replace(merged), changed)",
        "self._write(local, replace(merged), changed[:1])",
        QUICK_TESTS,
    ),
    Mutant(
        "the guard looks at the first field alone",
        HERE + "storages/guard.py",
        "in here.data if names is None else names:",
        "in here.data if names is None else names[:1]:",
        QUICK_TESTS,
    ),
    Mutant(
        "stamps that came together may be anything",
        RECORD,
        "{*map(type, numbers)} == _WHOLE_NUMBER and ",
        "",
        QUICK_TESTS,
    ),
    Mutant(
        "stamps that came together may be larger than any",
        RECORD,
        " and max(numbers) <= STAMP_MAX\n    )",
        "\n    )",
        QUICK_TESTS,
    ),
    Mutant(
        "records that came together may have no data",
        RECORD,
        "    if any(one.keys() != _PARTS for one in each):\n",
        '    if any("timestamps" not in one for one in each):\n',
        QUICK_TESTS,
    ),
    Mutant(
        "the text of a record is in its own order",
        RECORD,
        '": ", ", ", True, False, False',
        '": ", ", ", False, False, False',
        QUICK_TESTS,
    ),
    Mutant(
        "the text of a record may hold what is no JSON",
        RECORD,
        '": ", ", ", True, False, False',
        '": ", ", ", True, False, True',
        QUICK_TESTS,
    ),
    Mutant(
        "an array has each text once",
        SQL + "tables/bulk.py",
        "map(texts.__getitem__, listed)",
        "texts.values()",
        NOTES_TESTS,
    ),
    Mutant(
        "a page has the place of another's question",
        SQL + "rows/records.py",
        'values, after = {"stamp": after_key[0], "key": key}, type(key)',
        'values["key"], after = key, type(key)',
        CONTRACT,
    ),
    Mutant(
        "what is made for a table is made for each question",
        SQL + "tables/once.py",
        "found = table.made[key] = make(",
        "found = make(",
        KEPT_TESTS,
    ),
    Mutant(
        "all that was ever made for a table is kept",
        SQL + "tables/once.py",
        "        if found is _NOTHING:\n            if len(table.made) >= KEPT:\n",
        "        if found is _NOTHING:\n            if False:\n",
        KEPT_TESTS,
    ),
    Mutant(
        "each connection has loaders of its own",
        SQL + "values/loading.py",
        "@cache  # the driver forgets no class\n",
        "",
        KEPT_TESTS,
    ),
    Mutant(
        "each engine has a dialect of its own",
        "tasks/server_engine.py",
        "sa.Engine(first.pool.recreate(), first.dialect, first.url, hide_parameters=True)",
        "sa.create_engine(first.url, hide_parameters=True, pool_pre_ping=True, connect_args=given)",
        KEPT_TESTS,
    ),
]
