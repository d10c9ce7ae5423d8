"""Holds requests and answers against the shapes of GitHub's published description of its API."""

from __future__ import annotations

import json
import re
from functools import cache
from pathlib import Path
from typing import Any

import httpx
import jsonschema_rs

DESCRIPTION = json.loads(Path(__file__).with_name("description.json").read_text(encoding="utf-8"))
#: Of a repository the stand-in shows what a sync reads, not all of its hundred fields.
IN_PART = ("GET /repos/{owner}/{repo}",)
#: Not in the description: paging by number goes on where the description speaks of it, and GraphQL is no REST.
PAGING = {"per_page", "page"}


def operation_of(method: str, path: str) -> str | None:
    """The operation that a request is one of, also where the repository is named by its id."""
    path = re.sub(r"^/repositories/\d+", "/repos/o/r", path.removeprefix("/api/v3"))
    for name in DESCRIPTION["operations"]:
        verb, _, template = name.partition(" ")
        pattern = re.sub(r"\{issue_number\}", r"\\d+", template)
        if verb == method and re.fullmatch(re.sub(r"\{\w+\}", "[^/]+", pattern), path):
            return str(name)
    return None


@cache
def _validator(name: str, part: str, status: str = "") -> Any:
    found = DESCRIPTION["operations"][name]
    schema = found["request"] if part == "request" else found["responses"][status]
    if schema is None:
        return None
    schemas = DESCRIPTION["schemas"]
    if name in IN_PART and part != "request" and status == "200":
        schema = {key: value for key, value in schemas["full-repository"].items() if key != "required"}
    return jsonschema_rs.validator_for({**schema, "schemas": schemas})


def check_request(request: httpx.Request) -> None:
    """Make sure that a request is one that the description knows."""
    name = operation_of(request.method, request.url.path)
    if name is None:
        assert request.url.path.endswith(("/graphql", "/installation")), f"{request.method} {request.url}"
        return
    known = DESCRIPTION["operations"][name]
    assert set(request.url.params) <= {*known["query"], *PAGING}, f"{name}: {request.url.params}"
    if request.content:
        body = json.loads(request.content)
        _validator(name, "request").validate(body)
        unknown = set(body) - set(known["request"]["properties"])
        assert not unknown, f"{name} knows no {unknown}"


def check_answer(request: httpx.Request, response: httpx.Response) -> None:
    """Make sure that an answer has the shape that the description gives it."""
    name = operation_of(request.method, request.url.path)
    if name is None or response.status_code in (304, 401):
        return
    status = str(response.status_code)
    assert status in DESCRIPTION["operations"][name]["responses"] or status in ("307", "403", "410"), (
        f"{name} answers {status}"
    )
    if status not in DESCRIPTION["operations"][name]["responses"]:
        schema = {**DESCRIPTION["schemas"]["basic-error"], "schemas": DESCRIPTION["schemas"]}
        jsonschema_rs.validator_for(schema).validate(response.json())
        return
    validator = _validator(name, "response", status)
    if validator is None:
        assert not response.content, f"{name}: {status} has a body"
    else:
        validator.validate(response.json())


class Described(httpx.AsyncHTTPTransport):
    """Sends requests and holds both them and their answers against the description, but for planted faults."""

    def __init__(self) -> None:
        super().__init__(verify=False)  # no TLS, so no certificates to load

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        check_request(request)
        response = await super().handle_async_request(request)
        if "x-sandbox-fault" not in response.headers:
            await response.aread()
            check_answer(request, response)
            again = httpx.ByteStream(response.content)
            response = httpx.Response(response.status_code, headers=response.headers, stream=again)
        return response
