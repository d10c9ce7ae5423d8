"""A local GitHub with a repository for each test, and sides that ask it as fast as the machine is."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable, Iterator
from contextlib import asynccontextmanager
from itertools import count
from typing import Any

import pytest

from sandbox.github import GitHub, Repository
from tasks.services.github import Client, Issue, Issues, Pace
from tasks.services.github.login import Login
from tests.sandbox.github.description import Described

_NAMES = count(1)


class LocalIssues(Issues):
    """Issues of the stand-in: no seconds between writes, short patience, no lag of listings."""

    patience = 5.0

    def make_client(self, login: Login) -> Client:
        return Client(
            self._url,
            login,
            pace=Pace(0),
            patience=self.patience,
            first_delay=0.01,
            transport=Described(),
        )


@pytest.fixture(scope="module")
def served() -> Iterator[GitHub]:
    with GitHub() as github:
        yield github


@pytest.fixture
def github(served: GitHub) -> Iterator[GitHub]:
    served.requests.clear()
    served.faults.clear()
    served.remaining = 5000
    yield served
    served.faults.clear()


@pytest.fixture
def repository(github: GitHub) -> Repository:
    return github.make_repository(f"octo/board-{next(_NAMES)}")


def side_of(github: GitHub, repository: Repository, **options: Any) -> LocalIssues:
    return LocalIssues(repository.name, token="t0ken", url=github.url, **options)


@asynccontextmanager
async def opened(side: LocalIssues, remembered: Any = None) -> AsyncIterator[LocalIssues]:
    """A side in a run."""
    side.open()
    try:
        side.recall(remembered, {})
        await side.describe()
        yield side
    finally:
        await side.close()


@pytest.fixture
async def side(github: GitHub, repository: Repository) -> AsyncIterator[LocalIssues]:
    async with opened(side_of(github, repository)) as one:
        github.requests.clear()
        yield one


@pytest.fixture
def small_pages(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tasks.services.github.pages.PER_PAGE", 3)


def titles(issues: Iterable[Issue]) -> list[str]:
    return [issue.values["title"] for issue in issues]
