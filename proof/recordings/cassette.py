"""Cassettes: what was asked and what was answered, in order.

Read are the YAML and JSON of vcrpy, betamax, the VCRs of Ruby and Go, HAR archives, and nock's lists. They name the
same things differently; everything else is told by what is there.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from email.utils import parsedate_to_datetime
from pathlib import Path
from typing import Any
from urllib.parse import SplitResult, parse_qsl, urlsplit

import yaml

from recordings.bodies import read_body

SUFFIXES = frozenset({".yaml", ".yml", ".json", ".har"})
_UUID = re.compile(r"[0-9a-f]{8}-?[0-9a-f]{4}-?[0-9a-f]{4}-?[0-9a-f]{4}-?[0-9a-f]{12}")
_FIRST_ID = re.compile(
    r"^(pages|blocks|databases|data_sources|users|comments|file_uploads|views)/(?!me$)[^/]+"
)
_COOKIE_TIME = re.compile(r"-(1\d{9}(?:\.\d+)?)-")
_OTHER_SERVICE = re.compile(r"(?!.*notion)[\w.-]+\.[a-z]{2,}(:\d+)?$", re.IGNORECASE)
_OLDEST, _BETWEEN, _NEWEST = "2022-06-28", "2025-09-03", "2026-03-11"

Json = dict[str, Any]


class CassetteError(Exception):
    """A file that is no cassette, or cannot be read as one."""


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
        named = _FIRST_ID.sub(r"\1/{id}", path)
        return f"{self.method} /{named}"

    @property
    def reads(self) -> bool:
        """Whether the request changes nothing."""
        return self.method == "GET" or self.path == "search" or self.path.endswith("/query")


def read_cassette(path: Path) -> tuple[list[Interaction], list[str]]:
    """The interactions of a cassette with Notion, and a line on each that cannot be read.

    Raises:
        CassetteError: The file is no cassette; one line says why.
    """
    exchanges, unread = read_exchanges(path)
    ours = [one for one in exchanges if _is_notions(urlsplit(one.uri))]
    version = _spoken(ours)
    return [_interaction(exchange, version) for exchange in ours], unread


def read_exchanges(path: Path) -> tuple[list[Exchange], list[str]]:
    """All requests and answers of a cassette, with whatever service, and a line on each that cannot be read.

    Raises:
        CassetteError: The file is no cassette; one line says why.
    """
    try:
        entries, read = _entries(_load(path))
    except (OSError, ValueError, yaml.YAMLError, RecursionError) as error:
        raise CassetteError(f"cannot be read: {_line(error)}") from None
    exchanges, unread = [], []
    for number, entry in enumerate(entries):
        try:
            exchanges.append(read(entry))
        except (KeyError, TypeError, AttributeError, IndexError, ValueError) as error:
            unread.append(f"#{number}: no known form of interaction ({type(error).__name__}: {_line(error)})")
    return exchanges, unread


def _is_notions(address: SplitResult) -> bool:
    return address.path.startswith("/v1/") and not _OTHER_SERVICE.match(address.netloc)


@dataclass(frozen=True)
class Exchange:
    """A request and its answer, whatever the form of the cassette."""

    method: str
    uri: str
    body: Any
    headers: dict[str, str]
    status: int
    answer: Any
    answered: dict[str, str]
    at: datetime | str | None = None


def _load(path: Path) -> Any:
    raw = path.read_bytes()
    if path.suffix in (".json", ".har"):
        return json.loads(raw)
    return yaml.load(raw.decode("utf-8"), _Loader)  # noqa: S506 - a safe loader with plain values for odd tags


class _Loader(getattr(yaml, "CSafeLoader", yaml.SafeLoader)):  # type: ignore[misc]
    """Takes tags of other languages for the plain value below them."""


def _plain_value(loader: Any, _: str, node: Any) -> Any:
    if isinstance(node, yaml.MappingNode):
        return loader.construct_mapping(node, deep=True)
    if isinstance(node, yaml.SequenceNode):
        return loader.construct_sequence(node, deep=True)
    return loader.construct_scalar(node)


_Loader.add_multi_constructor("tag:yaml.org,2002:python/", _plain_value)
_Loader.add_multi_constructor("!", _plain_value)


def _entries(doc: Any) -> tuple[list[Any], Callable[[Any], Exchange]]:
    """The entries of a cassette, and how they are read."""
    if isinstance(doc, list):
        return doc, _of_nock
    if isinstance(doc, dict) and isinstance(doc.get("log"), dict):
        return list(doc["log"].get("entries") or []), _of_har
    key = next(
        (key for key in ("interactions", "http_interactions") if isinstance(doc, dict) and key in doc), None
    )
    if key is None:
        raise CassetteError("no cassette: it is neither a list, nor has it interactions or a log")
    return list(doc[key] or []), _of_vcr


def _of_vcr(entry: Json) -> Exchange:
    request, response = entry["request"], entry["response"]
    status = response.get("status_code") or response.get("code") or response.get("status")
    if isinstance(status, dict):
        status = status["code"]
    answered = _headers(response)
    content = next((response[key] for key in ("content", "body") if response.get(key) is not None), None)
    return Exchange(
        method=request["method"].upper(),
        uri=request.get("uri") or request["url"],
        body=read_body(request.get("body")),
        headers=_headers(request),
        status=int(str(status).split(maxsplit=1)[0]),
        answer=read_body(content),
        answered=answered,
        at=entry.get("recorded_at"),
    )


def _of_har(entry: Json) -> Exchange:
    request, response = entry["request"], entry["response"]
    return Exchange(
        method=request["method"].upper(),
        uri=request["url"],
        body=read_body((request.get("postData") or {}).get("text")),
        headers=_headers(request),
        status=int(response["status"]),
        answer=read_body(response.get("content")),
        answered=_headers(response),
        at=entry.get("startedDateTime"),
    )


def _of_nock(entry: Json) -> Exchange:
    return Exchange(
        method=entry["method"].upper(),
        uri=str(entry["scope"]) + entry["path"],
        body=read_body(entry.get("body")),
        headers=_headers({"headers": entry.get("reqheaders")}),
        status=int(entry["status"]),
        answer=read_body(entry.get("response")),
        answered=_headers({"headers": entry.get("rawHeaders") or entry.get("headers")}),
    )


def _headers(message: Json) -> dict[str, str]:
    """Headers by lower-case name; of a mapping, of pairs, of {name, value}, or of names and values in turn."""
    given = message.get("headers") or {}
    if isinstance(given, dict):
        pairs = list(given.items())
    elif all(isinstance(part, str) for part in given):
        pairs = list(zip(given[::2], given[1::2], strict=False))
    else:
        pairs = [(part["name"], part["value"]) if isinstance(part, dict) else tuple(part) for part in given]
    found: dict[str, str] = {}
    for name, value in pairs:
        parts = value if isinstance(value, list) else [value]
        text = ", ".join(part.decode("latin-1") if isinstance(part, bytes) else str(part) for part in parts)
        key = str(name).lower()
        found[key] = f"{found[key]}, {text}" if key in found else text
    return found


def _interaction(exchange: Exchange, version: str) -> Interaction:
    address = urlsplit(exchange.uri)
    return Interaction(
        method=exchange.method,
        path=address.path.removeprefix("/v1/").rstrip("/"),
        query=parse_qsl(address.query, keep_blank_values=True),
        body=exchange.body,
        version=exchange.headers.get("notion-version") or version,
        content_type=exchange.headers.get("content-type") or "application/json",
        status=exchange.status,
        answer=exchange.answer,
        time=time_of(exchange),
    )


def _spoken(exchanges: list[Exchange]) -> str:
    """The version of requests whose header was left out of the recording, by what only it has."""
    told = [
        exchange.headers["notion-version"] for exchange in exchanges if "notion-version" in exchange.headers
    ]
    if told:
        return told[0]
    paths = [urlsplit(exchange.uri).path for exchange in exchanges]
    text = json.dumps([exchange.answer for exchange in exchanges], default=str)
    if not any(word in text for word in ('"data_source', '"data_sources"')) and (
        any(re.search(r"/databases/[^/]+/query$", path) for path in paths)
        or '"object": "database"' in text
        or '"type": "database_id"' in text
    ):
        return _OLDEST
    return _NEWEST if '"in_trash"' in text and '"archived"' not in text else _BETWEEN


def time_of(exchange: Exchange) -> float | None:
    """Seconds since 1970 at which the answer was given, where it says so."""
    found = _COOKIE_TIME.search(exchange.answered.get("set-cookie", ""))
    if found:
        return float(found.group(1))
    try:
        if exchange.at is not None:
            at = exchange.at if isinstance(exchange.at, datetime) else _any_date(exchange.at)
            return at.timestamp()
        said = exchange.answered.get("date")
        return _any_date(said).timestamp() if said else None
    except ValueError:
        return None


def _any_date(text: str) -> datetime:
    return parsedate_to_datetime(text) if "," in text else datetime.fromisoformat(text)


def _line(error: Exception) -> str:
    return str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
