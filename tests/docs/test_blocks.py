"""Every block of code in README and docs is run as it stands there, as far as it can be; pictures apart."""

from __future__ import annotations

import ast
import os
import re
import subprocess
import sys
import tomllib
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from notion_client import Client

from config import Settings, get_settings, load_settings
from sandbox.notion import Sandbox
from tasks import Side, SyncTask, all_tasks
from tasks.database.storages.memory import MemoryStorage
from tasks.database.transport import MemoryTransport
from tasks.journal.state import State
from tasks.journal.state_journal import StateJournal
from tasks.services.notion import SERVICE as NOTION
from tasks.services.notion import DataSource
from tasks.services.notion.columns.column import Column
from tasks.services.notion.source.filters import checked, picked
from tasks.sides import End
from tasks.tables import declare
from tests.docs.pages import PAGES, ROOT, Block, block, blocks
from tests.harness import Process, RedisServer, eventually, free_port
from tests.tasks.sync_task.seed_style import Services, ToDos
from tests.worker.cli.conftest import TASK_MODULE

#: A picture of what a program prints, or of how things hang together: nothing to run.
PICTURE = ""
README, HERE = "tests/acceptance/test_readme.py", "tests/docs/test_blocks.py"
TUTORIAL = "tests/docs/test_tutorial.py"
MAPPING = "tests/tasks/mapping/test_page.py"
POLICIES = "tests/tasks/policies/test_page.py"
CALDAV = "tests/tasks/services/caldav/test_todos.py"
ALARMS = "tests/worker/alarms/test_page.py"
MARKDOWN = "tests/tasks/services/markdown/test_page.py"
DASHBOARD = "tests/worker/web/dashboard/test_access.py"
SQL = "tests/tasks/services/sql/test_set_up.py"
GITHUB = "tests/tasks/services/github/test_page.py"
GOOGLE = "tests/tasks/services/google_tasks"
GOOGLE_SANDBOX = "tests/sandbox/google_tasks/test_documentation.py"
RABBITMQ = "tests/config/test_amqp_address.py"
SENTINELS = "tests/config/test_sentinel_address.py"
ALIKE = "test_the_side_on_the_page_is_made_alike_in_both_languages"
EVENTS = "tests/tasks/services/caldav/test_events.py"
SANDBOX, TESTING = "tests/sandbox/notion/test_documentation.py", "tests/tasks/testing/test_docs.py"

