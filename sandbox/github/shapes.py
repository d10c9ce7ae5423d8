"""The JSON of the API, as its description has it."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from typing import Any

from sandbox.github.clock import stamp
from sandbox.github.records import EventRecord, IssueRecord, LabelRecord, MilestoneRecord


def node(kind: str, number: int) -> str:
    """An id for GraphQL."""
    return base64.b64encode(f"{kind}{number}".encode()).decode().rstrip("=")


def user(url: str, login: str) -> dict[str, Any]:
    """A person; one who deleted the account is the ghost."""
    number = sum(ord(sign) * 31**place for place, sign in enumerate(login)) % 10**8
    here = f"{url}/users/{login}"
    return {
        "login": login,
        "id": number,
        "node_id": node("User", number),
        "avatar_url": f"{url}/avatars/{number}",
        "gravatar_id": "",
        "url": here,
        "html_url": f"{url}/{login}",
        "followers_url": f"{here}/followers",
        "following_url": f"{here}/following{{/other_user}}",
        "gists_url": f"{here}/gists{{/gist_id}}",
        "starred_url": f"{here}/starred{{/owner}}{{/repo}}",
        "subscriptions_url": f"{here}/subscriptions",
        "organizations_url": f"{here}/orgs",
        "repos_url": f"{here}/repos",
        "events_url": f"{here}/events{{/privacy}}",
        "received_events_url": f"{here}/received_events",
        "type": "User",
        "user_view_type": "public",
        "site_admin": False,
    }


def label(here: str, one: LabelRecord) -> dict[str, Any]:
    """A label; `here` is the repository's address."""
    return {
        "id": one.id,
        "node_id": node("Label", one.id),
        "url": f"{here}/labels/{one.name}",
        "name": one.name,
        "color": "ededed",
        "default": False,
        "description": None,
    }


def milestone(url: str, here: str, one: MilestoneRecord) -> dict[str, Any]:
    """A milestone."""
    return {
        "url": f"{here}/milestones/{one.number}",
        "html_url": f"{here}/milestone/{one.number}",
        "labels_url": f"{here}/milestones/{one.number}/labels",
        "id": one.id,
        "node_id": node("Milestone", one.id),
        "number": one.number,
        "title": one.title,
        "description": None,
        "creator": user(url, "octocat"),
        "open_issues": 0,
        "closed_issues": 0,
        "state": "open",
        "created_at": stamp(one.created),
        "updated_at": stamp(one.created),
        "due_on": None,
        "closed_at": None,
    }


def event(url: str, here: str, one: EventRecord) -> dict[str, Any]:
    """Something that happened to an issue."""
    shaped: dict[str, Any] = {
        "id": one.id,
        "node_id": node("Event", one.id),
        "url": f"{here}/issues/events/{one.id}",
        "actor": user(url, "octocat"),
        "event": one.event,
        "commit_id": None,
        "commit_url": None,
        "created_at": stamp(one.created),
        "performed_via_github_app": None,
    }
    return shaped if one.label is None else {**shaped, "label": {"name": one.label, "color": "ededed"}}


def issue_type(name: str, number: int) -> dict[str, Any]:
    """A type of issues."""
    return {
        "id": number,
        "node_id": node("IssueType", number),
        "name": name,
        "description": None,
        "color": "gray",
        "is_enabled": True,
    }


def issue(url: str, here: str, one: IssueRecord, parts: Mapping[str, Any]) -> dict[str, Any]:
    """An issue, or a pull request; `parts` are its labels, milestone and type, shaped."""
    at = f"{here}/issues/{one.number}"
    people = [user(url, login) for login in one.assignees]
    page = f"{here.replace('/repos/', '/')}/issues/{one.number}"
    shaped = {
        "url": at,
        "repository_url": here,
        "labels_url": f"{at}/labels{{/name}}",
        "comments_url": f"{at}/comments",
        "events_url": f"{at}/events",
        "html_url": page,
        "id": one.id,
        "node_id": node("Issue", one.id),
        "number": one.number,
        "title": one.title,
        "user": user(url, one.author) if one.author else None,
        "labels": parts["labels"],
        "state": one.state,
        "state_reason": one.reason,
        "locked": one.locked,
        "active_lock_reason": None,
        "assignee": people[0] if people else None,
        "assignees": people,
        "milestone": parts["milestone"],
        "type": parts["type"],
        "comments": one.comments,
        "created_at": stamp(one.created),
        "updated_at": stamp(one.updated),
        "closed_at": stamp(one.closed),
        "author_association": "MEMBER",
        "body": one.body,
        "timeline_url": f"{at}/timeline",
        "performed_via_github_app": None,
    }
    if parts["type"] is None:
        del shaped["type"]
    if one.is_pull:
        pull = f"{here}/pulls/{one.number}"
        shaped["draft"] = False
        shaped["pull_request"] = {
            "url": pull,
            "html_url": page,
            "diff_url": f"{page}.diff",
            "patch_url": f"{page}.patch",
            "merged_at": None,
        }
    return shaped
