"""How `lockstep status` looks: who is there, a table of the tasks, and what is not as it should be."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta

from rich.console import Group, RenderableType
from rich.text import Text

from worker.alarms.course import Alert
from worker.cli.context import HOW_TO_DEFINE
from worker.rate_limit import BudgetUse
from worker.session.pruning import in_words
from worker.signs import Sign, Signs
from worker.standing import InRedis, State, Status, TaskRow
from worker.store import RunRecord
from worker.telling.exit_codes import CheckCode, ExitCode
from worker.telling.numbers import some
from worker.telling.screen import STYLES, console, duration, moment, near_moment, printable
from worker.telling.spans import rough
from worker.telling.tables import Rows, table

#: Workers that are named; more of them are counted.
NAMED = 6
#: For how long it is shown that a task held a worker's event loop.
HOLDS_SHOWN = timedelta(days=1)
#: Troubles that a line for monitoring names; more of them are counted.
TOLD = 5

COLUMNS = (
    "Task",
    "Schedule",
    "State",
    "Lag",
    "Last run",
    "Next run",
    "Running now",
    "Runs",
    "Links",
    "Conflicts",
    "Held",
)

#: Colours of states that no status of a run has.
_STATES = {State.SYNCED: "green", State.LATE: "red", State.PAUSED: "yellow"}


def show(found: Status, alerts: Sequence[Alert] = ()) -> None:
    """Print all of it."""
    _say(*_unknown(found), stderr=True)
    for place, part in enumerate(_parts(found, alerts)):
        if place:
            console().print()
        if isinstance(part, Rows):
            console().print(part)
        else:
            _say(*part)


def drawn(found: Status, alerts: Sequence[Alert] = ()) -> RenderableType:
    """All of it as one picture, which can be drawn anew."""
    lines: list[RenderableType] = [Text(printable(line), style="red") for line in _unknown(found)]
    for part in _parts(found, alerts):
        if lines:
            lines.append(Text())
        lines += [part] if isinstance(part, Rows) else [Text(printable(line)) for line in part]
    return Group(*lines)


def _unknown(found: Status) -> list[str]:
    """Why not all is known."""
    told = [text for text in (found.present.trouble, found.refusal, found.broker) if text is not None]
    return [text[0].upper() + text[1:] for text in told]


def _parts(found: Status, alerts: Sequence[Alert]) -> list[list[str] | Rows]:
    told = [f"Alert since {moment(each.began_at)}: {each.alarm.text} {each.alarm.mend}." for each in alerts]
    rows = [_table([_cells(row) for row in found.rows])] if found.rows else []
    parts: list[list[str] | Rows] = [list(_who_at_each(found)), *rows, list(_below(found)), told]
    return [part for part in parts if part]


def _below(found: Status) -> Iterator[str]:
    """What is said below the table."""
    if not found.rows and not any(trouble.code is ExitCode.USAGE for trouble in found.troubles):
        yield f"No task is defined: {HOW_TO_DEFINE}."
    for text, names in _by_text(found.differences).items():
        yield f"{', '.join(names)}: {text}"
    for row in found.rows:
        if row.standing.pause is not None and not row.standing.pause.by_itself:
            yield f"{row.standing.name}: {row.standing.pause}"
        if row.last and row.last.reason:
            # What cron or a monitor reads goes further than a screen: there ids stay ids.
            reason = row.last.told().reason if console().is_terminal else row.last.reason
            yield f"{row.standing.name}: {reason}"
    for trouble in found.troubles:
        if trouble.code in {ExitCode.UNATTENDED, ExitCode.USAGE}:
            yield trouble.text
    yield from _gone(found.gone)
    if found.pruned is not None:
        yield _of_pruning(found.pruned)
    for budget in found.present.budgets:
        yield of_budget(budget)
    if found.overbooked is not None:
        yield str(found.overbooked)
    for held in found.present.holds:
        if held.at > datetime.now(UTC) - HOLDS_SHOWN:
            yield str(held)


def _table(rows: list[Sequence[str | Text]]) -> Rows:
    """Without the columns in which nothing stands, so that it fits where there is little to tell."""
    kept = [place for place in range(len(COLUMNS)) if any(str(row[place]) != "-" for row in rows)]
    return table(
        [COLUMNS[place] for place in kept],
        [[row[place] for place in kept] for row in rows],
        folded=("Task", "Running now"),
        spare=("Runs",),
    )


def _by_text(differences: Sequence[tuple[str, str]]) -> dict[str, list[str]]:
    """The tasks of each sentence."""
    found: dict[str, list[str]] = {}
    for name, text in differences:
        found.setdefault(text, []).append(name)
    return found


def _say(*lines: str, stderr: bool = False) -> None:
    """Lines that are folded between words on a screen, and whole in a file or a pipe."""
    screen = console(stderr=stderr)
    for line in lines:
        screen.print(printable(line), soft_wrap=not screen.is_terminal)


def _who_at_each(found: Status) -> Iterable[str]:
    """Who is there, at each Redis where tasks are divided among several."""
    if not found.shards:
        return _who(found.present)
    return [
        f"Shard {number} ({part.address}): {line}"
        for number, part in enumerate(found.shards)
        for line in _who(part)
    ]


def _who(present: InRedis) -> Iterable[str]:
    """Who is there to run what is scheduled."""
    if present.signs is None:
        return []
    if not present.exists:
        return ["Scheduler and workers: none, `lockstep up` does not run here"]
    return [_schedulers(present.signs), *_workers(present.signs)]


def _schedulers(signs: Signs) -> str:
    living = signs.living_schedulers
    if len(living) == 1:
        return f"Scheduler: alive {_ago(living[0])}, {living[0]}, since {moment(living[0].since)}"
    if living:
        return f"Scheduler: {len(living)} alive, " + ", ".join(f"{sign} {_ago(sign)}" for sign in living)
    if not signs.schedulers:
        return "Scheduler: never seen here, so nothing is started by schedule"
    return f"Scheduler: {_last_of(signs.schedulers[0])}"


def _workers(signs: Signs) -> Iterable[str]:
    living = signs.living_workers
    if not living:
        yield f"Workers: {_last_of(signs.workers[0])}" if signs.workers else "Workers: never seen here"
        return
    names = [f"{sign.name}{_state(sign)}" for sign in living[:NAMED]]
    more = f" and {len(living) - NAMED} more" if len(living) > NAMED else ""
    yield f"Workers: {len(living)} alive, {', '.join(names)}{more}"
    for sign in signs.workers:
        if not sign.lives and not sign.ended:
            yield f"Worker {sign.name}: {_last_of(sign)}"


def _state(sign: Sign) -> str:
    if sign.takes:
        return ""
    return " (stopping)" if sign.stopping else " (held up, takes no messages)"


def _last_of(sign: Sign) -> str:
    if sign.ended:
        return f"ended {moment(sign.seen)}, {sign}"
    return f"not seen since {moment(sign.seen)}, {sign}: it was killed, hangs, or has lost its Redis"


def _ago(sign: Sign) -> str:
    return f"{sign.ago:.0f} s ago"


def _cells(row: TaskRow) -> Sequence[str | Text]:
    last, session = row.last, row.session
    now = "-"
    if session is not None:
        since = near_moment(session.started_at)
        now = f"{session.phase or 'start'} since {since} on {session.host} ({session.pid})"
    return (
        row.standing.name,
        str(row.standing.schedule),
        state_text(row.state),
        "-" if row.lag is None else rough(row.lag),
        near_moment(last.started_at) if last else "-",
        next_in_words(row),
        now,
        str(row.standing.ran),
        str(row.links),
        str(row.conflicts or "-"),
        str(row.held or "-"),
    )


def next_in_words(row: TaskRow) -> str:
    """When a task runs next, or why it does not."""
    due = row.next.at
    return row.next.why_not or ("due" if due is not None and due <= datetime.now(UTC) else near_moment(due))


def state_text(state: State) -> Text:
    """A task's state in its colour."""
    return Text(state.value, style=_STATES.get(state, STYLES.get(state.value, "")))


