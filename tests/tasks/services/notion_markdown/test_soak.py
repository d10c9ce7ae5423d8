"""People at both ends, edits at every moment and processes that end: all is the same then, and nothing is lost.

`MARKDOWN_SOAK_SEEDS` is the number of histories, of 8 rounds each or of `MARKDOWN_SOAK_ROUNDS`.
"""

from __future__ import annotations

import os
from collections import Counter
from random import Random

import pytest

from tests.tasks.services.notion_markdown.place import Place
from tests.tasks.services.notion_markdown.town import Town

SEEDS = int(os.environ.get("MARKDOWN_SOAK_SEEDS", "1"))
ROUNDS = int(os.environ.get("MARKDOWN_SOAK_ROUNDS", "8"))
REACHED: Counter[str] = Counter()
NEEDED = (
    *("add_file", "edit_file", "tag_file", "rename_file", "delete_file"),
    *("add_row", "edit_row", "tag_row", "rename_row", "delete_row"),
    *("crash", "edit meanwhile", "run succeeded", "run failed"),
)
#: Runs within which all must have come to rest.
ENOUGH = 8

pytestmark = pytest.mark.timeout(7200)


@pytest.mark.parametrize("id_key", ["lockstep_id", ""])
@pytest.mark.parametrize("seed", range(SEEDS))
async def test_nothing_is_lost(place: Place, seed: int, id_key: str, monkeypatch: pytest.MonkeyPatch) -> None:
    place.options = {"id_key": id_key}
    town = Town(place, Random(f"{seed} {id_key}"), monkeypatch)
    for _ in range(8):
        town.add_file()
    for _ in range(3):
        await town.add_row()
    for _ in range(ROUNDS):
        for _ in range(town.chance.randrange(4)):
            await town.move()
        await town.run(rough=True)
    for _ in range(ENOUGH):
        report = await town.run(rough=False)
        assert report is not None
        if report.status == "succeeded" and not +report.outcome.counts:
            break
    else:
        raise AssertionError(f"it does not come to rest: {report.status}, {report.reason} (seed {seed})")
    try:
        await town.judge()
    except AssertionError as error:
        raise AssertionError(f"{error}\n(seed {seed})\n" + "\n".join(town.told)) from error
    REACHED.update(town.reached)


def test_all_that_can_happen_did() -> None:
    if SEEDS * ROUNDS < 100:
        pytest.skip("few rounds do not meet everything")
    assert not [name for name in NEEDED if not REACHED[name]], dict(REACHED)
