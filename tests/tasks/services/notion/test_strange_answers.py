"""Answers that are made to do harm: too large to unpack, or sending the token elsewhere."""

from __future__ import annotations

import asyncio
import gzip
import json
import tracemalloc
import zlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import httpx
import pytest
from pydantic import SecretStr

from tasks.errors import SideError
from tasks.limited_http import ANSWER_MAX, LimitedClient
from tasks.services.notion.api.client import NotionClient

TOKEN = SecretStr("ntn_strangeanswers1")


@asynccontextmanager
async def answering(head: str, *parts: bytes) -> AsyncIterator[tuple[str, list[bytes]]]:
    """A server that answers everything so; its address, and the heads of what it was asked."""
    asked: list[bytes] = []

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            asked.append(await reader.readuntil(b"\r\n\r\n"))
            writer.write(f"HTTP/1.1 {head}\r\nconnection: close\r\n\r\n".encode())
            for part in parts:
                writer.write(part)
                await writer.drain()
        except (ConnectionError, asyncio.IncompleteReadError):
            return
        finally:
            writer.close()

    server = await asyncio.start_server(handle, "127.0.0.1", 0)
    try:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}", asked
    finally:
        server.close()


def notion(url: str) -> NotionClient:
    return NotionClient(TOKEN, base_url=url, repeats=0, first_delay=0.01)


def bomb(size: int) -> list[bytes]:
    """A compressed answer of `size` bytes, in parts."""
    packer = zlib.compressobj(9, wbits=31)
    zeros = b"0" * (1024 * 1024)
    parts = [packer.compress(zeros) for _ in range(size // len(zeros))]
    return [*parts, packer.flush()]


async def test_what_unpacks_to_more_than_there_is_memory_is_not_unpacked() -> None:
    parts = bomb(800 * 1024 * 1024)
    async with answering("200 OK\r\ncontent-encoding: gzip", *parts) as (url, _), notion(url) as client:
        tracemalloc.start()
        try:
            with pytest.raises(SideError, match="a page"):
                await client.read("pages/1", subject="a page")
            assert tracemalloc.get_traced_memory()[1] < 4 * ANSWER_MAX
        finally:
            tracemalloc.stop()


async def test_a_redirect_takes_no_token_to_another_host() -> None:
    async with answering("200 OK", b"{}") as (elsewhere, asked):
        for status in (301, 302, 303, 307, 308):
            head = f"{status} Moved\r\nlocation: {elsewhere}/v1/pages/1"
            async with answering(head) as (url, first), notion(url) as client:
                with pytest.raises(SideError):
                    await client.read("pages/1", subject="a page")
                assert len(first) == 1
                assert TOKEN.get_secret_value().encode() in first[0]
        assert asked == []


@pytest.mark.parametrize(
    ("packing", "body"),
    [
        ("gzip", gzip.compress(b'{"object": "page"}')[:-9]),
        ("gzip", b"no gzip"),
        ("br", b"\x0b\x02\x80{}\x03"),
        ("gzip, gzip", gzip.compress(gzip.compress(b"{}"))),
    ],
    ids=["cut", "no gzip", "another packing", "packed twice"],
)
async def test_what_cannot_be_unpacked_is_no_answer(packing: str, body: bytes) -> None:
    async with (
        answering(f"200 OK\r\ncontent-encoding: {packing}", body) as (url, _),
        LimitedClient() as client,
    ):
        with pytest.raises(httpx.DecodingError):
            await client.get(url)


@pytest.mark.parametrize("packed", [False, True])
@pytest.mark.parametrize(("size", "fits"), [(1000, True), (1001, False)])
async def test_an_answer_up_to_the_limit_is_read(packed: bool, size: int, fits: bool) -> None:
    body = json.dumps("x" * (size - 2)).encode()
    head = "200 OK\r\nx-a: 1" + ("\r\ncontent-encoding: gzip" if packed else "")
    async with answering(head, gzip.compress(body) if packed else body) as (url, asked):
        async with LimitedClient(answer_max=1000) as client:
            if fits:
                answer = await client.get(url)
                assert (answer.content, answer.headers["x-a"]) == (body, "1")
            else:
                with pytest.raises(httpx.DecodingError, match="larger than 1000 bytes"):
                    await client.get(url)
        assert b"accept-encoding: gzip\r\n" in asked[0].lower()
