"""Plant bugs in a copy of Notion as a side and see whether its proof finds each of them.

    python proof/notion_mutants.py [NAME ...]

Every mutant is one replacement in `tasks/services/notion`. The tests that are named with it run on the copy and must
fail; on a copy without a bug they must pass.
"""

from __future__ import annotations

import argparse
import os
import sys

from planting import Ground, Mutant, plant

TESTS = "tests/tasks/services/notion/"
VALUES, TEXTS = TESTS + "test_round_trips.py", TESTS + "test_formatted_texts.py"
FAULTS, HOURS = TESTS + "test_faults.py", TESTS + "test_soak.py"
RUNS = TESTS + "test_faulty_runs.py"
LISTINGS = TESTS + "test_rows.py"
LOOKS = TESTS + "test_recent_edits.py"
PROMPT = HOURS + "::test_what_is_typed_crosses_with_the_next_run"

HERE = "tasks/services/notion/"
CLIENT, SIDE, ROWS, PAGE = HERE + "client.py", HERE + "side.py", HERE + "rows.py", HERE + "page.py"
READING, WRITING, KNOWN = HERE + "reading.py", HERE + "writing.py", HERE + "known_columns.py"
PROPERTIES, TEXT, WATERMARK = HERE + "properties.py", HERE + "rich_text.py", HERE + "watermark.py"
ANSWERS, DATES, REFERENCES = HERE + "answers.py", HERE + "dates.py", HERE + "references.py"


