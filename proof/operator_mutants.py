"""Plant bugs in what operators rely on (schedule, pauses, alarms, doctor, init, mending) and see whether tests find them.

python proof/operator_mutants.py [NAME ...]

The tests are the quick ones that the suite has; each bug names those that must find it.
"""

# The texts are those of the code.
# ruff: noqa: E501

from __future__ import annotations

import os
import sys
from collections.abc import Sequence

from planting import Ground, Mutant, command, exit_status, plant

CRON, QUIET, TURNS = (f"tasks/schedule/{name}.py" for name in ("cron", "quiet", "turns"))
DEFINED, ENTRY, ORDERS = (f"worker/schedule/{name}.py" for name in ("defined", "sync_entry", "orders"))
PAUSES = "worker/store/tables/pauses.py"
COURSE, JUDGING, LEDGER = (f"worker/alarms/{name}.py" for name in ("course", "judging", "ledger"))
CHECKS = "worker/cli/doctor/checks"
JOURNAL, RESTORED, RUN = "worker/store/journal.py", "worker/session/restored.py", "worker/session/run.py"
TOML, FILES = (f"worker/cli/setup/{name}.py" for name in ("toml_text", "task_files"))
WRITTEN = "worker/cli/written.py"
UNLOCK, RESET, FORGETTING = (
    "worker/cli/keeping/unlock.py",
    "worker/cli/keeping/reset.py",
    "worker/store/forgetting.py",
)

#: The tests that are quick enough, by what they are about.
_TURNS = "tests/tasks/schedule/test_turns.py"
OF_TURNS = " ".join(
    f"{_TURNS}::test_{name}"
    for name in (
        "a_delay_is_that_of_task_and_turn_alone",
        "times_on_days_when_clocks_are_set",
        "quiet_hours_that_end_when_clocks_are_set",
        "times_of_the_calendar_are_those_of_a_clock_on_the_wall",
        "nothing_is_due_in_quiet_hours",
    )
)
OF_TIMES = "tests/worker/schedule/test_times.py"
OF_PAUSES = "tests/worker/store/test_orders.py tests/worker/session/test_pauses.py"
OF_COURSE = "tests/worker/alarms/test_course.py"
OF_JUDGING = "tests/worker/alarms/test_judging.py"
OF_TELLING = "tests/worker/alarms/test_telling.py"
OF_DOCTOR = "tests/worker/cli/doctor/test_checks.py tests/worker/cli/doctor/test_redis.py"
OF_TOML = "tests/worker/cli/setup/test_toml_text.py"
OF_INIT = " ".join(
    f"tests/worker/cli/setup/test_init.py::test_{name}"
    for name in (
        "a_disk_that_is_full_leaves_all_files",
        "a_name_that_is_taken_is_told_and_a_file_with_a_mistake_is_left",
        "a_folder_of_notes_and_the_first_run",
    )
)
OF_MENDS = "tests/worker/cli/everyday/test_mends.py"
OF_COMMANDS = "tests/worker/cli/schedule/test_schedule.py"
OF_COPIES = (
    "tests/worker/session/test_restored.py tests/worker/session/test_restored_anywhere.py "
    "tests/worker/store/test_journal.py tests/worker/session/test_node_runs.py"
)
#: Each of them must pass where nothing is planted.
SUITES = {
    "turns": OF_TURNS,
    "times": OF_TIMES,
    "pauses": OF_PAUSES,
    "course": OF_COURSE,
    "judging": OF_JUDGING,
    "telling": OF_TELLING,
    "doctor": OF_DOCTOR,
    "toml": OF_TOML,
    "init": OF_INIT,
    "mends": OF_MENDS,
    "commands": OF_COMMANDS,
    "copies": OF_COPIES,
}

