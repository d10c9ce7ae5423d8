"""Bugs in databases whose past changes under their node: restored backups, changed tables, capture that was removed."""

from __future__ import annotations

from planting import Mutant

from node_bugs.places import (
    ANSWERING,
    ASKING,
    HERE,
    NODE,
    PEER,
    RESTORE_TESTS,
    SCHEMA_TESTS,
    SQL,
    UNWATCHED_TESTS,
)

_OTHERS_FIRST = RESTORE_TESTS + " -k reserved"

MUTANTS = [
    Mutant(
        "a node that was set back does not say so",
        ANSWERING,
        "        response.set_back = now if set_back else 0\n",
        "",
        _OTHERS_FIRST,
    ),
    Mutant("no mark is missed", ANSWERING, "set_back = not generation.knows(", "set_back = False and ("),
    Mutant(
        "a node that was set back is not sent everything again",
        PEER,
        "        self.sent, self.own = Cursor(), set()\n",
        "        pass\n",
    ),
    Mutant(
        "a peer's place in another past is believed",
        ANSWERING,
        "state.sent = state.sent.or_before(asked) if set_back else asked",
        "state.sent = asked",
    ),
    Mutant(
        "a node that asks and was set back is taken to have what it made",
        PEER,
        "                self.own = set()\n",
        "                pass\n",
    ),
    Mutant(
        "what was told in another past passes for known",
        ANSWERING,
        "fresh={} if set_back else incoming.fresh",
        "fresh=incoming.fresh",
        RESTORE_TESTS + " -k did_not_see",
    ),
    Mutant(
        "what a node that was set back had seen passes for seen",
        ASKING,
        "            if response.set_back:\n                state.start_over()\n            state.theirs,",
        "            state.theirs,",
        RESTORE_TESTS + " -k did_not_see",
    ),
    Mutant(
        "every mark of a later place is known",
        HERE + "records/marks.py",
        "(mark in self.marks or mark.place < self.since)",
        "(mark in self.marks or mark.place > self.since)",
    ),
    Mutant(
        "another generation knows the marks of the one before",
        HERE + "records/marks.py",
        "mark.generation == generation and (",
        "(",
        "tests/tasks/database/test_marks.py",
    ),
    Mutant(
        "a node does not look beside its database",
        NODE,
        "        if outside is not None and outside.place > self._last_place():\n",
        "        if outside is not None and False:\n",
        RESTORE_TESTS + " -k reserved",
    ),
    Mutant(
        "stamps of another past are given again",
        ANSWERING,
        "            self.node.clock.receive(heard.place)",
        "            pass",
        RESTORE_TESTS + " -k reserved",
    ),
    Mutant(
        "nothing is left beside a database",
        HERE + "storages/beside.py",
        "            new.replace(self.path)\n",
        "            pass\n",
        RESTORE_TESTS + " -k spoilt",
    ),
    Mutant(
        "what is beside a database goes back",
        HERE + "storages/beside.py",
        "        if before is not None and outside.place <= before.place:\n",
        "        if before is not None and False:\n",
        RESTORE_TESTS + " -k before_stamps",
    ),
    Mutant(
        "a file that was replaced is used on",
        SQL + "tables/connection.py",
        'if record.info.get("file") != _identity(name):',
        "if False:",
        RESTORE_TESTS + " -k replaced",
    ),
    Mutant(
        "a run goes on in a database that was replaced",
        ASKING,
        "            stored.received != self.received\n",
        "            False\n",
        "tests/tasks/database/test_marks.py",
    ),
    Mutant(
        "a node that was forgotten passes for one of another past",
        HERE + "storages/generation.py",
        "if mark is not None and node_id in self.forgotten:",
        "if False:",
        RESTORE_TESTS + " -k forgotten",
    ),
    Mutant(
        "columns are read once",
        SQL + "following.py",
        "version, changed = look.version, look.version != self._version",
        "version, changed = look.version, False",
        SCHEMA_TESTS + " -k files",
    ),
    Mutant(
        "new columns are not captured",
        SQL + "following.py",
        "            if capture.outdated(self.database, table):\n",
        "            if False:\n",
        SCHEMA_TESTS + " -k files",
    ),
    Mutant(
        "capture that was removed comes back by itself",
        SQL + "capture/triggers.py",
        "return bool(found) and not any(",
        "return not any(",
        SCHEMA_TESTS + " -k removed",
    ),
    Mutant(
        "edits that nobody captured are not seen",
        SQL + "capture/unwatched.py",
        "before.value IS NOT now.value",
        "false",
        UNWATCHED_TESTS + " -k files",
    ),
    Mutant(
        "edits that nobody captured are forgotten",
        SQL + "capture/triggers.py",
        "        if captured:\n",
        "        if True:\n",
        UNWATCHED_TESTS + " -k twice",
    ),
    Mutant(
        "SQLite takes what came from a peer for an edit",
        SQL + "capture/unwatched.py",
        "                IS (SELECT value FROM json_each(u.stamps) WHERE key = now.key)\n",
        "                IS NOT 0\n",
        UNWATCHED_TESTS + " -k files",
    ),
    Mutant(
        "PostgreSQL takes every field of an edited row for edited",
        SQL + "capture/unwatched.py",
        "before.value IS DISTINCT FROM now.value",
        "true",
        UNWATCHED_TESTS + " -k fields",
    ),
    Mutant(
        "what a peer knows passes for what is here",
        SQL + "capture/unwatched.py",
        "        notice(connection, table)\n        remember(connection, table)\n",
        "        pass\n",
        UNWATCHED_TESTS + " -k files",
    ),
]
