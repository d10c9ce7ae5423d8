"""Plant bugs in a copy of Notion as a side and see whether its proof finds each of them.

    python proof/notion_mutants.py [NAME ...]

Every mutant is one replacement in `tasks/services/notion`. The tests that are named with it run on the copy and must
fail; on a copy without a bug they must pass.
"""

from __future__ import annotations

import os
import sys

from planting import Ground, Mutant, command, exit_status, plant

TESTS = "tests/tasks/services/notion/"
VALUES, TEXTS = TESTS + "test_round_trips.py", TESTS + "test_formatted_texts.py"
FAULTS, HOURS = TESTS + "test_faults.py", TESTS + "test_soak.py"
RUNS = TESTS + "test_faulty_runs.py"
LISTINGS = TESTS + "test_rows.py"
LOOKS = TESTS + "test_recent_edits.py"
DELETIONS = TESTS + "test_deletions.py"
BODIES = TESTS + "test_bodies.py"
FILES = "tests/tasks/services/notion_markdown/test_files.py"
PROMPT = HOURS + "::test_what_is_typed_crosses_with_the_next_run"

HERE = "tasks/services/notion/"
API, COLUMNS, PAGES, SOURCE, OF_ROWS = (
    f"{HERE}{room}/" for room in ("api", "columns", "pages", "source", "rows")
)
SIDE, KNOWN = HERE + "side.py", SOURCE + "known_columns.py"
CLIENT, ANSWERS, DOWNLOAD = API + "client.py", API + "answers.py", API + "download.py"
PROPERTIES, TEXT, DATES = COLUMNS + "properties.py", COLUMNS + "rich_text.py", COLUMNS + "dates.py"
REFERENCES, FILE_VALUES = COLUMNS + "references.py", COLUMNS + "file_values.py"
PAGE, BODY, CONTENTS = PAGES + "page.py", PAGES + "body.py", PAGES + "contents.py"
ROWS, READING, WRITING = OF_ROWS + "rows.py", OF_ROWS + "reading.py", OF_ROWS + "writing.py"
LISTING, WATERMARK = OF_ROWS + "listing.py", OF_ROWS + "watermark.py"
ROW_FILES, TRANSFERS = OF_ROWS + "files.py", OF_ROWS + "transfers.py"


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
        "a limit of the workspace is taken for one token's",
        CLIENT,
        "        if failure.limit is Limit.WORKSPACE:\n",
        "        if False:\n",
        TESTS + "test_client.py",
    ),
    Mutant(
        "a workspace without room for blocks stops the run",
        ANSWERS,
        "            return Failure(Trouble.FULL,",
        "            return Failure(Trouble.FORBIDDEN,",
        TESTS + "test_client.py",
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
        PAGES + "latest_rows.py",
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
        API + "queries.py",
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
        PAGES + "preconditions.py",
        "        if column.type not in COMPUTED_TYPES\n        and attr",
        "        if attr",
        TESTS + "test_describing.py",
    ),
    Mutant(
        "what a search finds in the trash counts as deleted",
        OF_ROWS + "trash.py",
        "        if raw is not None and _lies_in_trash(raw, source):\n",
        "        if True:\n",
        DELETIONS,
    ),
    Mutant(
        "a row that a lagging query shows is not deleted",
        LISTING,
        "        _but(pages, trashed),\n",
        "        pages,\n",
        DELETIONS,
    ),
    Mutant(
        "a row in the trash is told once and for all",
        OF_ROWS + "trash.py",
        " if now - at >= SETTLED}",
        "}",
        DELETIONS,
    ),
    Mutant(
        "the filter of a view does not name the scope",
        SIDE,
        "        return json.dumps([self._listed_id, self._opened.rows.filter], sort_keys=True)\n",
        "        return json.dumps([self._listed_id, self.filter], sort_keys=True)\n",
        TESTS + "test_scope.py",
    ),
    Mutant(
        "joined filters are nested as deep as they come",
        SOURCE + "filters.py",
        '    return {"or": [{"and": choice} for choice in _alternatives(joined)]}\n',
        "    return joined\n",
        TESTS + "test_filters.py",
    ),
    # -- writes
    Mutant(
        "a row outside of the filter is written unread",
        SIDE,
        "        if self._opened.rows.filter is not None:  # changes",
        "        if False:  # changes",
        RUNS,
    ),
    Mutant(
        "a look at all rows is believed though it lags",
        PAGES + "recent_edits.py",
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
        "            check_unchanged(listed, now, targets, self._reader.columns)\n",
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
    # -- files
    Mutant("nothing planted among files", CLIENT, "", "", f"{FILES} {BODIES}"),
    Mutant(
        "a file is known by all of its address",
        FILE_VALUES,
        "urlsplit(text_of(entry['file']['url'])).path}",
        "text_of(entry['file']['url'])}",
        FILES,
    ),
    Mutant(
        "the bytes of a file of the same name are not looked at",
        ROW_FILES,
        "            if not one.is_known and any(name == one.name for name, _ in missing):\n",
        "            if False:\n",
        FILES,
    ),
    Mutant(
        "the digests that were learned are forgotten",
        CONTENTS,
        "or self._before(page_id, file.place)",
        'or ("", None)',
        FILES,
    ),
    Mutant(
        "what was uploaded is not known again",
        CONTENTS,
        "        self._learned[page_id, place] =",
        "        _ =",
        FILES,
    ),
    Mutant(
        "files that are there are not kept",
        FILE_VALUES,
        "        elif there is not None:\n",
        "        elif False:\n",
        FILES,
    ),
    Mutant(
        "files of any size are fetched",
        DOWNLOAD,
        "        if size > most_bytes:  # not a byte of it is read\n",
        "        most_bytes = 10**12\n        if False:\n",
        FILES,
    ),
    Mutant(
        "the plan's limit is not asked for",
        TRANSFERS,
        "        if size > most:\n",
        "        if False:\n",
        FILES,
    ),
    Mutant(
        "an upload whose answer was lost is given up",
        TRANSFERS,
        "for last in (*[False] * (TRIES - 1), True):",
        "for last in (True,):",
        FILES,
    ),
    Mutant(
        "files are sent in one piece",
        TRANSFERS,
        "        pieces = 1 if size <= ONE_PIECE else -(-size // PIECE)\n",
        "        pieces = 1\n",
        FILES,
    ),
    # -- large contents
    Mutant(
        "a row is made with a large content",
        WRITING,
        '"" if is_large(text) else text)',
        "text)",
        BODIES,
    ),
    Mutant(
        "a large content is not let take its time", BODY, 'new | {"allow_async": True} if', "new if", BODIES
    ),
    Mutant(
        "a write that was accepted counts as done",
        CLIENT,
        "return await self._outcome(failure, request) if later else failure",
        "return {**failure, 'markdown': ''} if later else failure",
        BODIES,
    ),
]


GROUND = Ground(
    parts=(
        "config",
        "sandbox",
        "tasks",
        "worker",
        "tests/tasks/services/notion",
        "tests/tasks/services/notion_markdown",
        "tests/world",
    ),
    ignored=("clients", "test_page_in_browser.py"),
    # Without its own timeouts: a bug may let a test wait for ever.
    arguments=("--timeout", "300"),
    environment={"LOCKSTEP_SOAK_SEEDS": "6"},
)


def main() -> int:
    """Print a line per mutant; 0 when all were found."""
    options = command(__doc__).parse_args()
    return exit_status(plant(MUTANTS, options.names, GROUND, at_once=os.cpu_count() or 2))


if __name__ == "__main__":
    sys.exit(main())
