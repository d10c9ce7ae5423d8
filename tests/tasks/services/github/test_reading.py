"""What is listed, what changed, and what neither a listing nor an answer proves."""

from __future__ import annotations

import gc
from datetime import timedelta
from itertools import count

import pytest

from sandbox.github import Fault, GitHub, Repository
from tasks.errors import CursorExpiredError, SideError, TaskDefinitionError
from tasks.services.github.issue import Issue
from tasks.sides import Kind, State
from tests.tasks.services.github.conftest import LocalIssues, opened, side_of, titles


def open_issues(repository: Repository, number: int) -> None:
    for each in range(number):
        repository.open_issue(f"Issue {each}")


async def test_an_issue_is_read_with_all_its_values(side: LocalIssues, repository: Repository) -> None:
    milestone = repository.add_milestone("1.0").number
    number = repository.open_issue(
        "Leak", body="One\r\nTwo", labels=["b", "A"], assignees=["ada"], milestone=milestone, type="Bug",
        state="closed", state_reason="duplicate",
    )  # fmt: skip
    (issue,) = await side.list()
    values = side.values(issue)
    assert values["body"] == "One\nTwo"
    assert values["state"] is State.CANCELLED
    assert values["labels"] == ("A", "b")
    assert (values["assignees"], values["milestone"], values["type"]) == (("ada",), "1.0", "Bug")
    assert values["number"] == number
    assert values["closed"] == values["updated"] == side.edited(issue)
    assert side.title(issue) == f"Leak (#{number})"
    assert str(side.address(issue)).endswith(f"/{repository.name}/issues/{number}")
    assert side.id(issue) == f"{repository.id}#{number}"


async def test_pull_requests_are_no_issues(side: LocalIssues, repository: Repository) -> None:
    repository.open_issue("Issue")
    pull = repository.open_pull("Code")
    listing = await side.list()
    assert titles(listing) == ["Issue"]
    repository.comment(pull)
    changes = await side.changes(listing.cursor)
    assert titles(changes.changed) == ["Issue"]
    assert await side.get(f"{repository.id}#{pull}") is None
    assert not await side.is_gone(f"{repository.id}#{pull}")


async def test_an_issue_without_text_and_of_nobody(side: LocalIssues, repository: Repository) -> None:
    number = repository.open_issue("Bare")
    repository.issues[number].author = None
    (issue,) = await side.list()
    assert issue.values["body"] == ""


async def test_one_that_cannot_be_read_is_named_and_the_others_go_on(
    github: GitHub, side: LocalIssues, repository: Repository
) -> None:
    for title in ("One", "Two"):
        repository.open_issue(title)
    cursor = (await side.list()).cursor
    raw = (await side.records()).client
    answer = await raw.get(f"repositories/{repository.id}/issues", params={"state": "all"}, subject="test")
    odd = [{**one, "state": "melted"} if one["title"] == "One" else one for one in answer.body]
    date = github.clock.now().strftime("%a, %d %b %Y %H:%M:%S GMT")
    github.faults.add(Fault(path="/issues$", times=2, body=odd, headers={"Date": date}))
    listing = await side.list()
    assert titles(listing) == ["Two"]
    assert listing.partial is None
    assert "'One'" in listing.unreadable[f"{repository.id}#1"]
    assert "melted" in listing.unreadable[f"{repository.id}#1"]
    changes = await side.changes(cursor)
    assert changes.unreadable == listing.unreadable


# -- pages ------------------------------------------------------------------------------------------------


@pytest.mark.usefixtures("small_pages")
async def test_all_pages_are_read(github: GitHub, side: LocalIssues, repository: Repository) -> None:
    wanted = [f"Issue {number}" for number in range(8)]
    for title in wanted:
        repository.open_issue(title)
    left = github.remaining
    assert titles(await side.list()) == wanted
    assert left - github.remaining == 3  # the second look costs nothing


@pytest.mark.usefixtures("small_pages")
async def test_what_is_taken_away_between_two_pages_hides_nothing(
    github: GitHub, side: LocalIssues, repository: Repository
) -> None:
    open_issues(repository, 8)
    github.faults.add(Fault(path="/issues$", then=lambda: repository.delete(1)))
    listing = await side.list()
    assert set(titles(listing)) >= {f"Issue {number}" for number in range(1, 8)}
    assert listing.partial is None
    # It was seen before it went, and no changes will ever tell that it did: the next run lists all again.
    assert listing.cursor is None
    assert titles(again := await side.list()) == [f"Issue {number}" for number in range(1, 8)]
    assert again.cursor is not None


