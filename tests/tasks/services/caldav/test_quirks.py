"""A data source and a calendar with servers whose word is not proof: nobody's text is lost, nothing is there twice."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx
import pytest
from pydantic import SecretStr

from sandbox.notion import Sandbox
from tasks.engine.report import RunReport
from tasks.journal.file import FileJournal
from tasks.services.caldav import (
    TODOS,
    CalDAVClient,
    Calendar,
    Entry,
    Todos,
)
from tasks.services.caldav.radicale_server import RadicaleServer
from tasks.services.notion import DataSource, LocalThrottle
from tasks.two_way import TwoWay
from tests.tasks.services.caldav.quirky import Message, Quirky, not_found, quirky
from tests.tasks.services.notion.person import Person

LONG = "A note that is longer than twenty letters, and has\na second line."


@dataclass
class Office:
    """A data source, a calendar behind the quirky server, and the task between them."""

    person: Person
    source: str
    server: Quirky
    calendar_url: str
    folder: Path

    async def run(self) -> RunReport:
        radicale = self.server.radicale
        task = TwoWay(
            "todos",
            DataSource(
                self.source,
                token=SecretStr("ntn_test"),
                base_url=self.person.url,
                throttle=LocalThrottle(1000, 1000),
            ),
            Todos(self.server.at(self.calendar_url), username=radicale.username, password=radicale.password),
            {"Task": "summary", "Notes": "description"},
        )
        task.full_listing_every = timedelta(0)  # what listings say is in question here
        return await task.run(FileJournal(self.folder / "todos.json"))

    async def make_row(self, title: str, notes: str = "") -> str:
        return await self.person.make_page(self.source, Task=Person.text(title), Notes=_notes(notes))

    async def rows(self) -> dict[str, str]:
        found = await self.person.send("POST", f"data_sources/{self.source}/query", {})
        plain = [
            ["".join(part["plain_text"] for part in row["properties"][name][kind]) for name, kind in _COLUMNS]
            for row in found["results"]
        ]
        assert len({title for title, _ in plain}) == len(plain)
        return dict(plain)

    async def todos(self) -> list[Entry]:
        """What radicale itself holds."""
        radicale = self.server.radicale
        async with CalDAVClient(self.calendar_url, radicale.username, SecretStr(radicale.password)) as client:
            return list(await Calendar(client, TODOS).read_all())

    def file(self, name: str, uid: str, title: str, *lines: str) -> None:
        """A file of another program, not called after its UID perhaps."""
        stamp = "DTSTAMP:20260101T000000Z"
        todo = ["BEGIN:VTODO", f"UID:{uid}", stamp, f"SUMMARY:{title}", *lines, "END:VTODO"]
        text = "\r\n".join(["BEGIN:VCALENDAR", "VERSION:2.0", "PRODID:-//t//", *todo, "END:VCALENDAR", ""])
        with self.server.radicale.http() as http:
            headers = {"Content-Type": "text/calendar"}
            http.put(f"{self.calendar_url}{name}", content=text.encode(), headers=headers).raise_for_status()

    def remove(self, name: str) -> None:
        with self.server.radicale.http() as http:
            http.delete(f"{self.calendar_url}{name}").raise_for_status()


_COLUMNS = (("Task", "title"), ("Notes", "rich_text"))


def _notes(text: str) -> dict[str, Any]:
    return {"rich_text": [{"text": {"content": text}}] if text else []}


@pytest.fixture(scope="module")
def sandbox(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sandbox]:
    with Sandbox(tmp_path_factory.mktemp("notion") / "notion.db") as started:
        yield started


@pytest.fixture
async def office(sandbox: Sandbox, radicale: RadicaleServer, tmp_path: Path) -> AsyncIterator[Office]:
    async with httpx.AsyncClient() as client, quirky(radicale) as server:
        person = Person(sandbox.url, client)
        source = await person.make_data_source("To-dos", {"Task": {"title": {}}, "Notes": {"rich_text": {}}})
        url = radicale.make_calendar(f"todos-{uuid4().hex[:8]}")
        yield Office(person, source, server, url, tmp_path)


# -- a server that keeps less than it is sent -----------------------------------------------------------------


def _cut(most: int) -> Any:
    def cut(text: str) -> str:
        def shorter(line: re.Match[str]) -> str:
            kept = re.sub(r"\r?\n[ \t]", "", line[2])[:most].rstrip("\\")
            return f"{line[1]}{kept}" if kept else ""

        return re.sub(r"(DESCRIPTION:)((?:[^\r\n]|\r?\n[ \t])*)", shorter, text).replace("\r\n\r\n", "\r\n")

    return cut


def _at_the_write(cut: Any, request: Message, answer: Message | None) -> None:
    if answer is None and request.method == "PUT":
        request.text = cut(request.text)


def _with_an_etag_of_what_was_sent(cut: Any, request: Message, answer: Message | None) -> None:
    _at_the_write(cut, request, answer)
    if answer is not None and request.method == "PUT":
        answer.headers["etag"] = '"of what was sent"'


def _without_an_etag_and_with_marks_of_its_own(cut: Any, request: Message, answer: Message | None) -> None:
    _at_the_write(cut, request, answer)
    if answer is None and request.method == "PUT":
        request.text = re.sub("(LAST-MODIFIED|DTSTAMP):.*", r"\1:20400101T000000Z", request.text)
    elif answer is not None and request.method == "PUT":
        answer.headers.pop("etag", None)


def _when_it_is_read(cut: Any, request: Message, answer: Message | None) -> None:
    if answer is not None and request.method == "REPORT":
        answer.data(cut)
    elif answer is not None and request.method == "GET":
        answer.text = cut(answer.text)


@pytest.mark.parametrize(
    ("way", "most"),
    [
        (_at_the_write, 0),
        (_at_the_write, 20),
        (_with_an_etag_of_what_was_sent, 20),
        (_without_an_etag_and_with_marks_of_its_own, 0),
        (_when_it_is_read, 20),
    ],
)
async def test_what_the_server_drops_stays_in_notion(office: Office, way: Any, most: int) -> None:
    def asked(request: Message) -> None:
        way(_cut(most), request, None)

    office.server.asked = asked
    office.server.answered = lambda request, answer: way(_cut(most), request, answer)
    row = await office.make_row("new", LONG)
    await office.make_row("edited")
    report = await office.run()
    assert report.outcome.counts["right_created"] == 2
    for _ in range(2):
        written = len(office.server.writes())
        report = await office.run()
        assert not +report.outcome.counts
        assert len(office.server.writes()) == written
        assert (await office.rows())["new"] == LONG
    await office.person.edit(row, Notes=_notes("Another " + LONG))
    await office.run()
    for _ in range(2):
        written = len(office.server.writes())
        assert not +(await office.run()).outcome.counts
        assert len(office.server.writes()) == written
    assert (await office.rows())["new"] == "Another " + LONG
    # What somebody writes there crosses still.
    (todo,) = [todo for todo in await office.todos() if todo.values["summary"] == "new"]
    office.server.asked, office.server.answered = (lambda request: None), (lambda request, answer: None)
    office.file(todo.href.rpartition("/")[2], todo.uid, "new", "DESCRIPTION:short", "SEQUENCE:9")
    await office.run()
    assert (await office.rows())["new"] == "short"


@pytest.mark.parametrize("way", [_at_the_write, _with_an_etag_of_what_was_sent])
@pytest.mark.parametrize("most", [0, 20])
async def test_what_the_server_drops_of_an_attribute_that_was_not_edited_stays_in_notion(
    office: Office, way: Any, most: int
) -> None:
    text = "a text that is a good deal longer than twenty letters"
    row = await office.make_row("tea", text)
    assert (await office.run()).status == "succeeded"
    office.server.asked = lambda request: way(_cut(most), request, None)
    office.server.answered = lambda request, answer: way(_cut(most), request, answer)
    await office.person.edit(row, Task=Person.text("green tea"))
    assert (await office.run()).outcome.counts["right_updated"] == 1
    (todo,) = await office.todos()
    assert todo.values["description"] == text[:most]  # or nothing is tried here
    for _ in range(3):
        report = await office.run()
        assert (report.status, +report.outcome.counts) == ("succeeded", {})
    assert await office.rows() == {"green tea": text}


@pytest.mark.parametrize(("most", "etag_stays"), [(0, True), (20, False)])
async def test_what_the_server_drops_later_stays_in_notion(
    office: Office, most: int, etag_stays: bool
) -> None:
    """Right after the write it shows all of it, and what is left of it in the next listing."""

    def answered(request: Message, answer: Message) -> None:
        if request.method == "REPORT" and later:
            answer.data(_cut(most))
            if not etag_stays:
                answer.text = re.sub("<getetag>.", r"\g<0>later-", answer.text)

    def asked(request: Message) -> None:
        if "if-match" in request.headers:
            request.headers["if-match"] = request.headers["if-match"].replace("later-", "")

    office.server.answered, office.server.asked = answered, asked
    later = False
    row = await office.make_row("new", LONG)
    await office.run()
    later = True
    for _ in range(3):
        assert not +(await office.run()).outcome.counts
        assert await office.rows() == {"new": LONG}
    await office.person.edit(row, Task=Person.text("renamed"))  # a write of something else
    for _ in range(3):
        await office.run()
        assert await office.rows() == {"renamed": LONG}
    await office.person.edit(row, Notes=_notes("Another " + LONG))
    later = False
    assert (await office.run()).outcome.counts["right_updated"] == 1
    later = True
    for _ in range(3):
        assert not +(await office.run()).outcome.counts
        assert await office.rows() == {"renamed": "Another " + LONG}
    (todo,) = await office.todos()
    later = False
    office.file(todo.href.rpartition("/")[2], todo.uid, "renamed", "DESCRIPTION:short", "SEQUENCE:9")
    await office.run()
    assert await office.rows() == {"renamed": "short"}


async def test_an_edit_by_a_program_that_leaves_the_marks_is_an_edit(office: Office) -> None:
    row = await office.make_row("row", "one")
    await office.run()
    (todo,) = await office.todos()
    with office.server.radicale.http() as http:
        text = todo.text.replace("DESCRIPTION:one", "DESCRIPTION:two")
        http.put(todo.href, content=text, headers={"Content-Type": "text/calendar"}).raise_for_status()
    await office.run()
    assert await office.rows() == {"row": "two"}
    await office.person.edit(row, Notes=_notes("three"))
    await office.run()
    assert await office.rows() == {"row": "three"}


async def test_an_edit_right_after_a_write_is_an_edit(office: Office) -> None:
    row = await office.make_row("row", "one")
    await office.run()
    (todo,) = await office.todos()

    def somebody(request: Message, answer: Message) -> None:
        if request.method == "PUT":
            office.server.answered = lambda request, answer: None
            office.file(todo.href.rpartition("/")[2], todo.uid, "row", "DESCRIPTION:three", "SEQUENCE:7")

    office.server.answered = somebody
    await office.person.edit(row, Notes=_notes("two"))
    await office.run()
    await office.run()
    assert await office.rows() == {"row": "three"}


# -- a server that contradicts itself ---------------------------------------------------------------------------


def _names_and_does_not_give(server: Quirky, name: str) -> None:
    def asked(request: Message) -> Message | None:
        return not_found(request) if request.method == "GET" and request.path.endswith(f"/{name}") else None

    def answered(request: Message, answer: Message) -> None:
        def without_content(response: str) -> str:
            if f"/{name}</" not in response:
                return response
            href = re.search(r"<(?:\w+:)?href>.*?</(?:\w+:)?href>", response)
            assert href is not None
            if request.is_query:
                return f"<response>{href[0]}<propstat><prop/><status>HTTP/1.1 200 OK</status></propstat></response>"
            return f"<response>{href[0]}<status>HTTP/1.1 404 Not Found</status></response>"

        if request.method == "REPORT":
            answer.responses(without_content)

    server.asked, server.answered = asked, answered


async def test_a_todo_that_is_named_and_not_given_keeps_its_row_and_all_else_goes_on(office: Office) -> None:
    office.file("odd.ics", "uid-1", "one")
    office.file("uid-2.ics", "uid-2", "two")
    office.file("name-3.ics", "uid-3", "three")
    await office.run()
    assert set(await office.rows()) == {"one", "two", "three"}
    _names_and_does_not_give(office.server, "odd.ics")
    office.remove("name-3.ics")
    office.file("four.ics", "uid-4", "four")
    await office.make_row("five")
    for _ in range(2):
        await office.run()
        assert set(await office.rows()) == {"one", "two", "four", "five"}
        assert sorted(todo.values["summary"] for todo in await office.todos()) == [
            "five",
            "four",
            "one",
            "two",
        ]
    _names_and_does_not_give(office.server, "nothing.ics")
    office.remove("odd.ics")
    await office.run()
    assert set(await office.rows()) == {"two", "four", "five"}


async def test_a_todo_that_never_could_be_read_is_not_made_again(office: Office) -> None:
    office.file("odd.ics", "uid-1", "one")
    office.file("two.ics", "uid-2", "two")
    _names_and_does_not_give(office.server, "odd.ics")
    await office.make_row("one")
    for _ in range(2):
        report = await office.run()
        assert report.status == "failed"
        assert "odd.ics" in report.reason
        assert set(await office.rows()) == {"one", "two"}
        assert len(await office.todos()) == 2
    _names_and_does_not_give(office.server, "nothing.ics")
    assert (await office.run()).status == "succeeded"
    assert set(await office.rows()) == {"one", "two"}
    assert len(await office.todos()) == 2


async def test_a_todo_that_goes_while_it_is_listed_is_gone_in_the_next_run(office: Office) -> None:
    office.file("odd.ics", "uid-1", "one")
    office.file("two.ics", "uid-2", "two")
    await office.run()

    def answered(request: Message, answer: Message) -> None:
        if request.is_query:
            office.server.answered = lambda request, answer: None
            answer.responses(
                lambda one: re.sub("(?s)<propstat>.*</propstat>", "", one) if "odd" in one else one
            )
            office.remove("odd.ics")

    office.server.answered = answered
    assert (await office.run()).outcome.counts["left_deleted"] == 0
    assert (await office.run()).outcome.counts["left_deleted"] == 1
    assert set(await office.rows()) == {"two"}


async def test_two_todos_of_one_uid_are_left_until_there_is_one(office: Office) -> None:
    office.file("a.ics", "same", "first")
    office.file("z.ics", "other", "another")
    await office.run()
    folder = office.server.radicale.folder / "collections" / "collection-root"
    folder = folder / office.server.radicale.username / office.calendar_url.rstrip("/").rpartition("/")[2]
    (folder / "b.ics").write_text((folder / "a.ics").read_text().replace("SUMMARY:first", "SUMMARY:second"))
    for turned in (False, True):

        def answered(request: Message, answer: Message, turned: bool = turned) -> None:
            if request.is_query and turned:
                parts = re.findall("(?s)<response>.*?</response>", answer.text)
                answer.text = answer.text.replace("".join(parts), "".join(parts[::-1]))

        office.server.answered = answered
        report = await office.run()
        assert "a.ics and b.ics have the same UID" in "".join(report.outcome.skipped)
        assert set(await office.rows()) == {"first", "another"}
        assert not office.server.writes()
    (folder / "a.ics").unlink()
    await office.run()
    assert set(await office.rows()) == {"second", "another"}


# -- versions ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["weak", "none"])
async def test_a_server_without_strong_etags_is_written(office: Office, kind: str) -> None:
    def asked(request: Message) -> Message | None:
        if "if-match" in request.headers:
            return Message(request.method, request.path, {}, b"", 412)
        return None

    def answered(request: Message, answer: Message) -> None:
        etag = answer.headers.pop("etag", None)
        if kind == "weak" and etag:
            answer.headers["etag"] = f"W/{etag}"
        if request.method == "REPORT":
            change = r"\1W/" if kind == "weak" else ""
            pattern = "(<getetag>)" if kind == "weak" else "<getetag>.*?</getetag>"
            answer.text = re.sub(pattern, change, answer.text)

    office.server.asked, office.server.answered = asked, answered
    row, gone = await office.make_row("row"), await office.make_row("gone")
    assert (await office.run()).status == "succeeded"
    await office.person.edit(row, Notes=_notes("new"))
    await office.person.patch_page(gone, {"in_trash": True})
    report = await office.run()
    assert (report.status, report.reason) == ("succeeded", "")
    (todo,) = await office.todos()
    assert todo.values["description"] == "new"
    assert not +(await office.run()).outcome.counts


async def test_a_todo_that_is_refused_at_every_run_is_held(office: Office) -> None:
    row = await office.make_row("row")
    await office.run()
    office.server.asked = lambda request: (
        Message(request.method, request.path, {}, b"", 412) if "if-match" in request.headers else None
    )
    await office.person.edit(row, Notes=_notes("new"))
    for _ in range(3):
        report = await office.run()
        assert report.status == "failed"
    assert "left out after failures" in report.reason
    assert "refuses to change it" in report.reason


def test_the_stand_in_cuts_folded_texts() -> None:
    text = "A:1\r\nDESCRIPTION:one\\, \r\n two\r\nB:2\r\n"
    assert _cut(20)(text) == "A:1\r\nDESCRIPTION:one\\, two\r\nB:2\r\n"
    assert _cut(0)(text) == "A:1\r\nB:2\r\n"
