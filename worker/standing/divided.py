"""Tasks that are divided among several Redis servers: what these know together, and where nobody is."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import replace
from datetime import datetime

from config.shards import shard_of
from tasks.scheduled import PRUNE
from worker.signs import Sign, Signs
from worker.standing import judgement
from worker.standing.judgement import Trouble
from worker.standing.status import InRedis

#: Judges one server; the last argument has the signs of the same kind of process at the others.
Judge = Callable[[Signs, datetime, Sequence[Sign]], Trouble | None]


def joined(parts: Sequence[InRedis]) -> InRedis:
    """What all of them know, as if they were one."""
    if len(parts) == 1:
        return parts[0]
    signs = [part.signs for part in parts if part.signs is not None]
    troubles = [f"shard {number}: {part.trouble}" for number, part in enumerate(parts) if part.trouble]
    return InRedis(
        signs=Signs(
            _newest([sign for one in signs for sign in one.schedulers]),
            _newest([sign for one in signs for sign in one.workers]),
        )
        if signs
        else None,
        sessions={name: session for part in parts for name, session in part.sessions.items()},
        budgets=parts[0].budgets,
        left_out={name: turns for part in parts for name, turns in part.left_out.items()},
        claimed={name: at for part in parts for name, at in part.claimed.items()},
        holds=[held for part in parts for held in part.holds],
        trouble="; ".join(troubles) or None,
    )


def _newest(signs: Sequence[Sign]) -> tuple[Sign, ...]:
    return tuple(sorted(signs, key=lambda sign: sign.ago))


def needed(tasks: Collection[str], servers: int) -> set[int]:
    """The servers that have a task; that which prunes is one as well where there is any."""
    return {shard_of(name, servers) for name in (*tasks, PRUNE)} if tasks else set()


def without_scheduler(
    parts: Sequence[InRedis], tasks: Collection[str], now: datetime
) -> Iterator[tuple[int, Trouble]]:
    """Servers whose tasks no scheduler starts, where one was before or others have one."""
    living = [[] if part.signs is None else part.signs.living_schedulers for part in parts]
    return _without(parts, tasks, now, judgement.no_scheduler, living)


def without_worker(
    parts: Sequence[InRedis], tasks: Collection[str], now: datetime
) -> Iterator[tuple[int, Trouble]]:
    """Servers whose tasks no worker runs, where one was before, is waited for, or others have one."""
    living = [[] if part.signs is None else part.signs.living_workers for part in parts]
    return _without(parts, tasks, now, judgement.no_worker, living)


def _without(
    parts: Sequence[InRedis],
    tasks: Collection[str],
    now: datetime,
    judge: Judge,
    living: Sequence[Sequence[Sign]],
) -> Iterator[tuple[int, Trouble]]:
    for number in sorted(needed(tasks, len(parts))):
        signs = parts[number].signs
        if signs is None:
            continue
        elsewhere = [sign for other, one in enumerate(living) if other != number for sign in one]
        trouble = judge(signs, now, elsewhere)
        if trouble is not None:
            where = f"shard {number} ({parts[number].address}): " if len(parts) > 1 else ""
            yield number, replace(trouble, text=f"{where}{trouble.text}")