MUTANTS = [
    Mutant("nothing planted", CLIENT, "", "", f"{VALUES} {TEXTS} {FAULTS} {RUNS} {HOURS}"),
    # -- values
    Mutant(
        "long relations are taken as shown",
        PAGE,
        "    if value.get(WHOLE) or not isinstance(held, list):\n",
        "    if True:\n",
        VALUES,
    ),
    Mutant(
        "the items of a long value end with their first page",
        ROWS,
        '            if not answer.get("has_more"):\n                return items\n',
        "            return items\n",
        f"{TEXTS} {VALUES}",
    ),
    Mutant("a sign of two units counts as one", TEXT, "        units = 2 if", "        units = 1 if", VALUES),
    Mutant(
        "texts of any length are sent",
        PROPERTIES,
        "    if len(runs) > rich_text.MOST_RUNS:\n",
        "    if False:\n",
        VALUES,
    ),
    Mutant("seconds are sent and expected back", DATES, ".replace(second=0, microsecond=0)", "", VALUES),
    Mutant(
        "whole numbers beyond 2^53 are taken by their digits",
        PROPERTIES,
        "    return float(held) if isinstance(held, int) and abs(held) > MOST_EXACT else held\n",
        "    return held\n",
        VALUES,
    ),
    Mutant("options with commas are sent", PROPERTIES, '    if "," in name:\n', "    if False:\n", VALUES),
    Mutant(
        "ids are compared as they were typed",
        REFERENCES,
        "        return str(UUID(text))\n",
        "        return str(UUID(text)) and text\n",
        VALUES,
    ),
    Mutant(
        "all columns are written, not the changed ones",
        WRITING,
        '            return {"properties": properties} if properties else Settled({})\n',
        "            rest = {self._synced(a): v for a, v in now.values.items() if a not in changes}\n"
        '            return {"properties": properties | {c.id: encode(c, v) for c, v in rest.items()}}\n',
        TEXTS,
    ),
    Mutant(
        "what holds its value already is written again",
        WRITING,
        "                if not same(now.values[attr], targets[attr]):\n",
        "                if True:\n",
        VALUES,
    ),
    # -- requests
    Mutant(
        "a create without an answer is sent again",
        CLIENT,
        "    Effect.CREATE: {Trouble.LIMITED, Trouble.CONFLICT, Trouble.UNSENT},\n",
        "    Effect.CREATE: {Trouble.LIMITED, Trouble.CONFLICT, Trouble.UNSENT, Trouble.UNANSWERED},\n",
        FAULTS,
    ),
    Mutant(
        "an overrun create is sent again",
        CLIENT,
        "    Effect.CREATE: {Trouble.LIMITED, Trouble.CONFLICT, Trouble.UNSENT},\n",
        "    Effect.CREATE: {Trouble.LIMITED, Trouble.CONFLICT, Trouble.UNSENT, Trouble.OVERLOADED},\n",
        FAULTS,
    ),
    Mutant(
        "queries are not sent again after an error",
        CLIENT,
        "    Effect.READ: {Trouble.LIMITED, Trouble.OVERLOADED, Trouble.CONFLICT, Trouble.UNSENT, Trouble",
        "    Effect.READ: {Trouble.LIMITED, Trouble.OVERLOADED, Trouble.CONFLICT, Trouble.UNSENT} - {Trouble",
        FAULTS,
    ),
    Mutant(
        "a conflict is final",
        ANSWERS,
        "            return Failure(Trouble.CONFLICT,",
        "            return Failure(Trouble.REFUSED,",
        FAULTS,
    ),
    Mutant(
        "529 is no reason to pause",
        ANSWERS,
        "            return Failure(Trouble.OVERLOADED,",
        "            return Failure(Trouble.UNANSWERED,",
        FAULTS,
    ),
    Mutant(
        "Retry-After is cut at a minute",
        CLIENT,
        "        seconds = min(asked, LONGEST_PAUSE)\n",
        "        seconds = min(asked, 60.0)\n",
        FAULTS,
    ),
    Mutant(
        "without Retry-After there is no pause",
        CLIENT,
        "        asked = self._default_pause if failure.retry_after is None else failure.retry_after\n",
        "        asked = failure.retry_after or 0.0\n",
        FAULTS,
    ),
    Mutant(
        "a pause is for whoever was refused only",
        CLIENT,
        "        await self._throttle.pause(seconds)\n",
        "        await asyncio.sleep(seconds if self._throttle is None else 0)\n",
        FAULTS,
    ),
    Mutant(
        "a write is repeated without another look",
        CLIENT,
        "            body = await request.body() if callable(request.body) else request.body\n",
        "            body = locals().get('body') or (\n"
        "                await request.body() if callable(request.body) else request.body\n            )\n",
        FAULTS,
    ),
    Mutant(
        "a row is made again before queries show it",
        SIDE,
        "            self.settling = timedelta(seconds=get_settings().notion_lag_seconds)\n",
        "            pass\n",
        RUNS,
    ),
    Mutant(
        "a listing that lags takes back what was written",
        HERE + "latest_rows.py",
        " and _digest(listed) != seen.values\n",
        " and False\n",
        RUNS,
    ),
    Mutant(
        "a listing that lags brings back what was deleted",
        WRITING,
        "        self._reader.note_trashed(page.id)\n",
        "",
        RUNS,
    ),
    Mutant(
        "what was written is forgotten while a long listing goes on",
        READING,
        "        pages: list[Page] = []\n        unreadable:",
        "        self.forget()\n        pages: list[Page] = []\n        unreadable:",
        RUNS,
    ),
    Mutant(
        "a row that had its value already is not remembered",
        WRITING,
        "                self._reader.note(now)\n",
        "                pass\n",
        RUNS,
    ),
    # -- listings
    Mutant(
        "a row that is not found counts as deleted",
        ROWS,
        "error.status\n            )\n            return False\n",
        "error.status\n            )\n            return True\n",
        RUNS,
    ),
    Mutant(
        "a row that left the filter counts as deleted",
        ROWS,
        "            if not is_trashed(row):\n                return False\n",
        "",
        LISTINGS,
    ),
    Mutant(
        "a row that went into the trash with its data source counts as deleted",
        ROWS,
        "            return not is_trashed(raw)\n",
        "            return True\n",
        TESTS + "test_side.py",
    ),
    Mutant(
        "request_status is ignored",
        HERE + "queries.py",
        '    if status.get("type", "complete") == "complete":\n',
        "    if True:\n",
        HOURS,
    ),
    Mutant(
        "a refused cursor ends the listing",
        ROWS,
        "                    walk.lost_cursor = True\n",
        "                    pass\n",
        LISTINGS,
    ),
    Mutant(
        "changes begin after the newest minute seen",
        WATERMARK,
        "        since = max(_FIRST, _minute(newest - OVERLAP - timedelta(seconds=seconds)))\n",
        "        since = _minute(newest) + timedelta(minutes=1)\n",
        PROMPT,
    ),
    Mutant(
        "a minute counts as settled at once",
        WATERMARK,
        "SETTLED = 300.0\n",
        "SETTLED = 0.0\n",
        PROMPT,
    ),
    Mutant(
        "a renamed option is not looked for",
        WATERMARK,
        "        if any((options or {}).get(option) != name for option, name in known.items()):\n",
        "        if False:\n",
        PROMPT,
    ),
    Mutant(
        "columns are known by their names",
        KNOWN,
        "        return self._known if self._source == schema.id else {}\n",
        "        return {}\n",
        HOURS,
    ),
    Mutant(
        "a column that is gone is not described",
        KNOWN,
        "                column = before.as_column()\n",
        "                column = None\n",
        TESTS + "test_describing.py",
    ),
    Mutant(
        "what Notion computes counts as somebody's edit",
        HERE + "preconditions.py",
        "        if columns[attr].type not in COMPUTED_TYPES\n        and not same",
        "        if not same",
        TESTS + "test_describing.py",
    ),
    # -- writes
    Mutant(
        "a row outside of the filter is written unread",
        SIDE,
        "        if self.filter is not None:  # changes",
        "        if False:  # changes",
        RUNS,
    ),
    Mutant(
        "a look at all rows is believed though it lags",
        HERE + "recent_edits.py",
        "        if found is None or not all(",
        "        if found is None or None in (",
        LOOKS,
    ),
    Mutant(
        "a look at all rows counts for a minute",
        SIDE,
        "timedelta(seconds=2)",
        "timedelta(seconds=60)",
        RUNS,
    ),
    Mutant(
        "an edit since the listing is overwritten",
        WRITING,
        "            check_unchanged(page, now, targets, self._reader.columns)\n",
        "",
        HOURS,
    ),
    Mutant(
        "a row that was edited since the listing is deleted",
        WRITING,
        "            check_unchanged(page, await self._reader.again(raw, page), {}, self._reader.columns)\n",
        "",
        HOURS,
    ),
]


GROUND = Ground(
    parts=("config", "sandbox", "tasks", "worker", "tests/tasks/services/notion", "tests/world"),
    ignored=("clients", "test_page_in_browser.py"),
    # Without its own timeouts: a bug may let a test wait for ever.
    arguments=("--timeout", "300"),
    environment={"LOCKSTEP_SOAK_SEEDS": "6"},
)


def main() -> int:
    """Print a line per mutant; 0 when all were found."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("names", nargs="*", help="mutants whose names contain one of these")
    options = parser.parse_args()
    outcomes = plant(MUTANTS, options.names, GROUND, at_once=os.cpu_count() or 2)
    return 0 if all(outcome.right for outcome in outcomes) else 1


if __name__ == "__main__":
    sys.exit(main())
