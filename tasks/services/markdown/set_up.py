"""Setting a folder of Markdown files up by asking."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from tasks.errors import TaskDefinitionError
from tasks.sides import Answers, Place, Question, SetUp, Tell


def _questions(answers: Answers) -> Sequence[Question]:
    return (
        Question("folder", "Folder with the notes", "Such as ~/Notes, a vault of Obsidian or a part of one."),
    )


def _places(answers: Answers, tell: Tell) -> list[Place]:
    said = answers["folder"].strip()
    folder = Path(said).expanduser()
    if not folder.is_dir():
        raise TaskDefinitionError(f"there is no folder {folder}: make it, or name another one")
    return [Place(folder.absolute().name, {"folder": said}, str(folder.absolute()))]


SET_UP = SetUp(_questions, _places, "folder")