#: By page and begin of its first line, which test runs a block.
RUN_BY = {
    ("README.md", "make demo"): f"{README}::test_every_target_of_make_that_it_names_is_there",
    ("README.md", "[[sync]]"): f"{README}::test_the_first_plan_of_a_newcomer",
    ("README.md", "$ pipx install"): f"{README}::test_the_first_plan_of_a_newcomer",
    ("README.md", "NOTION_TOKEN="): f"{README}::test_the_first_plan_of_a_newcomer",
    ("README.md", "from tasks import TwoWay"): f"{HERE}::test_the_ready_task_in_python",
    ("architecture.md", "lockstep.toml  "): PICTURE,
    ("architecture.md", "beat entry"): PICTURE,
    ("architecture.md", "label, granularity"): PICTURE,
    ("architecture.md", "tasks.merge.attributes"): PICTURE,
    ("bench.md", "make bench"): f"{HERE}::test_the_benches_that_are_named",
    ("caldav.md", "[sync.caldav]"): f"{CALDAV}::{ALIKE}",
    ("caldav.md", "from tasks.services.caldav import Todos"): f"{CALDAV}::{ALIKE}",
    ("caldav.md", "# by its name"): "tests/tasks/services/caldav/test_discovery.py::test_the_calendar_on_the_page",
    ("caldav.md", "[sync.caldav_events]"): f"{EVENTS}::{ALIKE}",
    ("caldav.md", "from tasks.services.caldav import Events"): f"{EVENTS}::{ALIKE}",
    ("cli.md", "$ LOCKSTEP_LOG_LEVEL"): f"{HERE}::test_a_wrong_setting_is_told_as_the_page_shows",
    ("cli.md", "to-dos: halted"): f"{HERE}::test_a_halt_is_told_as_the_page_shows",
    ("cli.md", "$ lockstep rename"): f"{HERE}::test_a_task_gets_another_name_as_the_page_shows",
    ("cli.md", "Scheduler: alive"): PICTURE,
    ("cli.md", "$ lockstep why"): "tests/worker/cli/everyday/test_why.py::test_every_write_of_a_value_is_told_in_order",
    ("cli.md", "This machine"): PICTURE,
    ("cli.md", "LOCKSTEP CRITICAL"): f"{HERE}::test_cron_and_monitors_are_told_as_the_page_shows",
    ("cli.md", "*/10"): f"{HERE}::test_cron_and_monitors_are_told_as_the_page_shows",
    ("cli.md", "NOTION_TOKEN="): "tests/worker/cli/setup/test_init.py::test_a_folder_of_notes_and_the_first_run",
    ("cli.md", "#:schema"): "tests/worker/cli/setup/test_typed.py::test_from_nothing_to_the_first_objects",
    ("cli.md", "lockstep export"): "tests/worker/cli/keeping/test_moving.py::test_a_task_moves_and_goes_on",
    ("cli.md", "Stopped:"): "tests/worker/cli/processes/test_up.py",
    ("deployment.md", "cp deploy/env.example"): "tests/deploy/test_pages.py::test_what_is_typed_for_docker_is_there",
    ("deployment.md", "useradd"): "tests/deploy/test_pages.py::test_what_is_typed_for_systemd_is_there",
    ("deployment.md", "REDIS_URL=sentinel"): f"{SENTINELS}::test_the_addresses_on_the_pages_are_read",
    ("deployment.md", "REDIS_URL=redis"): f"{RABBITMQ}::test_the_address_on_the_page_is_read",
    ("backup.md", "pg_dump"): "tests/deploy/test_pages.py::test_postgresql_is_put_back_as_the_page_has_it",
    ("dashboard.md", "$ python -m worker.web"): f"{DASHBOARD}::test_the_process_refuses_as_the_page_shows",
    ("dashboard.md", "LOCKSTEP_WEB_USER_HEADER"): f"{DASHBOARD}::test_a_proxy_says_who_it_is",
    ("markdown.md", "[sync.markdown]"): f"{MARKDOWN}::test_the_side_on_the_page_is_made_alike",
    ("markdown.md", "from tasks.services"): f"{MARKDOWN}::test_the_side_on_the_page_is_made_alike",
    ("github.md", "[sync.github]"): f"{GITHUB}::test_the_side_on_the_page_is_made_alike_in_both_languages",
    ("github.md", "from tasks.services.github"): f"{GITHUB}::test_the_side_on_the_page_is_made_alike_in_both_languages",
    ("github.md", "import httpx"): f"{GITHUB}::test_the_test_on_the_page_passes",
    ("google-tasks.md", "[sync.google_tasks]"): (
        f"{GOOGLE}/test_service.py::test_the_side_on_the_page_is_made_alike_in_both_languages"
    ),
    ("google-tasks.md", "from tasks.services.google_tasks"): (
        f"{GOOGLE}/test_service.py::test_the_side_on_the_page_is_made_alike_in_both_languages"
    ),
    ("google-tasks.md", "python -m tasks.services"): f"{GOOGLE}/test_consent.py::test_the_command_logs_in",
    ("google-tasks.md", "import httpx"): f"{GOOGLE_SANDBOX}::test_the_account_of_the_page",
    ("mapping.md", "Who = {"): "tests/tasks/mapping/test_people.py::test_the_map_on_the_page_says_who_is_who",
    ("mapping.md", "# in the sync of tasks"): "tests/tasks/references/test_runs.py::test_the_map_on_the_page_is_read",
    ("mapping.md", "# what new objects get"): f"{MAPPING}::test_the_defaults_on_the_page_are_for_both_ends",
    ("mapping.md", "# with texts at the other side"): f"{MAPPING}::test_the_formats_on_the_page_go_with_texts",
    ("mapping.md", "[sync.map]"): f"{MAPPING}::test_the_map_on_the_page_is_read_alike_in_both_languages",
    ("mapping.md", "mapping = {"): f"{MAPPING}::test_the_map_on_the_page_is_read_alike_in_both_languages",
    ("monitoring.md", "$ lockstep alerts"): PICTURE,
    ("monitoring.md", "ALERT_URLS="): f"{ALARMS}::test_the_addresses_on_the_page_are_understood",
    ("monitoring.md", "[[sync]]"): f"{ALARMS}::test_the_ping_on_the_page_is_that_of_a_task",
    ("nodes.md", "for node in"): f"{HERE}::test_two_nodes_in_one_folder",
    ("nodes.md", "[[node]]"): f"{HERE}::test_two_nodes_in_one_folder",
    ("nodes.md", "export LAPTOP_SECRET"): f"{HERE}::test_two_nodes_in_one_folder",
    ("nodes.md", "python3 -c"): f"{HERE}::test_two_nodes_in_one_folder",
    ("nodes.md", "from tasks.database"): f"{HERE}::test_a_node_in_python",
    ("nodes.md", "CREATE TRIGGER"): "tests/tasks/database/sql/test_triggers.py",
    ("notion.md", "from tasks import TwoWay"): f"{HERE}::test_a_data_source_in_python",
    ("notion.md", "[sync.notion]"): f"{HERE}::test_a_data_source_in_a_table",
    ("policies.md", "[sync.columns.notion]"): f"{POLICIES}::test_status_columns_are_read_alike_in_both_languages",
    ("policies.md", "columns ="): f"{POLICIES}::test_status_columns_are_read_alike_in_both_languages",
    ("policies.md", "[sync.delete]"): f"{POLICIES}::test_the_rules_on_the_page_are_read_alike_in_both_languages",
    ("policies.md", "delete ="): f"{POLICIES}::test_the_rules_on_the_page_are_read_alike_in_both_languages",
    ("policies.md", "[[sync]]"): f"{POLICIES}::test_matching_and_settling_are_read_alike_in_both_languages",
    ("policies.md", "# A mirror"): f"{POLICIES}::test_a_mirror_on_the_page_is_read_alike_in_both_languages",
    ("policies.md", "match = "): f"{POLICIES}::test_matching_and_settling_are_read_alike_in_both_languages",
    ("policies.md", "only_to ="): f"{POLICIES}::test_a_mirror_on_the_page_is_read_alike_in_both_languages",
    ("policies.md", "# Link only"): f"{POLICIES}::test_a_first_sync_is_read_alike_in_both_languages",
    ("policies.md", "first_sync = "): f"{POLICIES}::test_a_first_sync_is_read_alike_in_both_languages",
    ("policies.md", "[sync]"): f"{POLICIES}::test_what_is_taken_is_read_alike_in_both_languages",
    ("policies.md", "only = "): f"{POLICIES}::test_what_is_taken_is_read_alike_in_both_languages",
    ("notion.md", "view ="): f"{HERE}::test_the_rows_of_a_data_source_in_a_table",
    ("sandbox.md", "lockstep sandbox notion"): f"{HERE}::test_the_sandbox_is_started",
    ("sandbox.md", "from notion_client"): f"{HERE}::test_clients_of_the_sandbox",
    ("sandbox.md", "from sandbox.notion import ROOT_PAGE_ID"): f"{HERE}::test_clients_of_the_sandbox",
    ("sandbox.md", "python proof/replay_recordings.py"): f"{HERE}::test_recordings_are_replayed",
    ("sandbox.md", "python -m pytest"): f"{HERE}::test_the_tests_that_are_named",
    ("settings.md", "redis_url"): f"{HERE}::test_settings_in_a_file",
    ("settings.md", "REDIS_URL=sentinel"): f"{SENTINELS}::test_the_addresses_on_the_pages_are_read",
    ("settings.md", "ACL SETUSER"): "tests/worker/broker/test_rights.py",
    ("sql.md", "[sync.sql]"): f"{SQL}::test_the_side_on_the_page_is_made_alike_in_both_languages",
    ("sql.md", "from tasks.services.sql"): f"{SQL}::test_the_side_on_the_page_is_made_alike_in_both_languages",
    ("tasks.md", "[[sync]]"): f"{HERE}::test_a_task_in_a_file",
    ("tasks.md", "# All that a schedule may say"): f"{HERE}::test_a_schedule_in_a_file",
    ("tasks.md", "# A service at both ends"): f"{HERE}::test_a_service_at_both_ends",
    ("tasks.md", "from tasks import Side"): f"{HERE}::test_a_side_of_ones_own",
    ("tasks.md", "[project.entry-points"): f"{HERE}::test_a_side_of_ones_own_is_announced",
    ("tasks.md", "from datetime"): f"{HERE}::test_a_task_of_ones_own",
    ("tasks.md", "from tasks import Changes"): f"{HERE}::test_a_task_of_ones_own",
    ("tasks.md", "from tasks import Listing"): f"{HERE}::test_listings_of_a_task_of_ones_own_in_pages",
    ("tasks.md", "task = Contacts"): f"{HERE}::test_a_task_of_ones_own",
    ("tasks.md", "from tasks import run_all_tasks"): f"{HERE}::test_running_without_celery",
    ("testing.md", "import datetime"): f"{TESTING}::test_the_side_passes",
    ("testing.md", "class Trusting"): f"{TESTING}::test_the_mistake_of_a_side_is_told_as_the_page_says",
    ("testing.md", "update of what"): f"{TESTING}::test_the_mistake_of_a_side_is_told_as_the_page_says",
    ("testing.md", "from tasks import TwoWay"): f"{TESTING}::test_the_task_of_two_sides_passes",
    ("testing.md", "from datetime"): f"{TESTING}::test_the_task_passes",
    ("testing.md", "class Attic"): f"{TESTING}::test_the_mistake_of_a_task_is_told_as_the_page_says",
    ("testing.md", "I5 no resurrection"): f"{TESTING}::test_the_mistake_of_a_task_is_told_as_the_page_says",
    ("testing.md", "import httpx"): f"{TESTING}::test_the_side_in_notion_passes",
    ("tutorial.md", "$ mkdir notes"): f"{TUTORIAL}::test_the_tutorial_as_it_is_typed",
    ("tutorial.md", "Action  Object"): f"{TUTORIAL}::test_the_tutorial_as_it_is_typed",
    ("tutorial.md", "$ printf"): f"{TUTORIAL}::test_the_tutorial_as_it_is_typed",
    ("tutorial.md", "$ lockstep up"): f"{README}::test_the_first_plan_of_a_newcomer",
    ("webhooks.md", "python -m worker.web"): f"{HERE}::test_the_web_process_is_started",
}  # fmt: skip