@pytest.mark.usefixtures("small_pages")
async def test_a_page_is_given_before_the_next_one_is_asked_for(
    github: GitHub, side: LocalIssues, repository: Repository
) -> None:
    open_issues(repository, 8)
    await side.check(["title"])
    github.requests.clear()
    told = [(titles(page), len(github.requests)) async for page in side.pages()]
    assert [len(found) for found, _ in told] == [3, 3, 2, 0]
    assert [asked for _, asked in told] == [1, 2, 3, 6]  # and each once more, at the end


@pytest.mark.usefixtures("small_pages")
@pytest.mark.parametrize("meanwhile", ["edited", "opened", "closed"])
async def test_what_happens_while_pages_are_read_is_among_the_next_changes(
    github: GitHub, side: LocalIssues, repository: Repository, meanwhile: str
) -> None:
    open_issues(repository, 8)

    def happen() -> None:
        if meanwhile == "opened":
            repository.open_issue("New")
        else:
            repository.edit(1, **({"title": "New"} if meanwhile == "edited" else {"state": "closed"}))

    github.faults.add(Fault(path="/issues$", then=happen))
    listing = await side.list()
    assert sorted({side.id(one) for one in listing}) == sorted(side.id(one) for one in listing)
    changes = await side.changes(listing.cursor)
    shown = {side.id(one): side.values(one) for one in [*listing, *changes.changed]}
    assert shown == {side.id(one): side.values(one) for one in await side.list()}


@pytest.mark.usefixtures("small_pages")
async def test_of_a_long_listing_a_page_is_held_at_a_time(
    github: GitHub, side: LocalIssues, repository: Repository
) -> None:
    open_issues(repository, 8)
    gc.collect()
    before = issues_held()
    assert max([issues_held() - before async for _ in side.pages()]) == 3


