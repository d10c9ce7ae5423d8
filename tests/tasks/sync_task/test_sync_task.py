"""The API is the one that tasks were written for; mistakes in a definition are told."""

from __future__ import annotations

import inspect
from pathlib import Path
from typing import Any

import pytest

import tasks
from tasks import ConflictMode, State, SyncTask, TaskDefinitionError, all_tasks, run_all_tasks
from tests.tasks.sync_task.seed_style import Services, ToDos

ABSTRACT = {
    "get_notion_objects": "(self)",
    "get_other_objects": "(self)",
    **{
        f"{side}_{name}": parameters
        for side in ("notion", "other")
        for name, parameters in {
            "create_obj": "(self, **kwargs)",
            "delete_obj": "(self, obj)",
            "hash": "(self, obj)",
            "id": "(self, obj)",
            "timestamp": "(self, obj)",
            "to_dict": "(self, obj)",
            "update_obj": "(self, obj, attr, value)",
        }.items()
    },
}
CONCRETE = {
    "in_total": "(self, times)",
    "run_every": "(self, hours=0, minutes=0, seconds=0)",
    "run_once": "(self)",
    "schedule": "(self)",
    "sync": "(self, state)",
    "initial_sync": "(self, notion_objs, other_objs)",
    "resolve_conflict": "(self, notion_obj, other_obj, notion_attr, other_attr)",
    "sync_notion_created": "(self, state, notion_objs)",
    "sync_other_created": "(self, state, other_objs)",
    "sync_notion_deleted": "(self, state, notion_objs, other_objs)",
    "sync_other_deleted": "(self, state, notion_objs, other_objs)",
    "sync_state_changes": "(self, state, notion_objs, other_objs)",
    "__call__": "(self)",
    "__await__": "(self)",
}


def bare(function: Any) -> str:
    """A signature without annotations."""
    signature = inspect.signature(function)
    parameters = [each.replace(annotation=inspect.Parameter.empty) for each in signature.parameters.values()]
    return str(signature.replace(parameters=parameters, return_annotation=inspect.Signature.empty))


@pytest.mark.parametrize(("name", "parameters"), [*ABSTRACT.items(), *CONCRETE.items()])
def test_methods_have_their_parameters_and_defaults(name: str, parameters: str) -> None:
    assert bare(getattr(SyncTask, name)) == parameters


def test_exactly_the_methods_of_the_two_sides_are_abstract() -> None:
    assert SyncTask.__abstractmethods__ == set(ABSTRACT)
    with pytest.raises(TypeError, match="abstract"):
        SyncTask("x", {"a": "b"})  # type: ignore[abstract]


def test_constructor_functions_and_names() -> None:
    newer = ConflictMode.NEWER
    assert bare(SyncTask.__init__) == f"(self, name, attr_map, conflict_mode={newer!r})"
    assert bare(run_all_tasks) == "(*, debug=None)"
    assert inspect.iscoroutinefunction(SyncTask.__call__)
    assert all_tasks == set()
    assert tasks.ID is str
    assert {mode.name: mode.value for mode in ConflictMode} == {
        "ERROR": "error", "NEWER": "newer", "NOTION": "notion", "OTHER": "other",
    }  # fmt: skip
    assert State().ids == {}
    assert State().objs == {}


def test_the_attributes_of_a_task(state_dir: Path) -> None:
    task = ToDos(Services(), mode="other")
    assert task.name == "to-dos"
    assert task.attr_map == {"Title": "summary", "Done": "completed"}
    assert task.conflict_mode is ConflictMode.OTHER
    assert task.state_path == state_dir / "to-dos.json"
    assert repr(task.run_every(minutes=5)) == "<ToDos 'to-dos', every 5 min>"


def define(name: str = "x", attr_map: dict[str, str] | None = None, mode: str = "newer") -> ToDos:
    task = ToDos.__new__(ToDos)
    SyncTask.__init__(task, name, {"a": "b"} if attr_map is None else attr_map, mode)
    return task


@pytest.mark.parametrize(
    ("mistake", "message"),
    [
        ({"mode": "latest"}, "conflict mode 'latest' is unknown, use one of error, newer, notion, other"),
        ({"attr_map": {}}, "attr_map is empty"),
        ({"attr_map": {"a": "x", "b": "x", "c": "y"}}, "attr_map names x more than once"),
        ({"name": "a/b"}, "no slash or brace"),
        ({"name": "a\\b"}, "no slash"),
        ({"name": "../up"}, "no slash"),
        ({"name": ".hidden"}, "task name '.hidden'"),
        ({"name": "{node}"}, "brace"),
        ({"name": ""}, "task name ''"),
        ({"name": "a\nb"}, "task name 'a"),
        ({"name": "ä" * 101}, "it is 202 bytes long, use 200 at most"),
    ],
)
def test_a_mistake_in_a_definition_is_told_in_one_line(mistake: dict[str, Any], message: str) -> None:
    with pytest.raises(TaskDefinitionError) as caught:
        define(**mistake)
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("name", ["to-dos", "My tasks", "ünïcödé", "a.b", "x" * 200])
def test_names_that_are_fine(name: str) -> None:
    assert define(name=name).state_path.name == f"{name}.json"


def test_a_name_is_used_once() -> None:
    task = ToDos(Services()).schedule()
    assert all_tasks == {task}
    assert task.schedule() is task
    with pytest.raises(TaskDefinitionError, match="two tasks are named 'to-dos'"):
        ToDos(Services()).schedule()
    assert all_tasks == {task}


def test_only_pairs_of_the_map_can_be_resolved() -> None:
    services = Services()
    task = ToDos(services)
    with pytest.raises(TaskDefinitionError, match="'Title' and 'completed' are no pair of attr_map"):
        task.resolve_conflict(services.page("a"), services.todo("b"), "Title", "completed")
