"""`lockstep why`: where a value came from, as far as the database knows."""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import update

from tasks.merge import End, Name
from tests.worker.cli.conftest import Here
from worker.standing.objects import Known, _Found, meant
from worker.store import schema


def edit(here: Here, side: str, old: str, new: str, at: float) -> None:
    path = here.project / f"to-dos-{side}.json"
    objects = json.loads(path.read_text())
    (found,) = (each for each in objects if each["title"] == old)
    found |= {"title": new, "edited": at}
    path.write_text(json.dumps(objects))


def lines(here: Here, *arguments: str) -> list[str]:
    return [" ".join(line.split()) for line in here("why", "to-dos", *arguments).splitlines()]


def last_run(here: Here) -> str:
    return str(json.loads(here("history", "to-dos", "--limit", "1", "--json"))["items"][0]["run_id"])


def test_every_write_of_a_value_is_told_in_order(here: Here) -> None:
    here("run", "to-dos")
    edit(here, "notion", "Milk", "Oat milk", 1700000000)
    here("run", "to-dos")
    edited = last_run(here)
    edit(here, "other", "Oat milk", "Soy milk", 1700000100)
    edit(here, "notion", "Oat milk", "Rice milk", 1700000200)
    here("run", "to-dos")
    fought = last_run(here)
    here("undo", edited[:8])  # has been edited since: nothing is taken back
    data = json.loads(here("why", "to-dos", "Rice milk", "--json"))
    steps = data["attributes"]["Title"]["steps"]
    assert [(step["from"], step["to"], step["old"], step["new"]) for step in steps] == [
        ("Notion", "the other side", None, "Milk"),
        ("Notion", "the other side", "Milk", "Oat milk"),
        ("Notion", "the other side", "Soy milk", "Rice milk"),  # the conflict, and then its write
        ("Notion", "the other side", "Soy milk", "Rice milk"),
    ]
    assert [step["run_id"] for step in steps][1:] == [edited, fought, fought]
    assert [step["conflict"] is not None for step in steps] == [False, False, True, False]
    # Sides of this project say nothing of what they show after a write.
    assert "The write is not proved yet: the next run looks at what the other side shows." in lines(
        here, "n1"
    )
    here("run", "to-dos")
    data = json.loads(here("why", "to-dos", "Rice milk", "--json"))
    assert data["attributes"]["Title"]["agreed"] == {"left": "Rice milk", "right": "Rice milk"}
    assert data["left_ids"] == ["n1"]
    told = lines(here, "rice", "title")
    assert told[0].startswith("Rice milk of to-dos: n1 in Notion; ")
    assert "Title: Rice milk" in told
    (conflict,) = (line for line in told if "conflict 1:" in line)
    assert "Rice milk (Notion)" in conflict
    assert told[-1].startswith("Nothing is pruned: this is all that runs wrote, since ")
    page = (Path(__file__).parents[4] / "docs" / "cli.md").read_text("utf-8")
    picture = page.split("$ lockstep why to-dos")[1].split("An object is named")[0]
    rows = [" ".join(row.split()) for row in picture.splitlines()]
    assert rows[3] in told
    assert "When Run From To Was Became Note" in set(rows) & set(told)
    shown = [re.sub(r"^\S+ \S+ \S+ \S+ ", "", row) for row in told if " Notion the other side " in row]
    for row in rows:
        if " Notion the calendar Errands " in row:
            line = re.sub(r"^\S+ \S+ \S+ \S+ ", "", row).replace("the calendar Errands", "the other side")
            assert any(one.startswith(line.removesuffix(" …")) for one in shown), (line, shown)
    assert not any("not proved" in line or "without a write" in line for line in told)
    assert lines(here, "n1") == lines(here, "oat milk") == told  # by its id, and by what it was called once


def test_an_undo_and_a_value_brought_back_are_told_as_such(here: Here) -> None:
    here("run", "to-dos")
    edit(here, "notion", "Milk", "Oat milk", 1700000000)
    here("run", "to-dos")
    here("undo", last_run(here))
    steps = json.loads(here("why", "to-dos", "n1", "--json"))["attributes"]["Title"]["steps"]
    undone = [step for step in steps if step["from"] == "an undo"]
    assert {(step["to"], step["old"], step["new"]) for step in undone} == {
        ("Notion", "Oat milk", "Milk"),
        ("the other side", "Oat milk", "Milk"),
    }


def test_what_is_gone_is_told_and_what_is_pruned_too(here: Here) -> None:
    here("run", "to-dos")
    path = here.project / "to-dos-notion.json"
    path.write_text(json.dumps([each for each in json.loads(path.read_text()) if each["title"] != "Milk"]))
    here("run", "to-dos")
    told = lines(here, "Milk")
    assert "Milk of to-dos, not linked (any more)" in told[0]
    assert any("deleted" in line and "Title: Milk" in line for line in told)
    store = here.store
    with store.write() as connection:
        connection.execute(update(schema.run).values(undo_pruned_at=datetime.now(UTC)))
        connection.execute(schema.effect.delete())
    store.close()
    told = lines(here, "Bread")
    assert any(line.startswith("No write of it is kept: both sides had it when") for line in told)
    assert told[-1].startswith("What runs wrote before ")
    assert "is pruned (LOCKSTEP_KEEP_UNDO_DAYS is 30)" in told[-1]


def test_what_cannot_be_found_is_told(here: Here) -> None:
    other = here.project / "to-dos-other.json"
    titles = ["Bread", "Bread rolls", "Butter"]
    other.write_text(json.dumps([{"id": title, "title": title, "edited": 1} for title in titles]))
    here("run", "to-dos")
    assert "has no object 'Bred': did you mean 'Bread'?" in here("why", "to-dos", "Bred", fails=True)
    assert "'b' may be 'Bread' (" in here("why", "to-dos", "b", fails=True)
    assert "Bread of to-dos" in here("why", "to-dos", "Bread")  # exactly, though another begins so
    told = here("why", "to-dos", "Butter", "Titel", fails=True)
    assert "nothing is known of an attribute 'Titel' there: did you mean 'Title'?" in told
    assert "did you mean 'to-dos'?" in here("why", "todos", "Butter", fails=True)


@pytest.mark.parametrize(
    ("word", "found"),
    [
        ("n1", "one"), ("https://x/2", "two"), ("Milk", "two"), ("milk", "one two"), ("mil", "one two three"),
        ("Old name", "three"), ("", ""), ("ilk", ""), ("o3", "three"),
    ],
)  # fmt: skip
def test_which_object_is_meant(word: str, found: str) -> None:
    objects: dict[str, Any] = {
        "one": Known({(End.LEFT, "n1")}, ["MILK"]),
        "two": Known({(End.LEFT, "n2")}, ["Milk"], ["https://x/2"]),
        "three": Known({(End.RIGHT, "o3")}, ["old name", "Milk bar"]),
    }
    assert meant(objects.values(), word) == [objects[name] for name in found.split()]


def test_an_object_that_got_another_counterpart_is_one() -> None:
    met = _Found()
    met.meet(("n1", ""), Name("Milk"))
    met.meet(("", "o1"), Name("Milk", "https://x/1"))
    met.meet(("n9", "o9"), Name("Eggs"))
    met.meet(("n1", "o1"), Name("Oat milk"))
    met.meet(("n1", "o2"), Name())
    milk, eggs = met.all()
    assert (milk.ids(End.RIGHT), milk.title, milk.titles[0]) == (["o1", "o2"], "Oat milk", "Milk")
    assert milk.addresses == ["https://x/1"]
    assert eggs.title == "Eggs"
