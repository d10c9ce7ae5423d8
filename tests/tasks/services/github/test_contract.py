"""The issues of a repository are held to all that the contract of a side says."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from sandbox.github import GitHub, Repository
from tasks.services.github import ISSUE
from tasks.testing import Rule, SideReport, check_side
from tests.tasks.services.github.conftest import side_of

pytestmark = pytest.mark.timeout(300)

WRITTEN = [name for name, attribute in ISSUE.items() if attribute.writable]


def check(github: GitHub, repository: Repository, options: Mapping[str, Any], **how: Any) -> SideReport:
    repository.people = ["ada", "octocat", "grace"]
    repository.add_label("bug")
    repository.add_milestone("1.0")
    return check_side(
        lambda: side_of(github, repository, **options),
        advance=github.clock.advance,
        steps=8,
        **how,
    )


def test_issues_keep_the_contract(github: GitHub, repository: Repository) -> None:
    report = check(github, repository, {}, only=WRITTEN)
    assert report.ok, report.text
    assert {
        Rule.UPDATE,
        Rule.PRECONDITION,
        Rule.UNFIT,
        Rule.GONE,
        Rule.CREATE_ONCE,
        Rule.MADE,
    } <= report.reached.keys()
    assert {Rule.RESTORE_VALUES, Rule.CHANGES_ALL, Rule.CHANGES_NEXT} <= report.reached.keys()


def test_issues_that_are_deleted_for_good_keep_the_contract(github: GitHub, repository: Repository) -> None:
    report = check(github, repository, {"delete": "delete"}, only=["title", "state", "labels"])
    assert report.ok, report.text
    assert Rule.GONE in report.reached


def test_issues_of_which_closed_ones_are_gone_keep_the_contract(
    github: GitHub, repository: Repository
) -> None:
    report = check(github, repository, {"closed": "gone"}, only=["title", "body", "milestone"])
    assert report.ok, report.text
    assert {Rule.GONE, Rule.RESTORE} <= report.reached.keys()
