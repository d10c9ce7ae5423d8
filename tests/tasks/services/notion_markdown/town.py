"""People in a workspace and at a folder, whose every word can be told from all others."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from random import Random
from typing import Any

import pytest

from tasks.engine.report import RunReport
from tasks.journal.file import FileJournal
from tasks.services.markdown import files as disk
from tests.tasks.services.notion.person import Person
from tests.tasks.services.notion_markdown.place import Place

WORD = re.compile(r"\bw\d{4}\b")
BORN = re.compile(r"\bborn\d{4}\b")
DUE = ("2026-07-04", "2026-08-05", "2026-12-24")


class Crash(BaseException):
    """The end of the process that runs."""


class Mortal(FileJournal):
    """A journal that gets nothing any more from a process that has ended."""

    dead = False

    def _append_group(self, *args: Any, **kwargs: Any) -> Any:
        if self.dead:
            raise Crash
        return super()._append_group(*args, **kwargs)


class Town:
    """Two places, those who edit there, and what they typed."""

    def __init__(self, place: Place, chance: Random, patches: pytest.MonkeyPatch) -> None:
        self.place, self.chance, self.patches = place, chance, patches
        self.reached: Counter[str] = Counter()
        self.typed: set[str] = set()
        #: Words that somebody saw and took away.
        self.gone: set[str] = set()
        self.born: set[str] = set()
        self.deleted: set[str] = set()
        #: Whether a process ended, and no run came to its end since.
        self.cut_off = False
        self._count = 0
        #: What happened, one line each.
        self.told: list[str] = []
        self._journal: Mortal | None = None

    def word(self) -> str:
        self._count += 1
        self.typed.add(f"w{self._count:04}")
        return f"w{self._count:04}"

    def birth(self) -> str:
        self._count += 1
        self.born.add(f"born{self._count:04}")
        return f"born{self._count:04}"

    # -- at the folder --------------------------------------------------------------------------------------

    def files(self) -> list[Path]:
        return [self.place.notes / path for path in self.place.files()]

    def save(self, file: Path, text: str) -> None:
        """As editors do: in place, or a new file each time. Who saves has seen what was there."""
        before = file.read_bytes().decode() if file.exists() else ""
        self.gone |= set(WORD.findall(before)) - set(WORD.findall(text))
        if self.chance.random() < 0.5:
            with file.open("r+" if file.exists() else "w", encoding="utf-8", newline="") as opened:
                opened.write(text)
                opened.truncate()
        else:
            fresh = file.with_name(".fresh")
            fresh.write_text(text, encoding="utf-8", newline="")
            fresh.replace(file)

    def add_file(self) -> None:
        end = self.chance.choice(["\n", "\r\n"])
        body = [self.birth(), self.word()]
        head: list[str] = []
        if self.chance.random() < 0.5:
            head = ["---", f"due: {self.chance.choice(DUE)}  # {self.word()}", "other: 'x'", "---"]
        folder = self.place.notes / self.chance.choice(["", "Sub"])
        folder.mkdir(exist_ok=True)
        self.save(folder / f"{self.word()}.md", end.join([*head, *body]) + self.chance.choice(["", end]))

    def edit_file(self, file: Path) -> None:
        text = file.read_bytes().decode()
        words = WORD.findall(text.rpartition("---")[2])
        if self.chance.random() < 0.5 and words:
            self.save(file, text.replace(self.chance.choice(words), self.word()))
        else:
            end = "\r\n" if "\r\n" in text else "\n"
            self.save(file, text.rstrip("\r\n") + end + self.word() + end)

    def tag_file(self, file: Path) -> None:
        text = file.read_bytes().decode()
        if text.startswith("---"):
            start = text.index("\n") + 1
            lines = text[start:].split("\n")
            kept = [line for line in lines if not line.startswith(("tags:", "  - "))]
            self.save(file, text[:start] + f"tags: [{self.word()}]\n" + "\n".join(kept))

    def rename_file(self, file: Path) -> None:
        self.gone |= set(WORD.findall(file.name))
        text = file.read_bytes().decode()
        self.gone |= {
            word for line in text.splitlines() if "lockstep_title" in line for word in WORD.findall(line)
        }
        target = file.with_name(f"{self.word()}.md")
        if self.chance.random() < 0.3:
            target = self.place.notes / "Moved" / target.name
            target.parent.mkdir(exist_ok=True)
        file.rename(target)

    def delete_file(self, file: Path) -> None:
        text = f"{file.name}\n{file.read_bytes().decode()}"
        self.gone |= set(WORD.findall(text))
        self.deleted |= set(BORN.findall(text))
        file.unlink()

    # -- in Notion ------------------------------------------------------------------------------------------

    async def add_row(self) -> None:
        title = self.chance.choice(["{}", "{}/b: a", ".{}"]).format(self.word())
        body = f"{self.birth()}\n{self.word()}"
        await self.place.person.make_page(self.place.source, body, Name=Person.text(title))

    async def edit_row(self, row: dict[str, Any]) -> None:
        body = str(row["page body"])
        words = WORD.findall(body)
        new = body.replace(self.chance.choice(words), self.word()) if words else f"{body}\n{self.word()}"
        self.gone |= set(WORD.findall(body)) - set(WORD.findall(new))
        await self.place.type(row["id"], new)

    async def tag_row(self, row: dict[str, Any]) -> None:
        self.gone |= {word for tag in row["Tags"] for word in WORD.findall(tag)}
        tags = {"multi_select": [{"name": self.word()}]}
        await self.place.person.edit(row["id"], Tags=tags, Due={"date": {"start": self.chance.choice(DUE)}})

    async def rename_row(self, row: dict[str, Any]) -> None:
        self.gone |= set(WORD.findall(row["title"]))
        await self.place.person.edit(row["id"], Name=Person.text(f"{self.word()}?"))

    async def delete_row(self, row: dict[str, Any]) -> None:
        self.gone |= set(WORD.findall(f"{row['title']} {row['Tags']} {row['page body']}"))
        self.deleted |= set(BORN.findall(str(row["page body"])))
        await self.place.person.patch_page(row["id"], {"in_trash": True})

    # -- both -----------------------------------------------------------------------------------------------

    async def move(self) -> None:
        """Somebody does something."""
        if self.chance.random() < 0.5:
            what: Callable[[Path], None] = self.chance.choice(
                [self.edit_file, self.edit_file, self.tag_file, self.rename_file, self.delete_file]
            )
            found = self.files()
            if len(found) < 7 or self.chance.random() < 0.15:
                self.add_file()
                self.reached["add_file"] += 1
            else:
                file = self.chance.choice(found)
                self.told.append(f"{what.__name__} {file.name}: {WORD.findall(file.read_bytes().decode())}")
                what(file)
                self.reached[what.__name__] += 1
            return
        rows = [{**row, "title": title} for title, row in (await self.place.rows()).items()]
        if not rows or self.chance.random() < 0.15:
            await self.add_row()
            self.reached["add_row"] += 1
            return
        acts = [self.edit_row, self.edit_row, self.tag_row, self.delete_row, self.rename_row]
        # What a process made in Notion that ended is known by its title: Notion has no place for a key.
        act = self.chance.choice(acts[:-1] if self.cut_off else acts)
        row = self.chance.choice(rows)
        self.told.append(f"{act.__name__} {row['title']}: {row['page body']!r} {row['Tags']}")
        await act(row)
        self.reached[act.__name__] += 1

    async def run(self, *, rough: bool) -> RunReport | None:
        """A run; `None` where its process ended in it."""
        self._journal = Mortal(self.place.journal)
        with self.patches.context() as patches:
            if rough:
                self._roughen(patches)
            try:
                report = await self.place.task().run(self._journal)
            except Crash:
                self.reached["crash"] += 1
                self.cut_off = True
                self.told.append("run: its process ended")
                return None
        self.cut_off = self.cut_off and report.status == "failed"
        done = {name: times for name, times in report.outcome.counts.items() if times}
        self.told.append(f"run: {report.status} {report.reason} {done}")
        self.reached[f"run {report.status}"] += 1
        return report

    def _roughen(self, patches: pytest.MonkeyPatch) -> None:
        """Let the process end, or somebody edit, between the new file and its name."""
        plain = disk.write_beside

        def write_beside(path: Path, data: bytes) -> Path:
            made = plain(path, data)
            luck = self.chance.random()
            if luck < 0.2 and path.exists():
                self.reached["edit meanwhile"] += 1
                self.told.append(f"meanwhile: edit_file {path.name}")
                self.edit_file(path)
            elif luck < 0.35 and self._journal is not None:
                self._journal.dead = True
                raise Crash
            return made

        patches.setattr(disk, "write_beside", write_beside)

    async def judge(self) -> None:
        """Both sides show the same, and nothing that was typed is lost."""
        rows = await self.place.rows()
        side = self.place.folder()
        side.open()
        side.recall(None, {})
        side.describe()
        listed = side.list()
        side.close()
        shown = {note.title: dict(note.values) for note in listed}
        assert not listed.unreadable, listed.unreadable
        titles = [note.title for note in listed]
        assert sorted(titles) == sorted(rows), (sorted(titles), sorted(rows))
        for title, values in shown.items():
            here = (values["content"], values["tags"], values["due"])
            there = tuple(rows[title][name] for name in ("page body", "Tags", "Due"))
            assert here == there, (title, here, there)
        text = "\n".join([*(file.read_bytes().decode() for file in self.files()), *shown])
        # What is not synced, such as a comment, lies in the trash with its file.
        ledger = self._ledger() + "".join(
            file.read_text("utf-8") for file in self.place.notes.rglob(".trash/**/*.md")
        )
        lost = {word for word in self.typed - self.gone if word not in text and word not in ledger}
        assert not lost, f"lost: {sorted(lost)}"
        counts = Counter(BORN.findall(text))
        missing = self.born - counts.keys() - self.deleted
        assert not missing, f"deleted by nobody: {sorted(missing)}"
        if self.place.options.get("id_key", "x"):
            twice = {birth for birth, times in counts.items() if times > 1}
            assert not twice, f"there twice: {sorted(twice)}"

    def _ledger(self) -> str:
        ledger = FileJournal(self.place.journal).ledger
        return ledger.read_text() if ledger.exists() else ""
