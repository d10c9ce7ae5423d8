"""Tasks with one mistake each: the kit names what breaks, and shows it in a few steps."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from tasks.testing import Report, check_task
from tests.tasks.testing import wrong
from tests.tasks.testing.examples import Contacts, advance

#: Task, number of the invariant that it breaks, and how many steps may be told at most.
SINGLE = [
    (wrong.ReturnsNothing, "contract", 2),
    (wrong.LacksAnAttribute, "contract", 2),
    (wrong.ListsWithWrites, "contract", 1),
    (wrong.DropsOnCreate, "I2", 2),
    (wrong.UpdatesNothing, "I2", 2),
    (wrong.UpdatesOneAttributeOnly, "I2", 2),
    (wrong.NeverSaysGone, "I2", 3),
    (wrong.ReplacesTheWhole, "I3", 2),
    (wrong.ReturnsTheOldObject, "I4", 2),
    (wrong.DeletesNothing, "I5", 3),
    (wrong.DeletesAnother, "I5", 3),
    (wrong.ReadsOnePageOnly, "I8", 1),
    (wrong.SometimesListsLess, "I8", 1),
    (wrong.NeverListsAll, "I8", 1),
    (wrong.NewIdWithEachEdit, "I11", 2),
    (wrong.NaiveTimes, "I13", 1),
    (wrong.TimesAsText, "I13", 1),
    (wrong.TimesOfCreation, "I13", 6),
    (wrong.ChangesWithoutEdits, "I16", 6),
    (wrong.Capitals, "I21", 2),
    (wrong.GrowsWithEachWrite, "I21", 4),
    (wrong.UnstableHash, "I24", 2),
    (wrong.UnlikeHashes, "I24", 2),
]

#: The same where every method by itself does what it should, and only a history shows what is wrong.
TOGETHER = [
    (wrong.NotionAlwaysWins, "I3", 4),
    (wrong.ResolvesIntoTheWrongAttribute, "I3", 4),
    (wrong.HidesInsteadOfDeleting, "I5", 6),
    (wrong.DeletesWhatWasEdited, "I6", 6),
    (wrong.MakesWhatAPartialListingHides, "I8", 5),
    (wrong.ReplacesByDeleteAndCreate, "I11", 5),
    (wrong.StopsAtTheFirstFailure, "I17", 8),
]


def check(task: type[Contacts], **options: Any) -> Report:
    return check_task(task, histories=100, advance=advance, **options)


def assert_caught(report: Report, number: str, length: int) -> None:
    assert not report.ok
    (finding,) = report.findings
    assert (finding.invariant.number, 0 < finding.length <= length) == (number, True), report.text
    assert str(finding.invariant) in report.text


@pytest.mark.parametrize(
    ("task", "number", "length"), SINGLE, ids=lambda one: getattr(one, "__name__", str(one))
)
def test_a_method_that_breaks_its_contract_is_named(task: type[Contacts], number: str, length: int) -> None:
    report = check(task, seed=4)
    assert_caught(report, number, length)
    assert report.counts["histories"] == 0  # found without playing one


@pytest.mark.parametrize(
    ("task", "number", "length"), TOGETHER, ids=lambda one: getattr(one, "__name__", str(one))
)
def test_what_breaks_in_a_history_only_is_shown_in_a_short_one(
    task: type[Contacts], number: str, length: int
) -> None:
    report = check(task, seed=4)
    assert_caught(report, number, length)
    (finding,) = report.findings
    assert any(line.startswith("run") for line in finding.history)
    again = check(task, only=finding.number, seed=4)
    assert [one.text for one in again.findings] == [finding.text]


def test_a_value_that_one_side_cannot_keep_has_to_be_declared() -> None:
    moments = [datetime(2026, 3, 2, 9, 30, tzinfo=UTC), datetime(2026, 3, 5, 11, 30, tzinfo=UTC), None]
    assert_caught(check(wrong.UndeclaredDates, values={"Born": moments}), "I21", 2)
