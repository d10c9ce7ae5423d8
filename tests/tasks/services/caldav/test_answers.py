"""Answers that would take the memory, the login or the other to-dos with them."""

from __future__ import annotations

import asyncio
import gzip
import tracemalloc
import zlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import SecretStr

from tasks.errors import OutcomeUnknownError, SideError
from tasks.services.caldav import (
    TODOS,
    CalDAVClient,
    Calendar,
)
from tasks.services.caldav.collection.contents import read_contents
from tasks.services.caldav.server import answer
from tasks.services.caldav.server.answer import MOST_BYTES, Answer, TooLargeError, Unpacked
from tasks.services.caldav.server.multistatus import read_multistatus
from tests.tasks.services.caldav.scripted import Scripted, found, http, multistatus, scripted


def packed(body: bytes, *headers: str, status: str = "207 Multi-Status") -> bytes:
    head = [f"HTTP/1.1 {status}", "Content-Encoding: gzip", f"Content-Length: {len(body)}", *headers, "", ""]
    return "\r\n".join(head).encode() + body


def bomb(size: int) -> bytes:
    press = zlib.compressobj(9, wbits=31)
    parts = [press.compress(bytes(1_000_000)) for _ in range(size // 1_000_000)]
    return b"".join([*parts, press.flush()])


# -- memory -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("status", ["207 Multi-Status", "401 Unauthorized", "500 Failed"])
async def test_an_answer_is_unpacked_no_further_than_it_may_grow(status: str) -> None:
    big = packed(bomb(200_000_000), 'WWW-Authenticate: Basic realm="x"', status=status)
    async with scripted(REPORT=[big], PUT=[big]) as (_, calendar):
        tracemalloc.start()
        try:
            with pytest.raises(SideError, match="larger than 100 MB"):
                await calendar.read_all()
            with pytest.raises(OutcomeUnknownError, match="larger than 100 MB"):
                await calendar.create("k", {"summary": "x"})
            _, most = tracemalloc.get_traced_memory()
        finally:
            tracemalloc.stop()
    assert most < 1.5 * MOST_BYTES


async def test_an_answer_that_is_not_packed_has_the_same_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(answer, "MOST_BYTES", 2_000)
    async with scripted(REPORT=[multistatus(found("/cal/a.ics", "a"), found("/cal/b.ics", "b" * 2000))]) as (
        _,
        calendar,
    ):
        with pytest.raises(SideError, match="larger than"):
            await calendar.read_all()


async def test_a_packed_answer_is_read() -> None:
    body = multistatus(found("/cal/a.ics", "a")).partition("\r\n\r\n")[2].encode()
    for whole in (
        gzip.compress(body),
        gzip.compress(body[:50]) + gzip.compress(body[50:]),
        zlib.compress(body),
    ):
        async with scripted(REPORT=[packed(whole)]) as (_, calendar):
            assert [todo.uid for todo in await calendar.read_all()] == ["a"]


@pytest.mark.parametrize("cut", [1, 9, 40])
async def test_a_packed_answer_that_is_cut_off_is_none(cut: int) -> None:
    whole = gzip.compress(multistatus(found("/cal/a.ics", "a")).partition("\r\n\r\n")[2].encode())
    async with scripted(REPORT=[packed(whole[:-cut])]) as (_, calendar):
        with pytest.raises(SideError):
            await calendar.read_all()


@pytest.mark.parametrize("step", [1, 7, 1000])
def test_a_body_is_the_same_however_it_comes(step: int) -> None:
    body = bytes(range(256)) * 50 + bytes(100_000)
    whole = gzip.compress(body) + gzip.compress(b"more")
    unpacked = Unpacked("gzip")
    for start in range(0, len(whole), step):
        unpacked.add(whole[start : start + step])
    assert unpacked.whole() == body + b"more"


@pytest.mark.parametrize("encoding", ["br", "zstd", "gzip, gzip", "x" * 500])
def test_what_was_not_asked_for_is_not_unpacked(encoding: str) -> None:
    with pytest.raises(TooLargeError, match="not asked for"):
        Unpacked(encoding)


# -- one resource that is no XML --------------------------------------------------------------------------------

FINE = found("/cal/b.ics", "b").replace("SUMMARY:b", "SUMMARY:one two")


def damaged(old: str, new: bytes) -> bytes:
    """Three to-dos, the one in the middle damaged."""
    assert old in FINE
    whole = multistatus(found("/cal/a.ics", "a"), FINE, found("/cal/c.ics", "c"))
    body = whole.partition("\r\n\r\n")[2].encode().replace(old.encode(), new, 1 if old != "one two" else -1)
    head = "HTTP/1.1 207 Multi-Status\r\nContent-Type: application/xml\r\n"
    return f"{head}Content-Length: {len(body)}\r\n\r\n".encode() + body


@pytest.mark.parametrize(
    ("new", "read"),
    [
        (b"one\x08two", "onetwo"),
        (b"one\x00two", "onetwo"),
        (b"one\x1b[31mtwo\x0c", "one[31mtwo"),
        (b"one&#8;&#x1F;&#0;two", "onetwo"),
        (b"one &#8364; two", "one € two"),
        (b"<![CDATA[one <&> two]]>", "one <&> two"),
        (b"<![CDATA[one <D:response> two]]>\x08", "one <D:response> two"),
        (b"one <!-- </D:response> --> two\x08", "one  two"),
        (b"one two\nATTACH;ENCODING=BASE64;VALUE=BINARY:" + b"QUJD" * 2_900_000, "one two"),
    ],
    ids=lambda value: str(value)[:24],
)
async def test_signs_that_are_no_xml_are_dropped_and_huge_texts_are_read(new: bytes, read: str) -> None:
    async with scripted(REPORT=[damaged("one two", new)]) as (_, calendar):
        listing = await calendar.read_all()
    assert {todo.uid: todo.values["summary"] for todo in listing} == {"a": "a", "b": read, "c": "c"}
    assert not listing.unreadable
    assert listing.partial is None


DAMAGES = [
    ("one two", b"one&nbsp;two"),
    ("one two", b"one & two"),
    ("one two", b"one < two"),
    ("one two", b"one</C:calendar-data>two"),
    ("one two", b"one\xff\xfetwo"),
    ("one two", b"one\xc3two"),
    ("one two", b"one\xed\xa0\x80two"),
    ("one two", b"one\xef\xbf\xbftwo"),
    ("one two", b"one&#xD800;two"),
    ("one two", b"one<D:response>two"),
    ("<D:href>/cal/b.ics</D:href>", b"<D:href>/cal/b.ics</D:href><D:x>"),
    ("<D:href>/cal/b.ics</D:href>", b'<D:href>/cal/b.ics</D:href><E:x a="b"/>'),
    ("<D:href>/cal/b.ics</D:href>", b'<D:href>/cal/b.ics</D:href><x a="b" a="c"/>'),
]


@pytest.mark.parametrize(("old", "new"), DAMAGES, ids=[str(new) for _, new in DAMAGES])
async def test_what_is_no_xml_spoils_its_own_resource_only(old: str, new: bytes) -> None:
    async with scripted(REPORT=[damaged(old, new)]) as (_, calendar):
        listing = await calendar.read_all()
        assert {"a", "c"} <= {todo.uid for todo in listing} <= {"a", "c"}
        assert "b.ics cannot be read: " in listing.unreadable["b"]
        assert listing.partial is None
        assert not await calendar.is_gone("b")
    # A plain request needs no XML.
    text = TODOS.new("b", {"summary": "plain"})
    async with scripted(REPORT=[damaged(old, new)], GET=[http("200 OK", text)]) as (_, calendar):
        listing = await calendar.read_all()
        assert [todo.values["summary"] for todo in listing] == ["a", "plain", "c"]


async def test_a_huge_attribute_is_read() -> None:
    old = '<C:calendar-data xmlns:C="urn:ietf:params:xml:ns:caldav">'
    new = old.replace(">", f' x="{"y" * 11_000_000}">')
    body = multistatus(found("/cal/a.ics", "a").replace("<C:calendar-data>", new))
    async with scripted(REPORT=[body]) as (_, calendar):
        assert [todo.uid for todo in await calendar.read_all()] == ["a"]


@pytest.mark.parametrize(
    "body",
    [
        '<!DOCTYPE x [<!ENTITY e "eee">]><D:multistatus xmlns:D="DAV:">&e;</D:multistatus>\x08',
        '<!DOCTYPE x [<!ENTITY e SYSTEM "file:///etc/passwd">]><x>&e;</x>',
        '<D:multistatus xmlns:D="DAV:"><D:response><D:href>/cal/a.ics</D:href>',
        '<D:multistatus xmlns:D="DAV:"><D:response>&</D:response></D:multistatus>',
        '<D:multistatus xmlns:D="DAV:"><D:href>/cal/a.ics</D:href>&</D:multistatus>',
        "<a>" * 100_000,
        "\x08",
    ],
)
async def test_what_cannot_be_taken_apart_is_no_list(body: str) -> None:
    async with scripted(REPORT=[http("207 Multi-Status", body, "Content-Type: text/xml")]) as (_, calendar):
        try:
            listing = await calendar.read_all()
        except SideError:
            return
    assert body.startswith("<!DOCTYPE")
    assert not listing


_WHOLE = (
    multistatus(found("/cal/a.ics", "a"), FINE, found("/cal/c.ics", "c")).partition("\r\n\r\n")[2].encode()
)
_PIECES = st.one_of(
    st.binary(max_size=4),
    st.sampled_from(
        [
            b"<",
            b">",
            b"&",
            b"]]>",
            b"<![CDATA[",
            b"<!--",
            b"<D:response>",
            b"</D:response>",
            b"<D:href>",
            b"\x08",
        ]
    ),
    st.sampled_from(
        [b"http://[x/", b"</D:multistatus>", b"&#0;", b"<!DOCTYPE x>", b"\xff", b"<?x", b"HTTP/1.1 9"]
    ),
)


@settings(max_examples=300, deadline=None)
@given(st.lists(st.tuples(st.integers(0, len(_WHOLE)), st.integers(0, 40), _PIECES), min_size=1, max_size=4))
def test_whatever_comes_is_read_or_refused(edits: list[tuple[int, int, bytes]]) -> None:
    body = _WHOLE
    for place, length, piece in edits:
        body = body[:place] + piece + body[place + length :]
    try:
        resources = read_multistatus(body, "http://cal.example/cal/")
    except ValueError:
        resources = []
    read_contents(resources, codec=TODOS, calendar_url="http://cal.example/cal/", floating=UTC, known={})
    assert Answer(415, {}, body).reason.isprintable()


# -- the login --------------------------------------------------------------------------------------------------


@asynccontextmanager
async def elsewhere() -> AsyncIterator[tuple[int, list[str]]]:
    """A server that must not be asked anything."""
    asked: list[str] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        asked.append((await reader.read(1000)).decode())
        writer.close()

    listener = await asyncio.start_server(serve, "127.0.0.1", 0)
    try:
        yield listener.sockets[0].getsockname()[1], asked
    finally:
        listener.close()


ADDRESSES = [
    "http://127.0.0.1:{port}/cal/b.ics",
    "HTTP://127.0.0.1:{port}/cal/b.ics",
    "//127.0.0.1:{port}/cal/b.ics",
    " http://127.0.0.1:{port}/cal/b.ics ",
    "http://127.0.0.1:{home}@127.0.0.1:{port}/cal/b.ics",
    "http://anna:secret@127.0.0.1:{home}/cal/b.ics",
    "https://127.0.0.1:{home}/cal/b.ics",
    "http://localhost:{home}/cal/b.ics",
    "http://127.0.0.1/cal/b.ics",
    "http://[bad/cal/b.ics",
    "http://127.0.0.1:99999/cal/b.ics",
    "ftp://127.0.0.1:{port}/cal/b.ics",
    "file:///cal/b.ics",
    "javascript:b.ics",
    "/cal/b\x7f.ics",
    "/cal/" + "b" * 70_000,
]


def _bare(href: str) -> str:
    return (
        f'<D:href>{href}</D:href><D:propstat><D:prop><D:getetag>"1"</D:getetag></D:prop>'
        "<D:status>HTTP/1.1 200 OK</D:status></D:propstat>"
    )


@pytest.mark.parametrize("address", ADDRESSES)
@pytest.mark.parametrize("with_content", [True, False])
async def test_no_address_of_an_answer_leads_elsewhere(address: str, with_content: bool) -> None:
    async with elsewhere() as (port, asked):
        server = Scripted({"PUT": [http("204 Done")], "DELETE": [http("204 Done")]})
        listener = await asyncio.start_server(server.serve, "127.0.0.1", 0)
        server.port = listener.sockets[0].getsockname()[1]
        href = address.format(port=port, home=server.port)
        odd = found(href, "odd") if with_content else _bare(href)
        server.answers["REPORT"] = [multistatus(found("/cal/a.ics", "a"), odd)]
        async with CalDAVClient(server.url, "anna", SecretStr("secret")) as client:
            calendar = Calendar(client, TODOS)
            listing = await calendar.read_all()
            assert [todo.uid for todo in listing] == ["a"]
            (reason,) = listing.unreadable.values()
            assert (
                "not the calendar's own address" in reason
                or "came without content" in reason
                or ("its address cannot be read" in reason)
            )
            assert "secret" not in reason
            if with_content:
                assert set(listing.unreadable) == {"odd"}
                assert not await calendar.is_gone("odd")
            for method in ("PUT", "DELETE", "GET"):
                with pytest.raises(SideError, match="nothing is sent there"):
                    await client.request(method, href.strip())
        listener.close()
        assert asked == []
        assert all(headers["host"] == f"127.0.0.1:{server.port}" for _, _, headers in server.requests)


@pytest.mark.parametrize("slashes", ["\\\\", "\\/", "/\\", "%2f%2f", "\t/\t/"])
async def test_odd_slashes_lead_nowhere_else(slashes: str) -> None:
    async with elsewhere() as (port, asked):
        b = found(f"http:{slashes}127.0.0.1:{port}/cal/b.ics", "b")
        async with scripted(REPORT=[multistatus(b)], PUT=[http("204 Done")]) as (server, calendar):
            for todo in await calendar.read_all():
                await calendar.update(todo, {"summary": "new"})
        assert asked == []
        assert all(headers["host"] == f"127.0.0.1:{server.port}" for _, _, headers in server.requests)


async def test_the_place_of_a_new_file_leads_nowhere_else() -> None:
    async with elsewhere() as (port, asked):
        made = http("201 Created", "", f"Location: http://127.0.0.1:{port}/cal/k.ics")
        async with scripted(PUT=[made], REPORT=[multistatus(), multistatus(found("/cal/x.ics", "k"))]) as (
            _,
            calendar,
        ):
            assert (await calendar.create("k", {"summary": "k"})).href.endswith("/cal/x.ics")
        assert asked == []


@pytest.mark.parametrize("method", ["PUT", "REPORT", "GET"])
async def test_a_redirection_leads_nowhere(method: str) -> None:
    async with elsewhere() as (port, asked):
        moved = http("307 Moved", "", f"Location: http://127.0.0.1:{port}/cal/")
        async with scripted(**{method: [moved]}) as (server, calendar):
            with pytest.raises(SideError, match="redirects"):
                await calendar.client.request(method, server.url)
        assert asked == []


async def test_an_address_with_the_usual_port_is_the_calendars_own() -> None:
    client = CalDAVClient("https://cal.example/x/")
    assert client.is_home("https://CAL.example:443/x/a.ics")
    assert not client.is_home("https://cal.example:444/x/a.ics")
    assert not client.is_home("http://cal.example/x/a.ics")
    assert not client.is_home("https://cal.example.evil/x/a.ics")