processes = pytest.mark.processes


def run_by(one: Block) -> str | None:
    """The test that runs a block; `None` where nobody knows of one."""
    if one.page == "bench.md" and one.language == "text":
        return PICTURE  # figures: `proof` and `bench` make them
    if one.page == "sandbox.md" and one.line > door_begins():
        return f"{SANDBOX}::test_http" if one.language == "http" else f"{SANDBOX}::test_python"
    found = [
        test for (page, first), test in RUN_BY.items() if page == one.page and one.first.startswith(first)
    ]
    return max(found, key=len) if found else None


def door_begins() -> int:
    lines = (ROOT / "docs/sandbox.md").read_text(encoding="utf-8").splitlines()
    return lines.index("## Back door")


def test_every_block_is_run_by_a_test_that_is_there() -> None:
    known = [one for page in PAGES for one in blocks(page)]
    assert not [str(one) for one in known if run_by(one) is None]
    for page, first in RUN_BY:
        assert any(one.page == page and one.first.startswith(first) for one in known), (page, first)
    for test in {test for one in known if (test := run_by(one))}:
        path, _, name = test.partition("::")
        assert re.search(
            rf"^(?:async )?def {name or 'test_'}", (ROOT / path).read_text("utf-8"), re.MULTILINE
        ), test


