"""What the exit code of `lockstep` says."""

from __future__ import annotations

from enum import IntEnum


class ExitCode(IntEnum):
    """One number for each kind of end; the same in every command."""

    OK = 0
    #: A run failed or was incomplete, or a process of `lockstep up` ended by itself.
    FAILED = 1
    #: The command line, a setting or the definition of a task is wrong.
    USAGE = 2
    #: A guard stopped the run before it wrote anything, or conflicts were left for a person.
    HALTED = 3
    #: The run was not made: its node is busy, its schedule has ended, or its plan was applied or is of no use any more.
    SKIPPED = 4
    #: Redis, the database or a port is not to be had.
    UNAVAILABLE = 5
    #: Nobody runs what is scheduled: no scheduler or no worker lives that was there before, or a task is overdue.
    UNATTENDED = 6
    #: Ctrl-C; in `lockstep up`, which one Ctrl-C ends in order, a second one.
    INTERRUPTED = 130


class CheckCode(IntEnum):
    """What `lockstep status --check` ends with, as Nagios, Icinga and their like read it."""

    OK = 0
    WARNING = 1
    CRITICAL = 2
    UNKNOWN = 3


#: For the end of `lockstep --help`.
EXIT_CODES = (
    "Exit codes: 0 done; 1 a run failed or was incomplete, or a process failed; 2 wrong command line, setting or task; "
    "3 halted by a guard, or conflicts are left; 4 not run, since the node is busy, the schedule has ended or "
    "the plan was applied; "
    "5 Redis, the database or a port cannot be used; 6 nobody runs what is scheduled; 130 interrupted. "
    "`status` ends with the code of the worst that it shows; with --check those of monitoring plugins."
)

#: By the status of a run.
OF_RUN = {
    "succeeded": ExitCode.OK,
    "planned": ExitCode.OK,
    "failed": ExitCode.FAILED,
    "incomplete": ExitCode.FAILED,
    "abandoned": ExitCode.FAILED,
    "halted": ExitCode.HALTED,
    "conflicts": ExitCode.HALTED,
    "skipped": ExitCode.SKIPPED,
    "cancelled": ExitCode.INTERRUPTED,
}
