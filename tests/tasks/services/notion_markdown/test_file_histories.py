"""People at both ends with files, lost answers, addresses that expire and processes that end: no byte is lost.

`FILE_HISTORIES` is the number of histories, of 6 rounds each or of `FILE_ROUNDS`.
"""

from __future__ import annotations

import asyncio
import os
import re
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random
from typing import Any

import httpx
import pytest

from sandbox.notion import Sandbox
from tasks.engine.apply import Applier
from tasks.engine.report import RunReport
from tasks.errors import SideError
from tasks.merge import Action
from tasks.services.markdown import files as disk
from tests.tasks.services.notion.conftest import NO_TLS
from tests.tasks.services.notion.virtual_time import VirtualTime, draw_from
from tests.tasks.services.notion_markdown.cabinet import COLUMNS, Cabinet
from tests.tasks.services.notion_markdown.town import Crash, Mortal

HISTORIES = int(os.environ.get("FILE_HISTORIES", "1"))
ROUNDS = int(os.environ.get("FILE_ROUNDS", "6"))
REACHED: Counter[str] = Counter()
NEEDED = (
    *("add in Notion", "remove in Notion", "replace in Notion", "rename in Notion"),
    *(
        "add on disk",
        "remove on disk",
        "edit on disk",
        "list in one line",
        "crash",
        "fault",
        "run failed",
        "run succeeded",
    ),
)
LINK = re.compile(r'  - "\[\[([^|\]]+)(?:\|([^\]]*))?\]\]"\n')
KEY = re.compile(r"^files:.*\n", re.MULTILINE)
#: The list in one line, as it stays where it was empty before.
ONE_LINE = re.compile(r"^files: \[(.+)\]\n", re.MULTILINE)


def in_lines(text: str) -> str:
    """The note with a line for each of its files, as an editor of properties writes it."""

    def spread(found: re.Match[str]) -> str:
        REACHED["list in one line"] += 1
        return "files:\n" + "".join(f"  - {link}\n" for link in re.findall(r'"\[\[[^"]*\]\]"', found[1]))

    return ONE_LINE.sub(spread, text)


pytestmark = pytest.mark.timeout(7200)


@pytest.fixture
def cabinet(tmp_path: Path) -> Iterator[Cabinet]:
    notes = tmp_path / "Notes"
    notes.mkdir()
    with Sandbox() as sandbox, httpx.Client(verify=NO_TLS) as client:
        source = sandbox.person("Ada").create_data_source("Files", COLUMNS)
        cabinet = Cabinet(sandbox, source, notes, tmp_path / "journal.json")
        cabinet.get = lambda url: client.get(url).text
        yield cabinet


def repeatable(seed: int, cabinet: Cabinet, patches: pytest.MonkeyPatch) -> VirtualTime:
    """Let nothing but the seed decide: ids, the time at Notion, and the order of what goes side by side.

    Files have the time of this machine. Notion's is far from it, so that the same side is the newer one each time.
    """
    time = VirtualTime(datetime.now(UTC).replace(second=0) + timedelta(days=300 if seed % 2 else -300))
    time.install(patches)
    time.keep(cabinet.sandbox)
    draw_from(seed, patches)
    turn, carry_out = asyncio.Lock(), Applier.carry_out

    async def in_turn(applier: Applier, group: list[Action]) -> None:
        async with turn:
            await carry_out(applier, group)

    patches.setattr(Applier, "carry_out", in_turn)
    return time


