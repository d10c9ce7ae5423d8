"""Values, objects and deletions between a local Notion workspace and a local GitHub."""

from __future__ import annotations

from sandbox.github import Fault
from tasks.services.github.marks import DELETED_LABEL
from tests.tasks.services.notion_github.place import Place, status, tags


async def test_rows_and_issues_cross_with_all_their_values(place: Place) -> None:
    place.add_row(
        "from Notion",
        "Some **bold** text",
        Status=status("Done"),
        Tags=tags("b", "a"),
        Milestone={"select": {"name": "2.0"}},
        Assignees=tags("ada"),
    )
    place.repository.add_milestone("1.0")
    place.repository.open_issue(
        "from GitHub", body="One\r\n\r\nTwo", labels=["bug"], milestone=1, assignees=["octocat"],
        state="closed", state_reason="not_planned",
    )  # fmt: skip
    place.repository.open_pull("no issue")
    crossed = await place.sync(
        note="page body is kept otherwise"
    )  # with Notion's own space between paragraphs
    assert crossed == {"left_created": 1, "right_created": 1}
    rows, issues = place.rows(), place.issues()
    assert set(rows) == {"from Notion", "from GitHub"}
    assert issues["from Notion"] == {
        "number": 3, "body": "Some **bold** text", "state": "closed", "reason": "completed",
        "labels": ["a", "b"], "milestone": "2.0", "assignees": ["ada"],
    }  # fmt: skip
    del rows["from GitHub"]["id"]
    assert rows["from GitHub"] == {
        "Name": "from GitHub", "page body": "One\nTwo", "Status": "Done", "Milestone": "1.0", "Tags": ["bug"],
        "Assignees": ["octocat"], "Number": 1,
        "Link": f"{place.github.url}/{place.repository.name}/issues/1",
    }  # fmt: skip
    assert issues["from GitHub"]["body"] == "One\r\n\r\nTwo"
    assert issues["from GitHub"]["reason"] == "not_planned"  # Notion has no word for it, and it stays
    assert rows["from Notion"]["Number"] == 3


async def test_edits_cross_both_ways(place: Place) -> None:
    for name in ("A", "B"):
        place.repository.open_issue(name, labels=["x"])
    await place.sync()
    rows = place.rows()
    place.person.edit_page(rows["A"]["id"], {"Status": status("Done"), "Tags": tags("x", "y")})
    place.repository.edit(2, title="B renamed", labels=[], state="closed")
    assert await place.sync() == {"left_updated": 1, "right_updated": 1}
    issues, rows = place.issues(), place.rows()
    assert (issues["A"]["state"], issues["A"]["labels"]) == ("closed", ["x", "y"])
    assert (rows["B renamed"]["Status"], rows["B renamed"]["Tags"]) == ("Done", [])
    place.person.edit_page(rows["A"]["id"], {"Status": status("In progress")})
    await place.sync()
    assert place.issues()["A"]["state"] == "open"
    assert place.rows()["A"]["Status"] == "In progress"  # which GitHub cannot show, and which stays


async def test_a_row_in_the_trash_closes_its_issue_once_and_for_all(place: Place) -> None:
    place.add_row("A")
    await place.sync()
    place.person.trash(place.rows()["A"]["id"])
    assert await place.sync() == {"right_deleted": 1}
    assert place.issues()["A"]["labels"] == [DELETED_LABEL]
    place.later(hours=2)  # everything is listed
    assert await place.sync() == {}
    (place.folder / "issues.json").unlink()  # and even without a memory
    assert await place.sync() == {}
    assert not place.rows()


async def test_a_closed_issue_deletes_no_row(place: Place) -> None:
    place.repository.open_issue("A")
    await place.sync()
    place.repository.edit(1, state="closed", state_reason="not_planned")
    assert await place.sync() == {"left_updated": 1}
    place.later(hours=2)
    assert await place.sync() == {}
    assert place.rows()["A"]["Status"] == "Done"


async def test_an_issue_that_is_opened_again_comes_back(place: Place) -> None:
    place.add_row("A")
    await place.sync()
    place.person.trash(place.rows()["A"]["id"])
    await place.sync()
    place.later(minutes=1)
    place.repository.edit(1, state="open")
    assert await place.sync() == {"left_created": 1}
    assert set(place.rows()) == {"A"}


async def test_a_deleted_issue_takes_its_row_and_a_moved_one_does_not(place: Place) -> None:
    for name in ("Deleted", "Moved", "Stays"):
        place.repository.open_issue(name)
    await place.sync()
    place.repository.delete(1)
    place.repository.transfer(2, place.github.make_repository("octo/attic"))
    place.later(hours=2)
    report = await place.run()
    assert dict(report.outcome.counts) == {"left_deleted": 1}
    assert "does not say that it was deleted" in report.outcome.skipped[0]
    assert set(place.rows()) == {"Moved", "Stays"}


async def test_an_edit_beats_a_deletion_under_its_own_number(place: Place) -> None:
    place.repository.open_issue("A", body="Old")
    await place.sync()
    row = place.rows()["A"]["id"]
    place.person.trash(row)
    place.later(minutes=2)
    place.repository.edit(1, body="New")
    await place.run()
    await place.sync()
    assert place.rows()["A"]["page body"] == "New"
    assert place.issues()["A"]["body"] == "New"
    assert len(place.repository.issues) == 1


async def test_a_lost_answer_makes_no_second_issue(place: Place) -> None:
    place.add_row("A", "Text")
    place.github.faults.add(Fault(method="POST", path="/issues$", applied=True, drop=True))
    report = await place.run()
    assert report.status == "failed"
    await place.sync()
    assert len(place.repository.issues) == 1
    assert place.rows()["A"]["page body"] == place.issues()["A"]["body"] == "Text"


async def test_an_idle_run_asks_github_once(place: Place) -> None:
    place.repository.open_issue("A")
    await place.sync()
    place.github.requests.clear()
    left = place.github.remaining
    assert (await place.run()).status == "succeeded"
    assert [status for _, _, status in place.github.requests] == [304]
    assert place.github.remaining == left


async def test_a_value_that_does_not_fit_holds_itself_only(place: Place) -> None:
    place.add_row("A")
    await place.sync()
    row = place.rows()["A"]["id"]
    place.person.edit_page(row, {"Tags": tags("z" * 51), "Status": status("Done")})
    report = await place.run()
    assert "51 signs, GitHub takes 50" in report.reason
    assert place.issues()["A"]["state"] == "closed"
    place.person.edit_page(row, {"Tags": tags("short")})
    await place.run()
    assert place.issues()["A"]["labels"] == ["short"]


async def test_rows_are_paired_with_issues_by_their_titles(place: Place) -> None:
    place.repository.open_issue("Same thing")
    place.add_row("same Thing ")
    report = await place.run()
    assert not {"left_created", "right_created"} & (+report.outcome.counts).keys()
    assert len(place.rows()) == len(place.issues()) == 1