@pytest.mark.parametrize("one", [one for page in PAGES for one in blocks(page)], ids=str)
def test_every_block_is_well_formed(one: Block) -> None:
    if one.language == "python":
        ast.parse(one.text.replace("{…}", "{}"))
    if one.language == "toml":
        tomllib.loads(one.text)


# -- what is needed to run them ------------------------------------------------------------------------------


@pytest.fixture
def env(tmp_path: Path) -> dict[str, str]:
    """The environment of a newcomer, in which `lockstep` and `python` are on the PATH."""
    programs = tmp_path / "programs"
    programs.mkdir()
    command = programs / "lockstep"
    command.write_text(f"#!{sys.executable}\nfrom worker.cli import main\nmain()\n")
    command.chmod(0o755)
    for name in ("python", "python3"):
        wrapper = programs / name
        wrapper.write_text(f'#!/bin/sh\nexec {sys.executable} "$@"\n')
        wrapper.chmod(0o755)
    ours = (
        "LOCKSTEP_",
        "REDIS_URL",
        "DATABASE_URL",
        "NOTION_",
        "CALDAV_",
        "GOOGLE_TASKS_",
        "SENTRY_",
        "FLOWER_",
        "LAPTOP_",
        "COLUMNS",
    )
    clean = {name: value for name, value in os.environ.items() if not name.startswith(ours)}
    path = f"{programs}{os.pathsep}{clean['PATH']}"
    return {**clean, "PATH": path, "PYTHONPATH": str(ROOT), "NO_COLOR": "1", "HOME": str(tmp_path)}