MUTANTS = [
    *(Mutant(f"nothing planted: {name}", CRON, "", "", suite) for name, suite in SUITES.items()),
    # -- schedules
    Mutant(
        "times of the calendar are those of UTC",
        CRON,
        "CronSim(self.expression, moment.astimezone(self.zone))",
        "CronSim(self.expression, moment.astimezone(UTC))",
        OF_TURNS,
    ),
    Mutant(
        "a time that the clock shows twice comes twice",
        CRON,
        "            if (found := time.astimezone(UTC)) > moment:\n",
        "            if found := time.astimezone(UTC):\n",
        OF_TURNS,
    ),
    Mutant(
        "quiet hours are those of UTC",
        QUIET,
        "        wall = moment.astimezone(self.zone)\n        return self._has",
        "        wall = moment.astimezone(UTC)\n        return self._has",
        OF_TURNS,
    ),
    Mutant(
        "quiet hours past midnight belong to the day on which they end",
        QUIET,
        "            (day - 1) % 7 in self.days and minute < self.end\n",
        "            day in self.days and minute < self.end\n",
        OF_TURNS,
    ),
    Mutant(
        "the minute at which quiet hours end is quiet",
        QUIET,
        "self.begin <= minute < self.end",
        "self.begin <= minute <= self.end",
        OF_TURNS,
    ),
    Mutant(
        "quiet hours end at a time that the clock leaves out",
        QUIET,
        "        if shown == asked:\n",
        "        if True:\n",
        OF_TURNS,
    ),
    Mutant(
        "the delay of a task is the same each time",
        TURNS,
        'sha256(f"{name}\\0{nominal.timestamp():.3f}".encode())',
        'sha256(f"{name}".encode())',
        OF_TURNS,
    ),
    Mutant(
        "the delay of all tasks is the same",
        TURNS,
        'sha256(f"{name}\\0{nominal.timestamp():.3f}".encode())',
        'sha256(f"{nominal.timestamp():.3f}".encode())',
        OF_TURNS,
    ),
    Mutant(
        "a delay is longer than jitter says",
        TURNS,
        "(int.from_bytes(digest[:6]) / 2**48)",
        "(int.from_bytes(digest[:6]) / 2**46)",
        OF_TURNS,
    ),
    Mutant(
        "a turn that was missed is made up for whatever catch_up says",
        TURNS,
        "            return Turn(at, at + MISSED if skips else None)\n",
        "            return Turn(at)\n",
        OF_TURNS,
    ),
    Mutant(
        "what falls into quiet hours comes at their end whatever catch_up says",
        TURNS,
        "        if not skips:\n",
        "        if True:\n",
        OF_TURNS,
    ),
    Mutant(
        "at the end of quiet hours all begin at once",
        TURNS,
        "                at = quiet.end(at) + delay\n",
        "                at = quiet.end(at)\n",
        OF_TURNS,
    ),
    Mutant(
        "a schedule that never runs is taken without a word",
        TURNS,
        '    if schedule.recurs and next_turn(schedule, _ANY, "") is None:\n',
        "    if False:\n",
        "tests/tasks/schedule/test_schedule.py",
    ),
    Mutant(
        "a first run does not mind quiet hours",
        ENTRY,
        "        return now if quiet is None else max(now, quiet.end(_moment(now)).timestamp())\n",
        "        return now\n",
        OF_TIMES,
    ),
    Mutant(
        "beat does not take over times that a person sets",
        DEFINED,
        "            if plan is not None:\n",
        "            if False:\n",
        OF_TIMES,
    ),
    Mutant(
        "beat starts what is paused",
        ORDERS,
        "        return task in self._pauses\n",
        "        return False\n",
        OF_TIMES,
    ),
    Mutant(
        "a pause is seen by a beat only when it is started",
        ORDERS,
        "        if self._looked is not None and now - self._looked <= older_than:\n",
        "        if self._looked is not None:\n",
        OF_TIMES,
    ),
    # -- pauses
    Mutant(
        "a pause does not end by itself",
        PAUSES,
        '(row["until"] is None or now < row["until"])',
        "True",
        OF_PAUSES,
    ),
    Mutant(
        "failures from before a task was resumed count",
        PAUSES,
        '                query = query.where(run.started_at > (known["ended_at"] or known["until"]))\n',
        "                pass\n",
        OF_PAUSES,
    ),
    Mutant(
        "a task is paused before it has failed so often",
        PAUSES,
        "            if len(last) < limit or any(status not in FAILURES for status, _ in last):\n",
        "            if any(status not in FAILURES for status, _ in last):\n",
        OF_PAUSES,
    ),
    Mutant(
        "a success between failures does not count",
        PAUSES,
        "            if len(last) < limit or any(status not in FAILURES for status, _ in last):\n",
        "            if len(last) < limit:\n",
        OF_PAUSES,
    ),
    Mutant(
        "resume leaves the pause as it is",
        PAUSES,
        "            connection.execute(update(schema.pause).where(row.task == task).values(ended_at=now))\n",
        "            connection.execute(update(schema.pause).where(row.task == '').values(ended_at=now))\n",
        f"{OF_PAUSES} {OF_COMMANDS}",
    ),
    # -- alarms
    Mutant(
        "an alert is told at each look",
        COURSE,
        "        told = Stage.AGAIN if now - alert.told_at >= AGAIN else None\n",
        "        told = Stage.AGAIN\n",
        OF_COURSE,
    ),
    Mutant(
        "an alert that lasts is never told again",
        COURSE,
        "        told = Stage.AGAIN if now - alert.told_at >= AGAIN else None\n",
        "        told = None\n",
        OF_COURSE,
    ),
    Mutant(
        "that an alert is over is told to nobody",
        COURSE,
        "        elif now - alert.seen_at >= _hold(alert.alarm.kind):\n",
        "        elif False:\n",
        OF_COURSE,
    ),
    Mutant(
        "what goes back and forth is told each time",
        COURSE,
        "        elif now - alert.seen_at >= _hold(alert.alarm.kind):\n",
        "        else:\n",
        OF_COURSE,
    ),
    Mutant(
        "an alert is over while nobody knows",
        COURSE,
        "        elif alert.alarm.kind in judged.unknown:\n",
        "        elif False:\n",
        OF_COURSE,
    ),
    Mutant(
        "what lasted while nobody looked is told as if it had been seen",
        COURSE,
        "        if now - alert.seen_at > GAP:\n",
        "        if False:\n",
        OF_COURSE,
    ),
    Mutant(
        "a paused task is an alert",
        JUDGING,
        "        if row.standing.pause is None:  # else nothing is expected of it\n",
        "        if True:\n",
        OF_JUDGING,
    ),
    Mutant(
        "a task that stands still is silent for as long as it says why",
        JUDGING,
        "    if explained and ended is not None and came_to_its_end(ended):\n        since = ended.started_at",
        "    if explained and ended is not None:\n        since = facts.now",
        OF_JUDGING,
    ),
    Mutant(
        "where nobody runs anything, each task is told as well",
        JUDGING,
        "        if away or facts.refusal:\n",
        "        if False:\n",
        OF_JUDGING,
    ),
    Mutant(
        "a token that expires tomorrow is a matter of two weeks",
        JUDGING,
        "            Severity.CRITICAL if left <= SOON else Severity.WARNING,\n",
        "            Severity.WARNING,\n",
        OF_JUDGING,
    ),
    Mutant(
        "two processes send the same message",
        LEDGER,
        '                    changes = {"attempts": row.attempts + 1, "next_try": now + CLAIMED}\n',
        '                    changes = {"attempts": row.attempts + 1, "next_try": now}\n',
        OF_TELLING,
    ),
    Mutant(
        "what was not sent before it was over is sent after it",
        LEDGER,
        "    connection.execute(update(schema.alert_message).where(waiting).values(**_SUPERSEDED))\n",
        "    waiting\n",
        OF_TELLING,
    ),
    Mutant(
        "a message that cannot be sent is tried for ever",
        LEDGER,
        "                again = None if message.attempts + 1 >= ATTEMPTS else now + pause\n",
        "                again = now + pause\n",
        OF_TELLING,
    ),
    # -- doctor
    Mutant(
        "a replica passes for a Redis that takes writes",
        f"{CHECKS}/redis.py",
        '    if facts.role == "slave":\n',
        "    if False:\n",
        OF_DOCTOR,
    ),
    Mutant(
        "a Redis that throws locks away is only a warning",
        f"{CHECKS}/redis.py",
        "    elif facts.limit:\n",
        "    elif False:\n",
        OF_DOCTOR,
    ),
    Mutant(
        "a group may read secrets",
        f"{CHECKS}/files.py",
        "        if file.secret and file.mode & 0o077:\n",
        "        if file.secret and file.mode & 0o007:\n",
        OF_DOCTOR,
    ),
    Mutant(
        "tables of a newer version are taken for older ones",
        f"{CHECKS}/database.py",
        "    if facts.version < facts.newest:\n",
        "    if facts.version != facts.newest:\n",
        OF_DOCTOR,
    ),
    Mutant(
        "a login that has expired is said to be good",
        f"{CHECKS}/tasks.py",
        "    if expires <= now:\n",
        "    if False:\n",
        OF_DOCTOR,
    ),
    Mutant(
        "a clock that is behind is said to be right",
        f"{CHECKS}/tasks.py",
        "        if abs(skew) < SKEW:\n",
        "        if skew < SKEW:\n",
        OF_DOCTOR,
    ),
    # -- init
    Mutant(
        "init changes the ends of lines of a file that it adds to",
        TOML,
        '    block = _block(table, remarks).replace("\\n", end)\n',
        "    block = _block(table, remarks)\n",
        OF_TOML,
    ),
    Mutant(
        "init leaves a file that means something else",
        TOML,
        "    if not same:\n",
        "    if False:\n",
        OF_TOML,
    ),
    Mutant(
        "others may read the .env that init writes",
        WRITTEN,
        "            made.chmod(FILE_MODE)\n",
        "            made.chmod(0o644)\n",
        OF_INIT,
    ),
    Mutant(
        "a disk that is full leaves half of what init writes",
        WRITTEN,
        "            fresh.append((_beside(target, file), target))\n",
        "            fresh.append((_beside(target, file), target))\n            fresh.pop()[0].replace(target)\n",
        OF_INIT,
    ),
    Mutant(
        "init forgets the variables that .env has",
        FILES,
        "    env = _text(DOTENV_FILE)\n",
        '    env = ""\n',
        OF_INIT,
    ),
    # -- mending
    Mutant(
        "unlock takes a node from a session that lives",
        UNLOCK,
        "        if holder.live and not force:\n",
        "        if False:\n",
        OF_MENDS,
    ),
    Mutant(
        "unlock says that it is done where nothing was released",
        UNLOCK,
        '        if not locks.release(mine, ABANDONED, json.dumps({"reason": "unlocked by a person"})):\n',
        "        if not mine:\n",
        OF_MENDS,
    ),
    Mutant(
        "reset does not ask",
        RESET,
        "        if not yes and not _agreed(name, kept):\n",
        "        if False:\n",
        OF_MENDS,
    ),
    Mutant(
        "reset leaves what was remembered besides the links",
        FORGETTING,
        "        for table in _FORGOTTEN:\n            connection",
        "        for table in _FORGOTTEN[:1]:\n            connection",
        OF_MENDS,
    ),
    Mutant(
        "reset goes on beside a run",
        FORGETTING,
        "        take_fence(connection, task, fence)\n",
        "",
        OF_MENDS,
    ),
    # -- older copies of the database
    Mutant(
        "what is remembered besides links is not noted",
        JOURNAL,
        "counts=bool(forget) or self._is_news(memory)",
        "counts=False",
        OF_COPIES,
    ),
    Mutant(
        "what is kept of writes is not noted",
        JOURNAL,
        "        if any(part.counts for part in parts):\n            self._before()\n",
        "",
        OF_COPIES,
    ),
    Mutant(
        "each idle run is noted",
        JOURNAL,
        "        if any(part.counts for part in parts):\n",
        "        if parts:\n",
        OF_COPIES,
    ),
    Mutant(
        "the end of a run that wrote is not noted",
        RESTORED,
        "        if self.begun:\n            self.marks.keep(self.task, self.fence, ended=True)\n",
        "        return\n",
        OF_COPIES,
    ),
    Mutant(
        "a task that only ran is not known",
        RUN,
        "        if not self.reached:  # from",
        "        if False:  # from",
        OF_COPIES,
    ),
]

#: The first example that fails is enough: nobody reads a smaller one.
AT_ONCE = """
from hypothesis import Phase, settings
settings.register_profile("planted", phases=(Phase.explicit, Phase.generate))
settings.load_profile("planted")
"""

GROUND = Ground(
    parts=("config", "tasks", "worker", "sandbox", "docs", "examples", "tests", "bench"),
    arguments=("--hypothesis-seed=1",),
    conftest=AT_ONCE,
)


def main(arguments: Sequence[str] | None = None) -> int:
    """Print a line per mutant; 0 when all were found."""
    options = command(__doc__).parse_args(arguments)
    return exit_status(plant(MUTANTS, options.names, GROUND, at_once=os.cpu_count() or 2))


if __name__ == "__main__":
    sys.exit(main())
