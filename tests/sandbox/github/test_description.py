"""Every answer of the stand-in has the shape that GitHub's description gives it, and odd ones are noticed."""

from __future__ import annotations

import json
from collections.abc import Iterator

import httpx
import jsonschema_rs
import pytest

from sandbox.github import GitHub, Repository
from tests.sandbox.github.description import DESCRIPTION, check_answer, check_request, operation_of


@pytest.fixture(scope="module")
def github() -> Iterator[GitHub]:
    with GitHub(tokens={"t0ken"}) as served:
        yield served


@pytest.fixture
def repository(github: GitHub) -> Iterator[Repository]:
    made = github.make_repository("octo/described")
    yield made
    github.remove(made)


@pytest.fixture
def api(github: GitHub) -> Iterator[httpx.Client]:
    def hold(response: httpx.Response) -> None:
        response.read()
        check_request(response.request)
        check_answer(response.request, response)

    headers = {"Authorization": "Bearer t0ken"}
    with httpx.Client(base_url=github.url, headers=headers, event_hooks={"response": [hold]}) as client:
        yield client


def test_every_operation_answers_as_described(
    api: httpx.Client, github: GitHub, repository: Repository
) -> None:
    at = f"/repos/{repository.name}"
    repository.add_label("bug")
    other = {"title": "A", "labels": ["bug", "new"], "assignees": ["ADA"], "type": "Bug"}
    milestone = api.post(f"{at}/milestones", json={"title": "1.0"}).json()["number"]
    made = api.post(f"{at}/issues", json={**other, "milestone": milestone, "body": "Text"})
    assert made.status_code == 201
    repository.issues[made.json()["number"]].author = None  # the account is gone
    pull = repository.open_pull("Code")
    for path in (
        at, f"{at}/issues", f"{at}/issues/1", f"{at}/issues/{pull}", f"{at}/labels", f"{at}/milestones",
        f"{at}/issues/1/events", f"{at}/assignees", f"{at}/assignees/ada", f"{at}/issue-types",
    ):  # fmt: skip
        assert api.get(path).is_success, path
    closed = api.patch(f"{at}/issues/1", json={"state": "closed", "state_reason": "not_planned"}).json()
    assert (closed["state"], closed["state_reason"]) == ("closed", "not_planned")
    same = api.patch(f"{at}/issues/1", json={"state": "closed", "state_reason": "completed"}).json()
    assert same["state_reason"] == "not_planned"  # ignored, as the state stays
    assert api.patch(f"{at}/issues/1", json={"state": "open"}).json()["state_reason"] == "reopened"
    asked = {operation_of(method, path) for method, path, status in github.requests if status < 300}
    assert DESCRIPTION["operations"].keys() - asked == {
        "POST /app/installations/{installation_id}/access_tokens"  # asked by an app
    }


@pytest.mark.parametrize(
    ("fields", "status"),
    [
        ({"title": ""}, 422),
        ({"title": "x" * 257}, 422),
        ({"title": "x", "body": "y" * 65_537}, 422),
        ({"title": "x", "labels": ["z" * 51]}, 422),
        ({"title": "x", "assignees": ["nobody"]}, 422),
        ({"title": "x", "milestone": 77}, 422),
        ({"title": "x", "type": "Nothing"}, 422),
    ],
)
def test_what_does_not_fit_is_refused_and_nothing_is_made(
    api: httpx.Client, repository: Repository, fields: dict[str, object], status: int
) -> None:
    assert api.post(f"/repos/{repository.name}/issues", json=fields).status_code == status
    assert not repository.issues


def test_moved_deleted_hidden_and_archived(api: httpx.Client, github: GitHub, repository: Repository) -> None:
    one, two = repository.open_issue("One"), repository.open_issue("Two")
    other = github.make_repository("octo/other")
    there = repository.transfer(one, other)
    repository.delete(two)
    at = f"/repos/{repository.name}"
    moved = api.get(f"{at}/issues/{one}")
    assert moved.status_code == 301
    assert moved.headers["location"].endswith(f"/repositories/{other.id}/issues/{there}")
    assert api.patch(f"{at}/issues/{one}", json={"title": "x"}).status_code == 307
    assert api.get(f"{at}/issues/{two}").status_code == 410
    assert api.get(f"{at}/issues/99").status_code == 404
    github.rename(repository, "octo/renamed")
    assert api.get(at).headers["location"] == f"{github.url}/repositories/{repository.id}"
    assert api.get(f"/repositories/{repository.id}").json()["full_name"] == "octo/renamed"
    repository.archived = True
    assert api.post("/repos/octo/renamed/issues", json={"title": "x"}).status_code == 403
    repository.hidden = True
    assert api.get("/repos/octo/renamed").status_code == 404
    github.remove(other)


def test_an_unchanged_answer_costs_nothing(api: httpx.Client, github: GitHub, repository: Repository) -> None:
    repository.open_issue("One")
    at = f"/repos/{repository.name}/issues"
    first = api.get(at)
    left = github.remaining
    again = api.get(at, headers={"If-None-Match": first.headers["etag"]})
    assert (again.status_code, github.remaining) == (304, left)
    repository.edit(1, title="Two")
    assert api.get(at, headers={"If-None-Match": first.headers["etag"]}).status_code == 200


def test_pages_are_linked_by_the_repositorys_id(api: httpx.Client, repository: Repository) -> None:
    for number in range(5):
        repository.open_issue(f"Issue {number}")
    seen: list[int] = []
    url: str | None = f"/repos/{repository.name}/issues?per_page=2&direction=asc&state=all"
    while url:
        page = api.get(url)
        seen += [one["number"] for one in page.json()]
        url = page.links.get("next", {}).get("url")
        assert url is None or f"/repositories/{repository.id}/issues" in url
    assert seen == [1, 2, 3, 4, 5]


def test_who_is_not_known_is_not_let_in(github: GitHub, repository: Repository) -> None:
    for headers in ({}, {"Authorization": "Bearer other"}):
        answer = httpx.get(f"{github.url}/repos/{repository.name}", headers=headers)
        assert answer.status_code == 401, headers


def test_another_shape_is_noticed(github: GitHub, repository: Repository) -> None:
    repository.open_issue("One")
    request = httpx.Request("GET", f"{github.url}/repos/{repository.name}/issues/1")
    good = httpx.get(request.url, headers={"Authorization": "Bearer t0ken"}).json()
    check_answer(request, httpx.Response(200, json=good))
    for broken in ({**good, "number": "1"}, {name: good[name] for name in good if name != "labels"}):
        with pytest.raises(jsonschema_rs.ValidationError):
            check_answer(request, httpx.Response(200, json=broken))
    with pytest.raises(AssertionError, match="knows no"):
        check_request(httpx.Request("PATCH", request.url, content=json.dumps({"colour": "red"})))
