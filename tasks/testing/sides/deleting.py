"""What a side promises of deletions, and of what it takes out of its trash."""

from __future__ import annotations

from tasks.testing.equality import alike
from tasks.testing.sides.rules import Rule
from tasks.testing.sides.trial import Trial
from tasks.testing.wording import shown


async def deletions(trial: Trial) -> None:
    """A deleted object is gone, and only that one."""
    gone, stays = [await trial.make(number) for number in (0, 1)]
    is_gone = trial.name("is_gone")
    if trial.offers("is_gone"):
        trial.must(
            Rule.NOT_GONE,
            not await trial.ask("is_gone", stays.id),
            f"{is_gone} says that an object is deleted that is listed",
        )
    before = await trial.all()
    await trial.remove(gone)
    for by in (trial.side, trial.side, trial.second or trial.side):
        left = await trial.all(by=by)
        trial.must(
            Rule.DELETE,
            gone.id not in left,
            f"{trial.name('delete')} was called for {gone.id}, which is still listed",
        )
        lost = sorted(before.keys() - left.keys() - {gone.id})
        trial.must(
            Rule.DELETE_ONLY,
            not lost,
            f"{trial.name('delete')} of {gone.id} took {lost and lost[0]} away as well",
        )
    trial.must(
        Rule.GONE,
        bool(await trial.ask("is_gone", gone.id)),
        f"{is_gone} does not say that a deleted object is deleted, so its counterpart would stay for ever",
    )


async def restores(trial: Trial) -> None:
    """An object that was deleted and is restored is listed again, under its id and with its values."""
    if not trial.offers("restore"):
        return
    gone = await trial.make(0)
    await trial.make(1)
    listed = await trial.all()
    await trial.remove(gone)
    before = await trial.all()
    method = trial.name("restore")
    trial.tell("restore", gone.id)
    returned = await trial.ask("restore", gone.id)
    now = await trial.all()
    trial.made |= now.keys() - before.keys()
    if returned is None or returned is NotImplemented:
        trial.must(
            Rule.RESTORE_ONLY,
            now.keys() == before.keys(),
            f"{method} says that it restores nothing, and the listing shows other objects than before",
        )
        trial.need_not(f"{method} restores nothing", Rule.RESTORE, Rule.RESTORE_VALUES)
        return
    trial.must(
        Rule.RESTORE,
        gone.id in now,
        f"{method} returns an object, and a listing that says it is complete does not show {gone.id}",
    )
    trial.must(
        Rule.RESTORE_ONLY, now.keys() == listed.keys(), f"{method} of {gone.id} changes what else is listed"
    )
    trial.must(
        Rule.RESTORE,
        (await trial.look(returned)).id == gone.id,
        f"{method} of {gone.id} returns another object",
    )
    for name, value in gone.values.items():
        trial.must(
            Rule.RESTORE_VALUES,
            alike(value, now[gone.id].values[name]),
            f"{method} brings {gone.id} back with {name}={shown(now[gone.id].values[name])}; when it was deleted it "
            f"was {shown(value)}",
        )
    if trial.offers("is_gone"):
        trial.must(
            Rule.NOT_GONE,
            not await trial.ask("is_gone", gone.id),
            f"{trial.name('is_gone')} says that an object is deleted that was restored",
        )


#: The checks of this module, in the order in which they are made.
CHECKS = (deletions, restores)
