"""A local Notion workspace and a local GitHub, with a task between a data source and a repository."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import count
from pathlib import Path

import pytest

from sandbox.github import GitHub
from sandbox.notion import Sandbox
from tests.tasks.services.notion_github.place import COLUMNS, Place

_NAMES = count(1)


@pytest.fixture(scope="module")
def served() -> Iterator[tuple[Sandbox, GitHub]]:
    with Sandbox() as sandbox, GitHub() as github:
        yield sandbox, github


@pytest.fixture
def place(served: tuple[Sandbox, GitHub], tmp_path: Path) -> Iterator[Place]:
    sandbox, github = served
    person = sandbox.person("Ada")
    yield Place(
        sandbox,
        github,
        person,
        person.create_data_source("Issues", COLUMNS),
        github.make_repository(f"octo/board-{next(_NAMES)}"),
        tmp_path,
    )
    sandbox.faults.clear()
    github.faults.clear()
