"""The end of a history: without edits and faults both sides become equal, and stay so without any memory."""

from __future__ import annotations

from collections.abc import Mapping

from tasks.conflict_modes import ConflictMode
from tasks.testing.equality import SIDES, agree, form
from tasks.testing.histories.history import History, Run
from tasks.testing.histories.player import Player
from tasks.testing.histories.reading import Seen
from tasks.testing.invariants import BrokenError, Invariant
from tasks.testing.wording import shown

#: Runs within which both sides must be equal once edits and faults have stopped.
SETTLING = 3


async def play(player: Player, history: History) -> BrokenError | None:
    """Play a history and let it settle; the invariant that broke, if one did."""
    try:
        await player.steps(history)
        await Ending(player).settle(history.refused)
    except BrokenError as broken:
        return broken
    return None


class Ending:
    """Lets a history settle and judges how it ends."""

    def __init__(self, player: Player) -> None:
        self.player = player

    async def settle(self, refused: tuple[str, str] | None) -> None:
        """Without edits and faults both sides become equal, and then nothing is written any more."""
        if refused is not None:
            for _ in range(SETTLING):
                if await self.player.run(Run(), refused=refused) == "halted":
                    self.player.counts["histories that a guard halted"] += 1
                    return
            self._judge_equal(Invariant.ISOLATION, "while another object is refused", spare=refused[1])
        status = ""
        for _ in range(SETTLING):
            status = await self.player.run(Run())
            if status == "halted":
                self.player.counts["histories that a guard halted"] += 1
                return
        self._judge_equal(Invariant.CONVERGENCE, f"after {SETTLING} runs without edits and faults")
        status = await self.player.run(Run())
        self._judge_end(status)
        if self.player.instrument.writes:
            raise BrokenError(
                Invariant.IDEMPOTENCE,
                f"a run without edits writes once more after {SETTLING} good ones: "
                f"{'; '.join(self.player.instrument.trace)}",
            )
        self._judge_accounts()
        await self._lose_state()

    def _may_stay_open(self, token: str) -> bool:
        """Whether an object is left to a person, as its task wants it where it cannot decide."""
        return any(
            one == token and (attribute is None or self._leaves_open(attribute))
            for one, attribute in self.player.left_open
        )

    def _leaves_open(self, attribute: str) -> bool:
        task = self.player.task
        mode = ConflictMode(task.conflict_modes.get(attribute, task.conflict_mode))
        return mode is ConflictMode.ERROR or task.resolver is not None

    def _judge_end(self, status: str) -> None:
        if status == "succeeded" or (status == "conflicts" and self.player.left_open):
            return
        raise BrokenError(
            Invariant.CONVERGENCE,
            f"nothing stands in the way of a run, and yet it ends as {self.player.told[-1].line}",
        )

    def _judge_equal(self, law: Invariant, when: str, *, spare: str = "") -> None:
        notion, other = self.player.truth["notion"], self.player.truth["other"]
        for token in sorted(notion.keys() | other.keys()):
            if token == spare:
                continue
            if token not in notion or token not in other:
                here, there = ("notion", "other") if token in notion else ("other", "notion")
                raise BrokenError(law, f"{token} is in {here} and not in {there} {when}")
            for attribute, value in notion[token].values.items():
                across_it = other[token].values[attribute]
                if not agree(
                    self.player.reader.lossy, attribute, value, across_it
                ) and not self._may_stay_open(token):
                    raise BrokenError(
                        law,
                        f"{attribute} of {token} is {shown(value)} in notion and {shown(across_it)} in other {when}",
                    )

    def _judge_accounts(self) -> None:
        linked = {
            (self._token_by_id("notion", ours), self._token_by_id("other", theirs))
            for ours, theirs in self.player.journal.state.ids.items()
        }
        shown = {(token, token) for token in self.player.truth["notion"]}
        if linked != shown:
            odd = sorted(map(str, linked ^ shown))[0]
            raise BrokenError(
                Invariant.ACCOUNTING, f"in the end the links do not hold every object once: {odd}"
            )

    def _token_by_id(self, side: str, obj_id: str) -> str:
        return next((token for token, seen in self.player.truth[side].items() if seen.id == obj_id), "")

    async def _lose_state(self) -> None:
        hashes = [form(seen.hash) for seen in self.player.truth["notion"].values()]
        if len(set(hashes)) < len(hashes) or self.player.left_open:
            return  # objects that look alike, or differ for good, cannot be told apart without memory
        before = {side: dict(found) for side, found in self.player.truth.items()}
        self.player.journal.lose()
        self.player.tell("everything that was remembered is lost")
        try:
            for _ in range(2):
                await self.player.run(Run())
                self._judge_same(before)
        except BrokenError as broken:
            raise BrokenError(Invariant.STATE_LOSS, broken.message) from broken

    def _judge_same(self, before: Mapping[str, Mapping[str, Seen]]) -> None:
        for side in SIDES:
            for token in before[side].keys() | self.player.truth[side].keys():
                old, new = before[side].get(token), self.player.truth[side].get(token)
                if old != new:
                    raise BrokenError(
                        Invariant.STATE_LOSS, f"{token} in {side} is not as it was before: {old} -> {new}"
                    )
        if self.player.instrument.writes:
            raise BrokenError(
                Invariant.STATE_LOSS,
                f"both sides were equal, and a run without memory writes: {'; '.join(self.player.instrument.trace)}",
            )
