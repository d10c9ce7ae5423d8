"""Cassettes: what was asked and what was answered, in order."""

from __future__ import annotations

import gzip
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import yaml

_UUID = re.compile(r"[0-9a-f]{8}-?[0-9a-f]{4}-?[0-9a-f]{4}-?[0-9a-f]{4}-?[0-9a-f]{12}")
_FIRST_ID = re.compile(r"^(pages|blocks|databases|data_sources|users|comments|file_uploads)/(?!me$)[^/]+")
_COOKIE_TIME = re.compile(r"-(1\d{9}(?:\.\d+)?)-")


@dataclass(frozen=True)
class Interaction:
    """One request and its recorded answer."""

    method: str
    #: Below /v1/, percent-encoded as it was sent.
    path: str
    query: list[tuple[str, str]]
    body: Any
    version: str
    content_type: str
    status: int
    answer: Any
    #: Seconds since 1970 at which the answer was given, where it says so.
    time: float | None

    @property
    def endpoint(self) -> str:
        """The method and path with ids left out."""
        path = re.sub(r"/properties/.+", "/properties/{property}", _UUID.sub("{id}", self.path))
        return f"{self.method} /{_named(path)}"

    @property
    def reads(self) -> bool:
        """Whether the request changes nothing."""
        return self.method == "GET" or self.path == "search" or self.path.endswith("/query")


def read_cassette(path: Path) -> Iterator[Interaction]:
    """The interactions of a YAML cassette with Notion."""
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    with path.open(encoding="utf-8") as file:
        doc = yaml.load(file, loader)  # noqa: S506 - a safe loader, whichever it is
    for entry in (doc or {}).get("interactions", []):
        request, response = entry["request"], entry["response"]
        address = urlsplit(request["uri"])
        if "/v1/" not in address.path:
            continue
        headers = {key.lower(): value for key, value in (request.get("headers") or {}).items()}
        status = response.get("status_code") or response["status"]["code"]
        yield Interaction(
            method=request["method"].upper(),
            path=address.path.partition("/v1/")[2].rstrip("/"),
            query=parse_qsl(address.query, keep_blank_values=True),
            body=_json(request.get("body")),
            version=_first(headers.get("notion-version")) or "2025-09-03",
            content_type=_first(headers.get("content-type")) or "application/json",
            status=int(status),
            answer=_json(_content(response)),
            time=_time(response),
        )


def _named(path: str) -> str:
    return _FIRST_ID.sub(r"\1/{id}", path)


def _content(response: dict[str, Any]) -> Any:
    if "content" in response:
        return response["content"]
    body = response.get("body")
    return body.get("string") if isinstance(body, dict) else body


def _json(raw: Any) -> Any:
    if isinstance(raw, bytes):
        raw = (gzip.decompress(raw) if raw[:2] == b"\x1f\x8b" else raw).decode("utf-8", "replace")
    if not raw:
        return None
    try:
        return json.loads(raw)
    except ValueError:
        return raw


def _first(value: Any) -> str | None:
    if isinstance(value, list):
        value = value[0] if value else None
    return None if value is None else str(value)


def _time(response: dict[str, Any]) -> float | None:
    headers = {key.lower(): value for key, value in (response.get("headers") or {}).items()}
    found = _COOKIE_TIME.search(str(headers.get("set-cookie", "")))
    return float(found.group(1)) if found else None
