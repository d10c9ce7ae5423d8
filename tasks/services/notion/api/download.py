"""A file from an address that Notion signed, which is good for an hour and needs no token."""

from __future__ import annotations

from pathlib import Path

import httpx

from tasks.errors import ItemError
from tasks.services.notion.api.answers import RefusedError


async def download(
    client: httpx.AsyncClient, address: str, path: Path, *, subject: str, most_bytes: int
) -> None:
    """Write what an address gives into a file.

    Raises:
        RefusedError: the address gives nothing.
        ItemError: it gives more bytes than are carried.
        httpx.TransportError: not all of it arrived.
    """
    request = client.build_request("GET", address, headers={"accept-encoding": "identity"})
    answer = await client.send(request, stream=True)
    try:
        if answer.status_code >= 500:
            raise httpx.ReadError(f"status {answer.status_code}", request=request)
        if answer.status_code != 200:
            raise RefusedError(
                f"its address gives status {answer.status_code}",
                status=answer.status_code,
                code=None,
                subject=subject,
            )
        said = answer.headers.get("content-length", "")
        size = int(said) if said.isdecimal() else 0
        if size > most_bytes:  # not a byte of it is read
            raise _too_large(subject, f"{size:,}", most_bytes)
        written = 0
        with path.open("wb") as file:
            async for part in answer.aiter_raw():
                written += len(part)
                if written > most_bytes:
                    raise _too_large(subject, f"over {most_bytes:,}", most_bytes)
                file.write(part)
    finally:
        await answer.aclose()


def _too_large(subject: str, size: str, most_bytes: int) -> ItemError:
    return ItemError(
        f"{subject} has {size} bytes; files of up to {most_bytes:,} are carried (max_file_mb of Notion)"
    )