@pytest.fixture
def here(tmp_path: Path) -> Path:
    folder = tmp_path / "here"
    folder.mkdir()
    return folder


def shell(script: str, here: Path, env: dict[str, str], **variables: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["bash", "-e", "-c", script], cwd=here, env={**env, **variables}, capture_output=True, text=True,
        timeout=120, check=False,
    )  # fmt: skip


def commands(one: Block) -> list[str]:
    """What is typed in a block, without remarks."""
    return [line.partition("  #")[0].removeprefix("$ ").strip() for line in one.text.splitlines()]


def answers(url: str, **headers: str) -> int | None:
    try:
        return httpx.get(url, headers=headers, timeout=5).status_code
    except httpx.TransportError:
        return None


@pytest.fixture
def known_tasks() -> Iterator[None]:
    """Lets a test schedule tasks and forgets them."""
    before = set(all_tasks)
    get_settings.cache_clear()
    yield
    all_tasks.intersection_update(before)


def executed(one: Block, text: str = "", **names: Any) -> dict[str, Any]:
    known = {"__name__": "example", **names}
    exec(compile(text or one.text, str(one), "exec"), known)
    return known


def whole(kind: type[SyncTask]) -> type[SyncTask]:
    """A class with all that its block leaves to the reader."""
    given = {name: thing for name, thing in vars(kind).items() if name.startswith("notion_")}
    across = {name.replace("notion_", "other_"): thing for name, thing in given.items()}
    rest = {name: lambda self, *_: [] for name in kind.__abstractmethods__ - across.keys()}
    return type(kind.__name__, (kind,), across | rest)


# -- the README and the page about tasks -----------------------------------------------------------------------


SOURCE = "1" * 32


def filled(text: str) -> str:
    """An example with a data source and an address in place of what it leaves out."""
    return text.replace("https://…", "https://example.org/dav/").replace('"…"', f'"{SOURCE}"')


def test_the_ready_task_in_python(known_tasks: None) -> None:
    example = block("README.md", "from tasks import TwoWay")
    executed(example, filled(example.text))
    (task,) = (task for task in all_tasks if task.name == "todos")
    assert str(task.plan_schedule) == "every 5 min"


def test_a_task_in_a_file(known_tasks: None) -> None:
    example = filled(block("tasks.md", "[[sync]]").text)
    for text in (example, re.sub(r"^# (\w+ = )", r"\1", example, flags=re.MULTILINE)):
        (task,) = declare(tomllib.loads(text)["sync"])
        all_tasks.discard(task)
        assert task.name == "todos"
        pairs = {pair.left: pair for pair in task.pairs or ()}
        assert (pairs["Due"].mode, pairs["Notes"].only_to) == ("left", End.LEFT)
        assert pairs["Status"].values == {"Waiting": "needs action"}
        assert task.constants == {End.RIGHT: {"categories": ["from Notion"]}}
    assert not task.edit_beats_delete  # the last one is that with all that is commented out


def test_a_service_at_both_ends(known_tasks: None) -> None:
    (task,) = declare(tomllib.loads(filled(block("tasks.md", "# A service at both ends").text))["sync"])
    assert {type(side) for side in task.sides.values()} == {DataSource}
    assert task.conflict_mode == "notion"  # what the left one is called inside


def test_a_schedule_in_a_file(known_tasks: None) -> None:
    (task,) = declare(tomllib.loads(filled(block("tasks.md", "# All that a schedule may say").text))["sync"])
    plan = task.plan_schedule
    assert (plan.cron, plan.timezone, plan.quiet) == (
        "*/15 8-17 * * mon-fri",
        "Europe/Berlin",
        ("12:00-13:00",),
    )
    assert (plan.jitter.total_seconds(), plan.catch_up, plan.pause_after) == (30, "skip", 5)


