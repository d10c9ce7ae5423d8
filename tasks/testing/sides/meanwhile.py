"""What a side promises of writes to objects that somebody else changed since they were read."""

from __future__ import annotations

from tasks.errors import PreconditionError
from tasks.testing.equality import alike
from tasks.testing.sides.rules import Rule
from tasks.testing.sides.trial import Trial
from tasks.testing.wording import shown

_MEND = "look at the object, or let the service look, right before it is written"


async def updates_of_what_changed(trial: Trial) -> None:
    """An update of what somebody else edited since is refused, and their edit stays."""
    if trial.second is None:
        return
    seen = await trial.make(0)
    for name, value in trial.some_changes(seen):
        before = seen
        del trial.told[1:]
        edit = await trial.change(await trial.theirs(seen), {name: value}, by=trial.second)
        mine = next(
            (
                one
                for one in _values(trial, name)
                if not any(alike(one, it) for it in (value, seen.values[name]))
            ),
            seen.values[name],
        )
        trial.tell("update", f"the object as it was before, {name}={shown(mine)}")
        error = await trial.refused("update", before.obj, {name: mine})
        now = await trial.find(seen.id)
        trial.must(
            Rule.PRECONDITION,
            isinstance(error, PreconditionError),
            f"{trial.name('update')} of {name} {_how(error)} though somebody else set it since the object was read; "
            f"{_MEND}, and raise PreconditionError",
        )
        trial.must(
            Rule.PRECONDITION,
            now == edit,
            f"{trial.name('update')} raises PreconditionError, and yet {edit.unlike(now)}",
        )
        seen = now or edit


def _values(trial: Trial, name: str) -> list[object]:
    tried = trial.samples.tried.get(name)
    return list(trial.samples.names if tried is None else tried.usual)


def _how(error: Exception | None) -> str:
    return "is taken" if error is None else f"raises {type(error).__name__}"


async def updates_beside(trial: Trial) -> None:
    """An update of one attribute leaves what somebody else made of another one."""
    if trial.second is None or not trial.samples.tried:
        return
    seen = await trial.make(0)
    (mine, value), (other, theirs_is) = trial.some_changes(seen)[:2]
    edit = await trial.change(await trial.theirs(seen), {other: theirs_is}, by=trial.second)
    trial.tell("update", f"the object as it was before, {mine}={shown(value)}")
    await trial.refused("update", seen.obj, {mine: value})
    now = await trial.find(seen.id)
    trial.must(
        Rule.PRECONDITION,
        now is not None and alike(now.values[other], edit.values[other]),
        f"{trial.name('update')} of {mine} writes over {other}, which somebody else set since the object was read; "
        f"write only what is named, or {_MEND}",
    )


async def deletions_of_what_changed(trial: Trial) -> None:
    """A deletion of what somebody else edited since is refused."""
    if trial.second is None:
        return
    seen = await trial.make(0)
    edit = await trial.change(await trial.theirs(seen), dict([trial.some_change(seen)]), by=trial.second)
    trial.tell("delete", "the object as it was before")
    error = await trial.refused("delete", seen.obj)
    now = await trial.find(seen.id)
    trial.must(
        Rule.DELETE_PRECONDITION,
        isinstance(error, PreconditionError) and now == edit,
        f"{trial.name('delete')} {_how(error)} though somebody else edited the object since it was read; {_MEND}, "
        "and raise PreconditionError",
    )


async def updates_of_what_is_gone(trial: Trial) -> None:
    """An update of what somebody else deleted since is refused."""
    if trial.second is None:
        return
    before = await trial.all()
    seen = await trial.make(0)
    await trial.remove(await trial.theirs(seen), by=trial.second)
    trial.tell("update", "the object as it was before")
    error = await trial.refused("update", seen.obj, dict([trial.some_change(seen)]))
    left = (await trial.all()).keys() - before.keys()
    trial.made |= left
    trial.must(
        Rule.WRITE_TO_GONE,
        error is not None and not left,
        f"{trial.name('update')} of an object that was deleted since it was read "
        f"{_how(error)}{' and brings it back' if left else ''}; raise PreconditionError",
    )


#: The checks of this module, in the order in which they are made.
CHECKS = (
    updates_of_what_changed,
    updates_beside,
    deletions_of_what_changed,
    updates_of_what_is_gone,
)
