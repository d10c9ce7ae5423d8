"""Writes look before they write, are made once, and take away nothing that nobody deleted."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from sandbox.github import Fault, GitHub, Repository
from tasks.errors import ItemError, OutcomeUnknownError, PreconditionError, SideError, UnfitError
from tasks.services.github import Issue
from tasks.services.github.marks import DELETED_LABEL
from tasks.sides import State
from tests.tasks.services.github.conftest import LocalIssues, opened, side_of, titles


async def only(side: LocalIssues) -> Issue:
    (issue,) = await side.list()
    return issue


def writes(github: GitHub) -> list[str]:
    return [method for method, _, _ in github.requests if method != "GET"]


# -- making -----------------------------------------------------------------------------------------------


async def test_an_issue_is_made_with_all_its_values(side: LocalIssues, repository: Repository) -> None:
    repository.add_label("Bug")
    given = {
        "title": "  Leak\nin the roof ", "body": "Wet\r\nfloor", "state": State.CANCELLED,
        "labels": ("bug", "new one"), "assignees": ("ADA",), "milestone": "2.0", "type": "task",
    }  # fmt: skip
    made = await side.create("key", given)
    assert made == await only(side)
    shown = {name: made.values[name] for name in given}
    assert shown == {
        "title": "Leak in the roof", "body": "Wet\nfloor", "state": State.CANCELLED,
        "labels": ("Bug", "new one"), "assignees": ("ada",), "milestone": "2.0", "type": "Task",
    }  # fmt: skip
    assert [one.title for one in repository.milestones] == ["2.0"]


async def test_few_values_do(side: LocalIssues) -> None:
    made = await side.create("key", {"title": "Bare"})
    assert (made.values["body"], made.values["state"]) == ("", State.OPEN)


@pytest.mark.parametrize(
    "lost", [Fault(method="POST", applied=True, drop=True), Fault(method="POST", applied=True, status=502)]
)
async def test_a_create_without_an_answer_makes_no_second_issue(
    github: GitHub, repository: Repository, lost: Fault
) -> None:
    given = {"title": "Once", "body": "Text", "state": State.DONE}
    async with opened(side_of(github, repository)) as side:
        await side.list()
        github.faults.add(lost)
        with pytest.raises(OutcomeUnknownError, match="may have been carried out"):
            await side.create("key", given)
    async with opened(side_of(github, repository)) as side:
        made = await side.create("key", given)
    assert len(repository.issues) == 1
    assert (made.values["body"], made.values["state"]) == ("Text", State.DONE)


async def test_a_create_that_was_not_carried_out_is_made_up_for(
    github: GitHub, side: LocalIssues, repository: Repository
) -> None:
    await side.list()
    github.faults.add(Fault(method="POST", drop=True))
    with pytest.raises(OutcomeUnknownError):
        await side.create("key", {"title": "Once"})
    await side.create("key", {"title": "Once"})
    assert len(repository.issues) == 1


async def test_the_second_step_of_a_create_is_made_up_for(
    github: GitHub, side: LocalIssues, repository: Repository
) -> None:
    github.faults.add(Fault(method="PATCH", drop=True))
    given = {"title": "Done", "state": State.DONE}
    with pytest.raises(OutcomeUnknownError):
        await side.create("key", given)
    assert (await side.create("key", given)).values["state"] is State.DONE
    assert len(repository.issues) == 1


async def test_what_somebody_went_on_with_is_not_written_over_by_the_retry(
    github: GitHub, side: LocalIssues, repository: Repository
) -> None:
    given = {"title": "Once", "state": State.DONE}
    github.faults.add(Fault(method="PATCH", drop=True))
    with pytest.raises(OutcomeUnknownError):
        await side.create("key", given)
    github.clock.advance(timedelta(minutes=1))
    repository.edit(1, title="Renamed")
    made = await side.create("key", given)
    assert (made.values["title"], made.values["state"]) == ("Renamed", State.OPEN)


async def test_the_mark_of_a_key_is_not_shown_and_goes_with_the_first_edit(
    side: LocalIssues, repository: Repository
) -> None:
    made = await side.create("key", {"title": "A", "body": "Text"})
    assert "<!-- lockstep:" in str(repository.issues[1].body)
    assert "key" not in str(repository.issues[1].body)
    assert made.values["body"] == "Text"
    await side.update(made, {"body": "Other"})
    assert repository.issues[1].body == "Other"


async def test_a_text_that_leaves_no_room_for_the_mark(side: LocalIssues, repository: Repository) -> None:
    made = await side.create("key", {"title": "A", "body": "x" * 65_536})
    assert len(str(repository.issues[1].body)) == 65_536 == len(made.values["body"])


async def test_rights_that_are_missing_are_told(side: LocalIssues, repository: Repository) -> None:
    repository.drops = True
    with pytest.raises(ItemError, match=r"not its labels.*needs the right to write"):
        await side.create("key", {"title": "A", "labels": ("bug",)})


async def test_a_copy_of_its_text_is_not_taken_for_an_issue(
    github: GitHub, side: LocalIssues, repository: Repository
) -> None:
    await side.create("key", {"title": "A", "body": "Text"})
    repository.open_issue("Copy", body=repository.issues[1].body)
    for one in (side, side_of(github, repository)):
        async with opened(one):
            await one.list()
            assert (await one.create("key", {"title": "A"})).number == 1


# -- changing ---------------------------------------------------------------------------------------------


async def test_only_what_changes_is_written(
    github: GitHub, side: LocalIssues, repository: Repository
) -> None:
    repository.open_issue("A", body="One\r\nTwo", labels=["x"])
    issue = await only(side)
    now = await side.update(issue, {"title": "A", "body": "One\nTwo", "labels": ("X",)})
    assert not writes(github)
    assert repository.issues[1].body == "One\r\nTwo"
    assert now.values == issue.values


async def test_states_and_their_reasons(side: LocalIssues, repository: Repository) -> None:
    repository.open_issue("A")
    issue = await only(side)
    for state, raw in (
        (State.DONE, ("closed", "completed")),
        (State.CANCELLED, ("closed", "not_planned")),
        (State.DONE, ("closed", "completed")),
        (State.OPEN, ("open", "reopened")),
        (State.CANCELLED, ("closed", "not_planned")),
    ):
        issue = await side.update(issue, {"state": state})
        assert issue.values["state"] is state
        assert (repository.issues[1].state, repository.issues[1].reason) == raw
    assert (await side.update(issue, {"state": State.ACTIVE})).values["state"] is State.OPEN


@pytest.mark.parametrize("change", [{"title": "Mine"}, {"body": "Mine"}, {"labels": ("mine",)}])
async def test_an_edit_since_is_not_written_over(
    github: GitHub, side: LocalIssues, repository: Repository, change: dict[str, Any]
) -> None:
    repository.open_issue("A", labels=["x"])
    issue = await only(side)
    repository.edit(1, title="Theirs")
    for obj in (issue, side.known(issue.id, {"title": "A", "labels": ("x",)})):
        with pytest.raises(PreconditionError, match="edited while the sync ran"):
            await side.update(obj, change)
        with pytest.raises(PreconditionError, match="edited while the sync ran"):
            await side.delete(obj)
    assert not writes(github)


async def test_a_comment_is_no_edit(side: LocalIssues, repository: Repository) -> None:
    repository.open_issue("A")
    issue = await only(side)
    repository.comment(1)
    assert (await side.update(issue, {"title": "B"})).values["title"] == "B"


async def test_an_issue_that_is_not_here_any_more_is_not_written(
    github: GitHub, side: LocalIssues, repository: Repository
) -> None:
    for title in ("A", "B"):
        repository.open_issue(title)
    first, second = await side.list()
    repository.delete(1)
    repository.transfer(2, github.make_repository("octo/far"))
    for issue in (first, second):
        with pytest.raises(PreconditionError):
            await side.update(issue, {"title": "Mine"})
    assert not writes(github)


async def test_an_issue_of_a_repository_that_was_made_anew_is_not_taken_for_the_old_one(
    github: GitHub, side: LocalIssues, repository: Repository
) -> None:
    repository.open_issue("A")
    for former in (side.known("1#1", {"title": "A"}), side.known(f"{repository.id}0#1", {})):
        with pytest.raises(PreconditionError):
            await side.update(former, {"title": "B"})
        with pytest.raises(PreconditionError):
            await side.delete(former)
    assert not writes(github)


async def test_it_goes_away_between_look_and_write(
    github: GitHub, side: LocalIssues, repository: Repository
) -> None:
    repository.open_issue("A")
    issue = await only(side)
    github.faults.add(Fault(path="/issues/1", then=lambda: repository.delete(1)))
    with pytest.raises(PreconditionError, match="410"):
        await side.update(issue, {"title": "Mine"})


async def test_a_write_without_an_answer_is_looked_after(
    github: GitHub, side: LocalIssues, repository: Repository
) -> None:
    repository.open_issue("A")
    issue = await only(side)
    github.faults.add(Fault(method="PATCH", applied=True, drop=True))
    issue = await side.update(issue, {"title": "B"})
    assert issue.values["title"] == "B"
    github.faults.add(Fault(method="PATCH", status=500))
    with pytest.raises(OutcomeUnknownError, match="may have been carried out"):
        await side.update(issue, {"title": "C"})
    assert repository.issues[1].title == "B"


@pytest.mark.parametrize(
    ("name", "value", "says"),
    [
        ("title", "", "needs a title"),
        ("title", "x" * 257, "257 signs, GitHub takes 256"),
        ("title", "nothing: \x00", "a sign that GitHub does not take"),
        ("body", "x" * 65_537, "65,537 signs, GitHub takes 65,536"),
        ("body", "half: \ud800", "a sign that GitHub does not take"),
        ("labels", ("x" * 51,), "51 signs, GitHub takes 50"),
        ("labels", ("Deleted by Sync",), "says that an issue is deleted"),
        ("assignees", ("nobody",), "nobody cannot be assigned"),
        ("assignees", tuple(f"p{number}" for number in range(11)), "11 people"),
        ("type", "Epic", "no type of issues 'Epic'"),
        ("state", "molten", "state 'molten' is unknown"),
        ("number", 7, "number of an issue cannot be written"),
    ],
)
async def test_what_does_not_fit_is_named_and_nothing_is_written(
    github: GitHub, side: LocalIssues, repository: Repository, name: str, value: Any, says: str
) -> None:
    repository.open_issue("A")
    issue = await only(side)
    other = {"body": "Fine"} if name != "body" else {"title": "Fine"}
    for write in (side.update(issue, {**other, name: value}), side.create("k", {"title": "B", name: value})):
        with pytest.raises(UnfitError, match=says) as caught:
            await write
        assert caught.value.attributes == {name}
    assert not writes(github)


async def test_what_github_itself_finds_unfit_is_named(
    github: GitHub, side: LocalIssues, repository: Repository
) -> None:
    repository.open_issue("A")
    issue = await only(side)
    error = {"resource": "Issue", "field": "title", "code": "custom", "message": "title is rude"}
    body = {"message": "Validation Failed", "errors": [error]}
    github.faults.add(Fault(method="PATCH", status=422, body=body))
    with pytest.raises(UnfitError, match="title is rude") as caught:
        await side.update(issue, {"title": "B"})
    assert caught.value.attributes == {"title"}


async def test_a_type_and_a_person_that_came_since_are_found(
    github: GitHub, side: LocalIssues, repository: Repository
) -> None:
    repository.people.append("grace")
    assert repository.types is not None
    repository.types = [*repository.types, "Epic"]
    made = await side.create("key", {"title": "A", "type": "Epic", "assignees": ("grace",)})
    assert (made.values["type"], made.values["assignees"]) == ("Epic", ("grace",))


async def test_milestones_that_are_there_are_taken(side: LocalIssues, repository: Repository) -> None:
    repository.add_milestone("1.0")  # since the repository was read
    made = await side.create("key", {"title": "A", "milestone": "1.0"})
    assert made.values["milestone"] == "1.0"
    assert (await side.update(made, {"milestone": None})).values["milestone"] is None
    assert len(repository.milestones) == 1


async def test_a_milestone_that_got_no_answer_is_made_once(
    github: GitHub, side: LocalIssues, repository: Repository
) -> None:
    github.faults.add(Fault(method="POST", path="/milestones$", applied=True, drop=True))
    with pytest.raises(OutcomeUnknownError, match=r"new issue 'A'"):
        await side.create("key", {"title": "A", "milestone": "1.0"})
    made = await side.create("key", {"title": "A", "milestone": "1.0"})
    assert made.values["milestone"] == "1.0"
    assert (len(repository.milestones), len(repository.issues)) == (1, 1)


async def test_nothing_is_written_to_another_repository_of_the_same_name(
    github: GitHub, side: LocalIssues, repository: Repository
) -> None:
    name = repository.name
    github.rename(repository, f"{name}-old")
    other = github.make_repository(name)
    with pytest.raises(SideError, match="is another repository than when the run began"):
        await side.create("key", {"title": "A", "milestone": "1.0"})
    await side.create("key", {"title": "B"})
    assert not other.issues
    assert [one.title for one in repository.here()] == ["B"]
    assert not other.milestones


async def test_people_are_assigned(github: GitHub, repository: Repository) -> None:
    async with opened(side_of(github, repository, assignees="people")) as side:
        made = await side.create("key", {"title": "A", "assignees": ("octocat", "ada")})
        assert made.values["assignees"] == ("ada", "octocat")
        assert (await side.update(made, {"assignees": ()})).values["assignees"] == ()


@pytest.mark.parametrize(
    ("how", "error", "says"),
    [
        ({"archived": True}, SideError, "is archived.*unarchive"),
        (
            {"message": "Resource not accessible by personal access token"},
            SideError,
            "permission to read and",
        ),
        ({"message": "Issue is locked"}, ItemError, "unlock it"),
    ],
)
async def test_writes_that_are_forbidden(
    github: GitHub,
    side: LocalIssues,
    repository: Repository,
    how: dict[str, Any],
    error: type[Exception],
    says: str,
) -> None:
    repository.open_issue("A")
    issue = await only(side)
    repository.archived = how.get("archived", False)
    if "message" in how:
        github.faults.add(Fault(method="PATCH", status=403, message=how["message"]))
    with pytest.raises(error, match=says):
        await side.update(issue, {"title": "B"})


# -- deletions --------------------------------------------------------------------------------------------


async def test_a_deletion_closes_with_a_label_and_stays_out_of_sight(
    github: GitHub, side: LocalIssues, repository: Repository
) -> None:
    repository.open_issue("A", labels=["x"], body="Text")
    listing = await side.list()
    await side.delete(listing[0])
    raw = repository.issues[1]
    assert (raw.state, raw.reason, raw.body) == ("closed", "not_planned", "Text")
    assert repository.label_names(raw) == [DELETED_LABEL, "x"]
    assert not await side.list()
    assert await side.is_gone(listing[0].id)
    assert await side.get(listing[0].id) is None
    changes = await side.changes(listing.cursor)
    assert (list(changes.changed), list(changes.deleted)) == ([], [listing[0].id])
    async with opened(side_of(github, repository)) as other:  # which remembers nothing
        assert not await other.list()


async def test_a_closed_issue_is_not_deleted(side: LocalIssues, repository: Repository) -> None:
    repository.open_issue("A", state="closed", state_reason="not_planned")
    issue = await only(side)
    assert not await side.is_gone(issue.id)
    assert issue.values["state"] is State.CANCELLED


async def test_who_opens_it_again_has_it_back(
    github: GitHub, side: LocalIssues, repository: Repository
) -> None:
    repository.open_issue("A", labels=["x"])
    await side.delete(await only(side))
    repository.edit(1, state="open")
    issue = await only(side)
    assert issue.values["labels"] == ("x",)
    assert not await side.is_gone(issue.id)
    issue = await side.update(issue, {"state": State.DONE})  # and a done one is not taken for a deleted one
    assert repository.label_names(repository.issues[1]) == ["x"]
    assert titles(await side.list()) == ["A"]


async def test_who_leaves_the_label_on_and_closes_later_has_deleted_nothing(
    github: GitHub, side: LocalIssues, repository: Repository
) -> None:
    repository.open_issue("A")
    issue = await only(side)
    await side.delete(issue)
    assert await side.is_gone(issue.id)
    for state in ("open", "closed"):
        github.clock.advance(timedelta(minutes=1))
        repository.edit(1, state=state)
    assert not await side.list()
    assert not await side.is_gone(issue.id)  # so that its counterpart stays, and a person is told
    github.faults.add(Fault(path="/events", status=404, message="Not Found"))
    with pytest.raises(SideError, match="history of issue #1"):
        await side.is_gone(issue.id)


@pytest.mark.parametrize("state", [State.OPEN, State.DONE, State.CANCELLED])
async def test_restoring_brings_back_the_state_that_was(
    github: GitHub, repository: Repository, state: State
) -> None:
    async with opened(side_of(github, repository)) as side:
        made = await side.create("key", {"title": "A", "state": state, "labels": ("x",)})
        github.clock.advance(timedelta(minutes=1))
        await side.delete(made)
        github.clock.advance(timedelta(minutes=1))
    async with opened(side_of(github, repository)) as side:
        back = await side.restore(made.id)
        assert back is not None
        assert (back.values["state"], back.values["labels"]) == (state, ("x",))
        assert titles(await side.list()) == ["A"]


async def test_a_deletion_without_the_right_to_set_labels_is_told(
    side: LocalIssues, repository: Repository
) -> None:
    repository.open_issue("A")
    issue = await only(side)
    repository.drops = True
    with pytest.raises(ItemError, match="the right to set labels"):
        await side.delete(issue)
    assert not await side.is_gone(issue.id)


async def test_deletions_for_good(github: GitHub, repository: Repository) -> None:
    repository.open_issue("A")
    async with opened(side_of(github, repository, delete="delete")) as side:
        issue = await only(side)
        repository.administered = False
        with pytest.raises(ItemError, match="only administrators may"):
            await side.delete(issue)
        assert not await side.is_gone(issue.id)
        repository.administered = True
        await side.delete(issue)
        assert await side.is_gone(issue.id)
        assert await side.restore(issue.id) is None
    assert repository.issues[1].deleted


async def test_closed_as_good_as_deleted(github: GitHub, repository: Repository) -> None:
    for title in ("A", "B"):
        repository.open_issue(title)
    async with opened(side_of(github, repository, closed="gone")) as side:
        listing = await side.list()
        repository.edit(1, state="closed")
        assert titles(await side.list()) == ["B"]
        assert await side.is_gone(listing[0].id)
        changes = await side.changes(listing.cursor)
        assert (titles(changes.changed), list(changes.deleted)) == (["B"], [listing[0].id])
        await side.delete(listing[1])
        assert not await side.list()
        back = await side.restore(listing[1].id)
        assert back is not None
        assert titles(await side.list()) == ["B"]
    async with opened(
        side_of(github, repository)
    ) as side:  # synced from now on: none comes back that was deleted
        assert titles(await side.list()) == ["A", "B"]