def test_a_side_of_ones_own(known_tasks: None) -> None:
    example = block("tasks.md", "from tasks import Side")
    names = executed(example, filled(example.text), client=object())
    own = {name for name in vars(names["AddressBook"]) if not name.startswith("_")}
    assert own <= set(dir(Side))
    assert len(own) == 10  # nine methods and a label: what the page calls about ten
    (task,) = (task for task in all_tasks if task.name == "contacts")
    assert str(task.plan_schedule) == "every 10 min"


def test_a_side_of_ones_own_is_announced() -> None:
    shown = tomllib.loads(block("tasks.md", "[project.entry-points").text)
    example = tomllib.loads((ROOT / "examples/lockstep-todotxt/pyproject.toml").read_text("utf-8"))
    assert shown["project"]["entry-points"] == example["project"]["entry-points"]


def test_a_task_of_ones_own(known_tasks: None) -> None:
    example = block("tasks.md", "from datetime")
    definition, _, last = example.text.rpartition("\n\n\n")
    names = executed(example, definition)
    given = {name for name in vars(names["Contacts"]) if not name.startswith("__")}
    assert {name for name in given if not hasattr(SyncTask, name)} <= {"_abc_impl"}
    names["Contacts"] = whole(names["Contacts"])
    exec(last, names)
    (task,) = (task for task in all_tasks if task.name == "contacts")
    assert str(task.plan_schedule) == "every 10 min"
    changes = executed(block("tasks.md", "from tasks import Changes"))
    assert all(hasattr(SyncTask, name) for name in ("other_changes", "other_get_obj") if name in changes)
    modes = block("tasks.md", "task = Contacts")
    mapped = executed(modes, modes.text.replace("{…}", '{"Mail": "mail", "Owner": "owner"}'), **names)["task"]
    assert mapped.conflict_modes == {"Mail": "other", "Owner": "notion"}
    assert not mapped.edit_beats_delete


async def test_listings_of_a_task_of_ones_own_in_pages() -> None:
    listing = executed(block("tasks.md", "from tasks import Listing"))["get_other_objects"]
    services = Services()
    for name in "abcde":
        services.todo(name)

    class Client:
        async def now(self) -> str:
            return "now"

        async def pages(self, size: int) -> AsyncIterator[list[Any]]:
            assert size == 100
            for start in range(0, len(services.todos), 2):
                yield services.todos[start : start + 2]

    task = type("Paged", (ToDos,), {"get_other_objects": listing, "client": Client()})(services)
    await task.run(StateJournal(State()))
    assert [name for name, _ in services.agreed()] == list("abcde")
    listed = await task.pairing().sides[End.RIGHT].list()
    assert (list(listed), listed.cursor) == (services.todos, "now")


@processes
def test_running_without_celery(here: Path, env: dict[str, str]) -> None:
    text = block("tasks.md", "from tasks import run_all_tasks").text
    done = subprocess.run([sys.executable, "-c", text], cwd=here, env=env, timeout=60, check=False)
    assert done.returncode == 0


def test_a_data_source_in_python(known_tasks: None) -> None:
    example = block("notion.md", "from tasks import TwoWay")
    executed(example, example.text.replace("…", SOURCE), Diary=lambda: DataSource(SOURCE))
    assert "chores" in {task.name for task in all_tasks}


def test_a_data_source_in_a_table() -> None:
    said = tomllib.loads(block("notion.md", "[sync.notion]").text.replace("…", SOURCE))["sync"]["notion"]
    side = NOTION.make(NOTION.table.model_validate(said))
    assert isinstance(side, DataSource)
    assert side.date_ranges == {"When"}


def test_the_rows_of_a_data_source_in_a_table() -> None:
    text = block("notion.md", "view =").text.replace("…", "1" * 32)
    side = NOTION.make(NOTION.table.model_validate({"data_source": SOURCE} | tomllib.loads(text)))
    assert isinstance(side, DataSource)
    assert side.view is not None
    columns = {
        "State": Column("State", "st", "status", ("To do", "Doing")),
        "Done": Column("Done", "dn", "checkbox"),
        "Due": Column("Due", "du", "date"),
    }
    assert picked(side.only or {}, columns, "here") is not None
    assert checked(side.filter, columns, "here")["date"] == {"on_or_after": "2026-07-01"}