class Office:
    """Those who work with the files, and what they know of them."""

    def __init__(self, cabinet: Cabinet, chance: Random, patches: pytest.MonkeyPatch) -> None:
        self.cabinet, self.chance, self.patches = cabinet, chance, patches
        self.ada = cabinet.sandbox.person("Ada")
        #: Bytes that somebody put there, and that somebody saw and took away.
        self.typed: set[str] = set()
        self.gone: set[str] = set()
        self.told: list[str] = []
        self._count = 0
        self._journal: Mortal | None = None

    def word(self) -> str:
        self._count += 1
        self.typed.add(f"w{self._count:04}")
        return f"w{self._count:04}"

    def name(self) -> str:
        return self.chance.choice(["a.txt", "b.txt", "c/d.txt", "A.txt"])

    # -- in Notion ------------------------------------------------------------------------------------------

    def row_files(self, page: str) -> list[tuple[str, str]]:
        return [(one["name"], self.cabinet.get(one["file"]["url"])) for one in self.cabinet.entries(page)]

    def in_notion(self) -> str:
        _, page = self.chance.choice(sorted(self.cabinet.rows().items()))
        entries, held = self.cabinet.entries(page), self.row_files(page)
        what = self.chance.choice(["add", "remove", "replace", "rename"]) if held else "add"
        if what == "add":
            self.ada.add_file(page, "Files", self.name(), self.word())
            return what
        number = self.chance.randrange(len(held))
        name, word = held[number]
        if what == "rename":
            entries[number] = {**entries[number], "name": f"{self.word()}.txt"}
            self.typed.discard(entries[number]["name"][:5])
            self.cabinet.set_files(page, entries)
            return what
        self.gone.add(word)
        self.cabinet.set_files(page, [one for n, one in enumerate(entries) if n != number])
        if what == "replace":
            self.ada.add_file(page, "Files", name, self.word())
        return what

    # -- on disk --------------------------------------------------------------------------------------------

    def on_disk(self) -> str:
        note = self.chance.choice(sorted(self.cabinet.notes.glob("[!.]*.md")))
        text = in_lines(note.read_text())
        links = list(LINK.finditer(text))
        what = self.chance.choice(["add", "remove", "edit"]) if links else "add"
        if what == "add":
            word = self.word()
            path = f"{self.chance.choice(['', 'attachments/', 'Papers/'])}{word}.txt"
            self.cabinet.write(path, word)
            line = f'  - "[[{path}|{self.name()}]]"\n'
            if KEY.search(text):
                text = KEY.sub(f"files:\n{line}", text, count=1)
            elif text.startswith("---\n"):
                text = text.replace("---\n", f"---\nfiles:\n{line}", 1)
            else:
                text = f"---\nfiles:\n{line}---\n{text}"
            note.write_text(text)
            return what
        link = self.chance.choice(links)
        file = self.cabinet.notes / link[1]
        if not file.exists():
            return "look"
        self.gone.add(file.read_text())
        if what == "edit":
            file.write_text(self.word())
            return what
        rest = text.replace(link[0], "", 1)
        note.write_text(rest if LINK.search(rest) else rest.replace("files:\n", "files: []\n"))
        return what

    def move(self) -> None:
        """Somebody does something."""
        here = self.chance.random() < 0.5
        did = f"{self.in_notion()} in Notion" if here else f"{self.on_disk()} on disk"
        self.told.append(did)
        REACHED[did] += 1

    # -- runs -----------------------------------------------------------------------------------------------

    async def run(self, *, rough: bool) -> RunReport | None:
        """A run; `None` where its process ended in it."""
        self._journal = Mortal(self.cabinet.journal)
        faults = self.cabinet.sandbox.faults
        with self.patches.context() as patches:
            if rough:
                self._roughen(patches)
                fault = {"share": 0.6, "times": 12, "seed": self.chance.randrange(10**6), "drop": True}
                faults.add({**fault, "applied": self.chance.random() < 0.7})
            waiting = len(faults.waiting())
            try:
                report = await self.cabinet.task().run(self._journal)
            except Crash:
                REACHED["crash"] += 1
                self.told.append("run: its process ended")
                return None
            except SideError as error:
                self.told.append(f"run: {error}")
                REACHED["run failed"] += 1
                return None
            finally:
                REACHED["fault"] += waiting
                faults.clear()
        REACHED[f"run {report.status}"] += 1
        self.told.append(f"run: {report.status} {report.reason} {dict(+report.outcome.counts)}")
        return report

    def _roughen(self, patches: pytest.MonkeyPatch) -> None:
        """Let the process end between a new file and its name."""
        plain = disk.write_beside

        def write_beside(path: Path, data: Any) -> Path:
            made = plain(path, data)
            if self.chance.random() < 0.15 and self._journal is not None:
                self._journal.dead = True
                raise Crash
            return made

        patches.setattr(disk, "write_beside", write_beside)

    async def rests(self) -> bool:
        """Whether runs come to an end of what there is to do."""
        for _ in range(8):
            report = await self.run(rough=False)
            if report is not None and report.status == "succeeded" and not +report.outcome.counts:
                return True
        return False

    def judge(self) -> None:
        """Both sides have the same, and all that nobody took away."""
        words: set[str] = set()
        rows = self.cabinet.rows()
        assert sorted(rows) == sorted(path.stem for path in self.cabinet.notes.glob("[!.]*.md"))
        for title, page in rows.items():
            there = sorted(self.row_files(page))
            assert there == sorted(self.cabinet.note_list(title)), title
            # A file that was renamed while its crossing was cut off may be there under both names.
            twice = {one for one, times in Counter(there).items() if times > 1}
            assert not twice, f"there twice: {sorted(twice)}"
            words |= {text for _, text in there}
        lost = self.typed - self.gone - words
        assert not lost, f"lost: {sorted(lost)}"


@pytest.mark.parametrize("seed", range(HISTORIES))
async def test_no_byte_is_lost(cabinet: Cabinet, seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        "tasks.merge.holding.WAITS", (timedelta(0),) * 9
    )  # what failed is tried by the next run
    time = repeatable(seed, cabinet, monkeypatch)
    office = Office(cabinet, Random(f"files {seed}"), monkeypatch)
    for number in range(2):
        cabinet.add_row(f"row {number}")
        cabinet.note(f"note {number}.md")
    await office.run(rough=False)
    for _ in range(ROUNDS):
        for _ in range(office.chance.randrange(5)):
            office.move()
        time.advance(60 * office.chance.randrange(1, 200))
        await office.run(rough=True)
    try:
        assert await office.rests(), "it does not come to rest"
        office.judge()
        assert await cabinet.sync() == {}
    except AssertionError as error:
        raise AssertionError(f"{error}\n(seed {seed})\n" + "\n".join(office.told)) from error


def test_all_that_can_happen_did() -> None:
    if HISTORIES * ROUNDS < 60:
        pytest.skip("few rounds do not meet everything")
    assert not [name for name in NEEDED if not REACHED[name]], dict(REACHED)