def _gone(gone: Mapping[str, int]) -> Iterable[str]:
    if gone:
        told = ", ".join(f"{name} ({some(links, 'link')})" if links else name for name, links in gone.items())
        yield f"Not defined any more, with runs in the history: {told}"
    if any(gone.values()):
        yield "A task that got another name keeps its links by: lockstep rename OLD NEW"


def _of_pruning(run: RunRecord) -> str:
    told = in_words(run.counts) if run.status == "succeeded" else run.reason
    return f"Pruned last {moment(run.started_at)}: {run.status}, {told}"


def of_budget(use: BudgetUse) -> str:
    """The use of one token's budget in a line."""
    parts = [
        f"Notion, token {use.name[:8]}: {some(round(use.requests), 'request')} in the last minute, "
        f"{use.share:.0%} of its {use.rate:.1f} a second, from "
        f"{some(use.processes, 'process', 'processes')}; they waited {duration(use.waited)}"
    ]
    if use.paused_for > 0:
        parts.append(f"Notion has asked everybody to wait {duration(use.paused_for)} more")
    return "; ".join(parts)


def one_line(code: CheckCode, texts: Sequence[str], found: Status | None = None) -> str:
    """The line of a monitoring plugin, with numbers for its graphs where there are any."""
    told = [printable(text).replace("|", "/") for text in texts[:TOLD]]
    if len(texts) > TOLD:
        told.append(f"and {len(texts) - TOLD} more")
    if found is None:
        return f"LOCKSTEP {code.name} - {'; '.join(told)}\n"
    signs = found.present.signs
    workers = len(signs.ready_workers) if signs is not None else 0
    all_well = f"{some(len(found.rows), 'task')}, {_in_short(found)}"
    numbers = {
        "tasks": len(found.rows),
        "troubles": len(found.troubles),
        "workers": workers,
        "running": len(found.present.sessions),
        "held": sum(row.held for row in found.rows),
        "conflicts": sum(row.conflicts for row in found.rows),
    }
    graphs = " ".join(f"{name}={number}" for name, number in numbers.items())
    return f"LOCKSTEP {code.name} - {'; '.join(told) or all_well} | {graphs}\n"


def _in_short(found: Status) -> str:
    signs = found.present.signs
    if signs is None or not (signs.schedulers or signs.workers):
        return "no scheduler was ever here"
    alive = "alive" if signs.living_schedulers else "restarting"
    workers = len(signs.ready_workers)
    return f"scheduler {alive}, {some(workers, 'worker')}"
