"""Bugs in what beats what, in what becomes of a record, and in storages that keep no arrivals."""

from __future__ import annotations

from planting import Mutant

from node_bugs.places import ANSWERING, APPLYING, ENGINE, EXCHANGE, HERE, JOINING, NODE, RECONCILER

TIES = HERE + "records/ties.py"
TIES_TESTS = "tests/tasks/database/test_ties.py"
COLUMN_TESTS = "tests/tasks/database/sql/test_columns_later.py"
GUARD, GUARD_TESTS = HERE + "storages/guard.py", "tests/tasks/database/test_guard.py"
STORAGE_TESTS = "tests/tasks/database/test_page_storage.py"
DECISION_TESTS = "tests/tasks/database/test_page_decisions.py"

MUTANTS = [
    Mutant("NULL beats values in a tie", TIES, "0 if value is None else 1 if is_empty(value) else 2", "0"),
    Mutant(
        "NULL beats values in a tie, in a world",
        TIES,
        "0 if value is None else 1 if is_empty(value) else 2",
        "0 if value else 2",
    ),
    Mutant("an empty text beats values in a tie", TIES, "1 if is_empty(value) else 2", "2", TIES_TESTS),
    Mutant(
        "a NULL of before the capture beats a column that came later",
        TIES,
        "    return one == other or not (edited(one) or edited(other))\n",
        "    return one == other\n",
        TIES_TESTS,
    ),
    Mutant(
        "what was never edited beats an edit",
        TIES,
        "    return stamp > UNKNOWN_TIME\n",
        "    return stamp > 0\n",
        TIES_TESTS,
    ),
    Mutant(
        "equal numbers have an order of their own",
        TIES,
        "    if isinstance(value, bool) or (isinstance(value, float) and value.is_integer()):\n",
        "    if isinstance(value, bool):\n",
        TIES_TESTS,
    ),
    Mutant(
        "what nobody wrote is told as lost",
        RECONCILER,
        "            if not is_nothing(here if theirs_wins else there) and (\n",
        "            if (\n",
        TIES_TESTS,
    ),
    Mutant(
        "what was never edited and differs is no conflict",
        RECONCILER,
        "                or tied(ours, theirs)\n",
        "",
        TIES_TESTS,
    ),
    Mutant(
        "what came later replaces what is held in a tie",
        JOINING,
        "                if beats(old, new) or (name not in record.data and old.stamp > new.stamp):\n",
        "                if old.stamp > new.stamp:\n",
        TIES_TESTS,
    ),
    Mutant(
        "a default beats what was filled in before it was captured",
        HERE + "records/ties.py",
        "    return (ours[0], one.stamp, ours[1]) > (theirs[0], other.stamp, theirs[1])\n",
        "    return ours > theirs\n",
        COLUMN_TESTS,
    ),
    Mutant(
        "what was filled in before it was captured is not sent",
        HERE + "sql/capture/triggers.py",
        "    for statement in unseen.fills(connection, table):\n        _run(connection, statement)\n",
        "",
        COLUMN_TESTS,
    ),
    Mutant(
        "a resolver that fails ends the exchange",
        RECONCILER,
        "            except _UndecidedError as error:\n                work.leave(key, error)\n        for ",
        "            except ZeroDivisionError as error:\n                work.leave(key, error)\n        for ",
        DECISION_TESTS,
    ),
    Mutant(
        "what a resolver failed on is forgotten",
        EXCHANGE,
        "            self.hold(label, error.key, error.reason, record=record, stamp=stamp)\n",
        "",
        DECISION_TESTS,
    ),
    Mutant(
        "excluded fields are taken where both nodes have the record",
        RECONCILER,
        "        remote = self._without_excluded(remote)\n",
        "",
        DECISION_TESTS,
    ),
    Mutant(
        "a resolver names the excluded fields that only the peer has",
        HERE + "records/conflict.py",
        "        if name in exclude:\n            continue\n",
        "        if name in exclude and name in local.data:\n            continue\n",
        DECISION_TESTS,
    ),
    Mutant(
        "what is in conflict is told as applied too",
        RECONCILER,
        "            self.result.conflict_keys.append(key)\n        elif local_news",
        "            self.result.conflict_keys.append(key)\n            self.result.applied_keys.add(key)\n"
        "        elif local_news",
        DECISION_TESTS,
    ),
    Mutant(
        "new records are told as created by the node that asked",
        ENGINE,
        "            result.settle(asking=True)\n",
        "",
        DECISION_TESTS,
    ),
    Mutant(
        "fields without an arrival came when they were edited",
        HERE + "records/record.py",
        "        return self.arrivals.get(WHOLE, self.received_at)\n",
        "        return self.arrivals.get(WHOLE, 0)\n",
    ),
    Mutant(
        "it is not noted when single fields came to a storage of the page",
        HERE + "storages/plain.py",
        "        if changed:\n",
        "        if False:\n",
        STORAGE_TESTS,
    ),
    Mutant(
        "a change moves all fields of a record that has no arrivals",
        HERE + "records/record.py",
        "{WHOLE: self.whole_arrival, **self.arrivals,",
        "{**self.arrivals,",
        STORAGE_TESTS,
    ),
    Mutant(
        "a storage of the page keeps what it was to delete, and nobody notices",
        HERE + "storages/plain.py",
        "        if late:\n",
        "        if False:\n",
    ),
    Mutant(
        "a run that deletes a mass of rows is not halted",
        GUARD,
        '        self._add(Kind(label, "delete"), Lost(here.key, here.data, None))\n',
        "        pass\n",
        GUARD_TESTS,
    ),
    Mutant(
        "filling what was empty counts as a loss",
        GUARD,
        "            if old is new or is_empty(old) or same(old, new):\n",
        "            if old is new or same(old, new):\n",
        GUARD_TESTS,
    ),
    Mutant(
        "the first pages of a mass are written",
        GUARD,
        "        if more and not self.looked and any(self._found.values()):\n",
        "        if False:\n",
        GUARD_TESTS,
    ),
    Mutant(
        "what grows from allowed to too much is not asked again",
        GUARD,
        "if n != self._allowed.get(kind)}",
        "if kind not in self._allowed}",
        GUARD_TESTS,
    ),
    Mutant(
        "each page that is pushed is counted by itself",
        ANSWERING,
        "(toll.counts(), toll.through) if incoming.has_more else ({}, False)",
        "({}, False)",
        GUARD_TESTS,
    ),
    Mutant(
        "what was let through once is let through for ever",
        ANSWERING,
        "(toll.counts(), toll.through) if incoming.has_more else ({}, False)",
        "(toll.counts(), toll.through)",
        GUARD_TESTS,
    ),
    Mutant(
        "what is held counts with every exchange",
        APPLYING,
        "            work.toll.written(applied.problems)\n",
        "            work.toll.written(())\n",
        GUARD_TESTS,
    ),
    Mutant(
        "a full comparison is not watched",
        HERE + "engine/full_compare.py",
        "        toll.check(node.node_id, storage, more=False)\n",
        "",
        GUARD_TESTS,
    ),
    Mutant(
        "other rows are taken for the plan that was let through",
        GUARD,
        '            f"{sum(self._found[kind].values()) % 2**128:032x}",\n',
        '            "",\n',
        GUARD_TESTS,
    ),
    Mutant(
        "what is undone takes the clock's bound with it",
        NODE,
        "        except Exception:\n            self.clock.keep_reserved()\n            raise\n",
        "        except ZeroDivisionError:\n            raise\n",
        "tests/tasks/database/test_clock_bound.py",
    ),
]