@pytest.mark.usefixtures("small_pages")
async def test_a_listing_that_never_comes_to_rest_is_partial(
    github: GitHub, side: LocalIssues, repository: Repository, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tasks.services.github.pages.PASSES", 2)
    open_issues(repository, 40)
    asked = count()

    def take_away() -> None:
        if next(asked) % 2 == 0:
            repository.delete(min(one.number for one in repository.here()))

    github.faults.add(Fault(path="/issues$", times=999, then=take_away))
    listing = await side.list()
    assert "again and again" in str(listing.partial)


@pytest.mark.usefixtures("small_pages")
@pytest.mark.parametrize(
    "fault",
    [
        Fault(path="/issues$", skip=1, times=99, status=502),
        Fault(path="/issues$", skip=1, times=99, cut=True),
        Fault(path="/issues$", skip=1, times=99, drop=True),
        Fault(path="/issues$", skip=1, body={"message": "odd"}),
        Fault(path="/issues$", skip=1, status=404, message="Not Found"),
    ],
)
async def test_a_listing_that_is_cut_off_is_none(
    github: GitHub, side: LocalIssues, repository: Repository, fault: Fault
) -> None:
    open_issues(repository, 5)
    github.faults.add(fault)
    with pytest.raises(SideError):
        await side.list()


@pytest.mark.usefixtures("small_pages")
async def test_a_page_that_comes_only_at_the_second_time(
    github: GitHub, side: LocalIssues, repository: Repository
) -> None:
    open_issues(repository, 5)
    for fault in (Fault(path="/issues$", skip=1, status=503), Fault(path="/issues$", skip=1, cut=True)):
        github.faults.add(fault)
    assert len(await side.list()) == 5


async def test_a_next_page_elsewhere_is_not_asked(
    github: GitHub, side: LocalIssues, repository: Repository
) -> None:
    link = {"Link": '<https://elsewhere.example.org/issues?page=2>; rel="next"'}
    github.faults.add(Fault(path="/issues$", body=[], headers=link))
    with pytest.raises(SideError, match="astray"):
        await side.list()


def issues_held() -> int:
    return sum(isinstance(one, Issue) for one in gc.get_objects())


# -- changes ----------------------------------------------------------------------------------------------


async def test_an_idle_poll_is_one_request_that_costs_nothing(github: GitHub, repository: Repository) -> None:
    repository.open_issue("One")
    async with opened(side_of(github, repository)) as side:
        cursor = (await side.list()).cursor
        cursor = (await side.changes(cursor)).cursor
        remembered = side.remembered()
    github.requests.clear()
    left = github.remaining
    async with opened(side_of(github, repository), remembered) as side:
        await side.check(["title", "labels"])
        changes = await side.changes(cursor)
    assert not changes.changed
    assert changes.cursor == cursor
    assert [status for _, _, status in github.requests] == [304]
    assert github.remaining == left
    repository.edit(1, title="Two")
    async with opened(side_of(github, repository), remembered) as side:
        changes = await side.changes(cursor)
        assert titles(changes.changed) == ["Two"]
        github.requests.clear()
        assert not (await side.changes(changes.cursor)).changed
    assert [status for _, _, status in github.requests] == [304]


@pytest.mark.usefixtures("small_pages")
async def test_many_changes_are_read_in_pages_and_the_cursor_moves_on(
    github: GitHub, side: LocalIssues, repository: Repository
) -> None:
    cursor = (await side.list()).cursor
    github.clock.advance(timedelta(hours=1))
    open_issues(repository, 40)
    changes = await side.changes(cursor)
    assert len(changes.changed) == 40
    assert changes.cursor["since"] > cursor["since"]
    github.clock.advance(timedelta(hours=1))
    repository.edit(7, title="Late")
    changes = await side.changes(changes.cursor)
    assert "Late" in titles(changes.changed)


@pytest.mark.usefixtures("small_pages")
async def test_an_edit_while_the_listing_goes_on_is_in_the_changes_since(
    github: GitHub, side: LocalIssues, repository: Repository
) -> None:
    for number in range(4):
        repository.open_issue(f"Issue {number}")
        github.clock.advance(timedelta(hours=1))

    def edits() -> None:
        repository.edit(1, title="Edited")
        github.clock.advance(timedelta(hours=1))  # and a newer one on a page that is read after it
        repository.edit(4, title="Newer")

    github.faults.add(Fault(path="/issues$", skip=2, then=edits))
    listing = await side.list()
    changes = await side.changes(listing.cursor)
    assert {"Edited", "Newer"} <= set(titles(listing)) | set(titles(changes.changed))


@pytest.mark.parametrize(
    "cursor",
    [
        {}, None, 7, "x", {"repository": 1, "since": "2026-01-01T00:00:00Z", "etag": None},
        {"repository": "here", "since": "yesterday", "etag": None},
        {"repository": "here", "since": "2026-01-01T00:00:00", "etag": None},
    ],
)  # fmt: skip
async def test_a_cursor_of_no_use(side: LocalIssues, repository: Repository, cursor: object) -> None:
    if isinstance(cursor, dict) and cursor.get("repository") == "here":
        cursor = {**cursor, "repository": repository.id}
    with pytest.raises(CursorExpiredError):
        await side.changes(cursor)


async def test_an_issue_deleted_between_the_listings_is_found_by_the_next_one(
    side: LocalIssues, repository: Repository
) -> None:
    one, two = repository.open_issue("One"), repository.open_issue("Two")
    cursor = (await side.list()).cursor
    repository.delete(one)
    changes = await side.changes(cursor)
    assert not changes.deleted
    assert titles(await side.list()) == ["Two"]
    assert await side.is_gone(f"{repository.id}#{one}")
    assert not await side.is_gone(f"{repository.id}#{two}")


# -- missing is not deleted ---------------------------------------------------------------------------------


async def test_only_a_plain_word_is_a_deletion(
    github: GitHub, side: LocalIssues, repository: Repository
) -> None:
    moved, gone, there = (repository.open_issue(title) for title in ("Moved", "Gone", "There"))
    repository.transfer(moved, github.make_repository("octo/elsewhere"))
    repository.delete(gone)
    say = {number: await side.is_gone(f"{repository.id}#{number}") for number in (moved, gone, there, 99)}
    assert say == {moved: False, gone: True, there: False, 99: False}
    assert await side.get(f"{repository.id}#{moved}") is None
    assert await side.get(f"{repository.id}#{gone}") is None
    assert titles(await side.list()) == ["There"]


async def test_an_issue_of_another_repository_is_not_gone(side: LocalIssues, repository: Repository) -> None:
    repository.open_issue("One")
    assert await side.get(f"{repository.id + 1}#1") is None
    assert not await side.is_gone(f"{repository.id + 1}#1")


async def test_issues_that_are_switched_off_are_not_gone(side: LocalIssues, repository: Repository) -> None:
    repository.open_issue("One")
    cursor = (await side.list()).cursor
    repository.has_issues = False
    assert not await side.is_gone(f"{repository.id}#1")
    for read in (side.list(), side.changes(cursor)):
        with pytest.raises(SideError, match="switched off"):
            await read


async def test_a_repository_that_vanishes_is_no_empty_listing(
    side: LocalIssues, repository: Repository
) -> None:
    repository.open_issue("One")
    cursor = (await side.list()).cursor
    repository.hidden = True
    assert not await side.is_gone(f"{repository.id}#1")
    for read in (side.list(), side.changes(cursor)):
        with pytest.raises(SideError, match="does not show this login the repository"):
            await read


async def test_a_server_error_says_nothing_of_an_issue(
    github: GitHub, side: LocalIssues, repository: Repository
) -> None:
    repository.open_issue("One")
    github.faults.add(Fault(path="/issues/1", times=99, status=502))
    with pytest.raises(SideError, match="does not answer"):
        await side.is_gone(f"{repository.id}#1")


# -- the repository ----------------------------------------------------------------------------------------


async def test_a_repository_that_was_renamed_is_followed(github: GitHub, repository: Repository) -> None:
    repository.open_issue("One")
    former = side_of(github, repository)
    async with opened(former):
        scope = former.scope()
        cursor = (await former.list()).cursor
    github.rename(repository, "octo/renamed")
    async with opened(former) as side:
        assert titles(await side.list()) == ["One"]
        assert side.scope() == scope
        assert (await side.changes(cursor)).partial is None
    async with opened(side_of(github, repository)) as side:
        assert side.label == "the repository octo/renamed"
        assert side.scope() == scope


async def test_a_repository_that_was_made_anew_is_another_one(github: GitHub) -> None:
    first = github.make_repository("octo/anew")
    first.open_issue("One")
    old = side_of(github, first)
    async with opened(old):
        scope, cursor = old.scope(), (await old.list()).cursor
    github.remove(first)
    second = github.make_repository("octo/anew")
    second.open_issue("Other")
    async with opened(side_of(github, second)) as side:
        assert side.scope() != scope
        assert not await side.is_gone(f"{first.id}#1")
        with pytest.raises(CursorExpiredError):
            await side.changes(cursor)


async def test_the_repository_says_what_issues_may_have(github: GitHub, repository: Repository) -> None:
    repository.add_label("bug")
    repository.add_milestone("1.0")
    async with opened(side_of(github, repository)) as side:
        there = await side.describe()
    assert [option.name for option in there["labels"].options] == ["bug"]
    assert [option.name for option in there["milestone"].options] == ["1.0"]
    assert [option.name for option in there["type"].options] == ["Bug", "Feature", "Task"]
    assert [option.name for option in there["assignees"].options] == ["ada", "octocat"]
    repository.types = None
    async with opened(side_of(github, repository, assignees="people", closed="gone")) as side:
        there = await side.describe()
        assert "type" not in there
        assert "state" not in there
        assert there["assignees"].kind is Kind.PERSON
        with pytest.raises(TaskDefinitionError, match=r"has no state, type, only title"):
            await side.check(["title", "type", "state"])


async def test_where_there_is_no_repository(github: GitHub, repository: Repository) -> None:
    repository.hidden = True
    with pytest.raises(SideError, match=f"no repository {repository.name}.*check the name"):
        async with opened(side_of(github, repository)):
            pass
    repository.hidden, repository.has_issues = False, False
    with pytest.raises(TaskDefinitionError, match="switch them on"):
        async with opened(side_of(github, repository)):
            pass


async def test_an_enterprise_server_has_its_api_elsewhere(github: GitHub, repository: Repository) -> None:
    repository.open_issue("One")
    side = LocalIssues(repository.name, token="t0ken", url=github.enterprise_url, delete="delete")
    async with opened(side):
        (issue,) = await side.list()
        await side.delete(issue)
    assert all(path.startswith("/api/") for _, path, _ in github.requests)
    assert repository.issues[1].deleted
