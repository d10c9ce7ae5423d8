"""The first page: every task, who is there, Notion's budget, and on top what is not as it should be."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from starlette.responses import Response

from tasks.engine.naming import tell
from worker.signs import Sign
from worker.standing import Status
from worker.telling.numbers import some
from worker.web.dashboard.glance import RECENT, Look
from worker.web.dashboard.sparkline import sparkline
from worker.web.dashboard.visit import Visit
from worker.web.dashboard.wording import counted


@dataclass(frozen=True, slots=True)
class Told:
    """Something that is not as it should be."""

    text: str
    tone: str
    #: The page about it, if it is of one task.
    task: str | None = None


async def overview(visit: Visit) -> Response:
    """How everything stands."""
    look = await visit.desk.glance.look()
    status = look.status
    return visit.show(
        "overview.html",
        status=status,
        told=troubles(status),
        sentence=in_a_sentence(look),
        pictures={name: sparkline(runs, RECENT) for name, runs in look.recent.items()},
        processes=processes(status),
    )


def troubles(status: Status) -> list[Told]:
    """What is to be said first, the worst first; with titles where the log has ids."""
    rows = {row.standing.name: row for row in status.rows}
    found = []
    for trouble in status.troubles:
        row = rows.get(trouble.task or "")
        ended = row.standing.ended if row is not None else None
        text = tell(trouble.text, ended.names) if ended is not None else trouble.text
        found.append(Told(text, "warn" if trouble.check == 1 else "bad", trouble.task))
    found.sort(key=lambda told: told.tone != "bad")
    return found + [Told(text, "warn") for text in status.warnings]


def in_a_sentence(look: Look) -> str:
    """All tasks, counted by their states."""
    states = [row.state.value for row in look.status.rows]
    if not states:
        return "No task is defined yet."
    return f"{some(len(states), 'task')}: {counted(states)}"


def processes(status: Status) -> Sequence[tuple[str, Sign, str]]:
    """Schedulers and workers that are there, or should be: what each is, its sign, and a word for it."""
    signs = status.present.signs
    if signs is None:
        return []
    found = [("Scheduler", sign, _word(sign)) for sign in signs.schedulers]
    found += [("Worker", sign, _word(sign)) for sign in signs.workers]
    return [(kind, sign, word) for kind, sign, word in found if word != "ended"]


def _word(sign: Sign) -> str:
    if sign.ended:
        return "ended"
    if not sign.lives:
        return "silent"
    if sign.stopping:
        return "stopping"
    return "alive" if sign.takes else "held up"