def test_settings_in_a_file() -> None:
    data = tomllib.loads(block("settings.md", "redis_url").text)
    assert data.keys() <= set(Settings.model_fields)
    assert load_settings(redis_url=data["redis_url"], log_level=data["log_level"]).log_level == "DEBUG"


# -- the command line ------------------------------------------------------------------------------------------


def told(text: str) -> str:
    """What is said, without regard to ids, times and lines."""
    text = re.sub(r"\b[0-9a-f]{12}\b", "<id>", re.sub(r"\b\d+\.\d s\b", "<time>", text))
    return " ".join(text.split())


@pytest.fixture
def project(here: Path) -> Path:
    (here / "file_tasks.py").write_text(TASK_MODULE)
    (here / "lockstep.toml").write_text('tasks = ["file_tasks"]\n')
    for side in ("notion", "other"):
        _keep(here, side, 12)
    return here


def _keep(project: Path, side: str, number: int) -> None:
    objects = [f'{{"id": "{side}-{one}", "title": "{one}", "edited": 1700000000}}' for one in range(number)]
    (project / f"to-dos-{side}.json").write_text(f"[{', '.join(objects)}]")


@processes
def test_a_wrong_setting_is_told_as_the_page_shows(here: Path, env: dict[str, str]) -> None:
    typed, shown = block("cli.md", "$ LOCKSTEP_LOG_LEVEL").text.splitlines()
    done = shell(typed.removeprefix("$ "), here, env)
    assert (done.returncode, done.stdout, done.stderr) == (2, "", shown + "\n")


@processes
def test_a_halt_is_told_as_the_page_shows(project: Path, env: dict[str, str]) -> None:
    assert shell("lockstep run to-dos", project, env).returncode == 0
    _keep(project, "notion", 2)
    done = shell("lockstep run to-dos", project, env)
    assert done.returncode == 3
    assert told(done.stdout) == told(block("cli.md", "to-dos: halted").text)


@processes
def test_a_task_gets_another_name_as_the_page_shows(project: Path, env: dict[str, str]) -> None:
    for _ in range(2):
        assert shell("lockstep run to-dos", project, env).returncode == 0
    (project / "file_tasks.py").write_text(TASK_MODULE.replace('"to-dos"', '"errands"'))
    typed, shown = block("cli.md", "$ lockstep rename").text.splitlines()
    done = shell(typed.removeprefix("$ "), project, env)
    assert done.returncode == 0, done.stderr
    assert re.sub(r"\d+", "<n>", done.stdout.splitlines()[0]) == re.sub(r"\d+", "<n>", shown)


@processes
def test_cron_and_monitors_are_told_as_the_page_shows(project: Path, env: dict[str, str]) -> None:
    line = block("cli.md", "*/10").text.strip()
    command = line.split(maxsplit=5)[5].replace("/srv/lockstep", str(project))
    assert command != line.split(maxsplit=5)[5]
    assert shell("lockstep run to-dos", project, env).returncode == 0
    assert shell(command, project, env).stdout == ""
    (project / "to-dos-other.down").touch()
    assert shell("lockstep run to-dos", project, env).returncode == 1
    (told,) = shell(command, project, env).stdout.splitlines()
    shown = block("cli.md", "LOCKSTEP CRITICAL").text.strip()
    begin = "LOCKSTEP CRITICAL - to-dos: failed, "
    assert told.startswith(begin)
    assert shown.startswith(begin)
    assert re.findall(r" (\w+)=", told) == re.findall(r" (\w+)=", shown)


# -- processes ---------------------------------------------------------------------------------------------------


@processes
def test_two_nodes_in_one_folder(here: Path, env: dict[str, str]) -> None:
    port = str(free_port())
    assert shell(block("nodes.md", "for node in").text, here, env).returncode == 0
    (here / "lockstep.toml").write_text(block("nodes.md", "[[node]]").text.replace("8400", port))
    start = block("nodes.md", "export LAPTOP_SECRET").text.replace("8400", port)
    assert "8400" not in start
    secret = re.search(r'^export LAPTOP_SECRET="(.+)"$', start, re.MULTILINE)
    assert secret is not None
    with Process(["bash", "-e", "-c", start], log=here / "up.log", env=env, cwd=here) as up:
        up.wait_until(lambda: answers(f"http://127.0.0.1:{port}/healthz"), 60, "an answer of the web process")
        done = shell(block("nodes.md", "python3 -c").text, here, env, LAPTOP_SECRET=secret[1])
        assert done.returncode in (0, 1), done.stderr  # 1: they differ still
        assert "laptop" in done.stdout
        assert not done.stderr

        def alike() -> bool:
            return (
                shell("lockstep nodes compare office laptop", here, env, LAPTOP_SECRET=secret[1]).returncode
                == 0
            )

        eventually(alike, 60, "two databases that are alike")
        counted = "import sqlite3; print([sqlite3.connect(f'{n}.db').execute('SELECT name FROM customer ORDER BY id')"
        counted += ".fetchall() for n in ('office', 'laptop')])"
        seen = subprocess.run(
            [sys.executable, "-c", counted], cwd=here, capture_output=True, text=True, check=True
        )
        assert seen.stdout.strip() == str([[("Ada",), ("Bob",)]] * 2)


def test_a_node_in_python(known_tasks: None) -> None:
    example = block("nodes.md", "from tasks.database")
    storage, transport = MemoryStorage(), MemoryTransport(None)  # type: ignore[arg-type]
    executed(example, storage=storage, transport=transport)
    assert "orders" in {task.name for task in all_tasks}


@processes
def test_the_sandbox_is_started(here: Path, env: dict[str, str]) -> None:
    typed = commands(block("sandbox.md", "lockstep sandbox notion"))
    assert len(typed) == 3
    for number, line in enumerate(typed):
        port = str(free_port())
        assert "8081" in line
        start = f"exec {line.replace('8081', port)}"
        with Process(["bash", "-c", start], log=here / f"{number}.log", env=env, cwd=here) as sandbox:
            url = f"http://127.0.0.1:{port}/"
            assert sandbox.wait_until(lambda url=url: answers(url), 60, "an answer") == 200
            known = answers(url, host=f"notion.test:{port}")
            assert known == (200 if "notion.test" in line else 421)
    assert (here / "town.db").exists()


def test_clients_of_the_sandbox() -> None:
    with Sandbox() as sandbox:
        example = block("sandbox.md", "from notion_client")
        client = executed(example, example.text.replace("http://127.0.0.1:8081", sandbox.url))["client"]
        with client:
            assert client.users.me()["type"] == "bot"
    executed(block("sandbox.md", "from sandbox.notion import ROOT_PAGE_ID"), Client=Client)


@processes
def test_recordings_are_replayed(here: Path, env: dict[str, str]) -> None:
    (typed,) = commands(block("sandbox.md", "python proof/replay_recordings.py"))
    done = shell(f"cd {ROOT}; {typed.replace('FOLDER', str(here))}", here, env)
    assert "usage:" not in done.stderr
    assert "Traceback" not in done.stderr


def test_the_tests_that_are_named() -> None:
    (typed,) = commands(block("sandbox.md", "python -m pytest"))
    assert list((ROOT / typed.split()[-1]).glob("test_*.py"))


def test_the_benches_that_are_named(capsys: pytest.CaptureFixture[str]) -> None:
    from bench import __main__ as bench

    for typed in commands(block("bench.md", "make bench")):
        if typed.startswith("make"):
            continue
        assert typed.startswith(".venv/bin/python -m bench")
        with pytest.raises(SystemExit) as ended:
            bench.main([*typed.split()[3:], "--help"])
        assert ended.value.code == 0
        known = capsys.readouterr().out
        for name in typed.split()[3:]:
            assert name in known


@processes
def test_the_web_process_is_started(here: Path, env: dict[str, str], tmp_path: Path) -> None:
    (typed,) = commands(block("webhooks.md", "python -m worker.web"))
    assert typed in (ROOT / "Procfile").read_text(encoding="utf-8").replace("$PORT", "8000").replace(
        "${PORT:-8000}", "8000"
    )
    port = str(free_port())
    start = f"exec {typed.replace('8000', port).replace('0.0.0.0', '127.0.0.1')}"
    with RedisServer(tmp_path / "redis") as redis:
        settings = {**env, "REDIS_URL": redis.url}
        with Process(["bash", "-c", start], log=here / "web.log", env=settings, cwd=here) as web:
            url = f"http://127.0.0.1:{port}/healthz"
            assert web.wait_until(lambda: answers(url), 60, "an answer") in (200, 503)
