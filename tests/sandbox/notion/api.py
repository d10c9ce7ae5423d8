"""The Notion API by plain HTTP."""

from __future__ import annotations

from typing import Any

import httpx

from sandbox.notion import ROOT_PAGE_ID

Json = dict[str, Any]


class Api:
    """Sends requests as one bot, and expects them to succeed unless told otherwise."""

    def __init__(self, http: httpx.Client, version: str = "2026-03-11", token: str = "token") -> None:
        self.http = http
        self.headers = {"Authorization": f"Bearer {token}", "Notion-Version": version}

    def with_version(self, version: str) -> Api:
        return Api(self.http, version)

    def send(self, method: str, path: str, body: Any = None, **query: Any) -> httpx.Response:
        return self.http.request(method, f"/v1/{path}", json=body, params=query, headers=self.headers)

    def ok(self, method: str, path: str, body: Any = None, **query: Any) -> Json:
        response = self.send(method, path, body, **query)
        assert response.status_code == 200, response.text
        answer: Json = response.json()
        return answer

    def refused(self, method: str, path: str, body: Any = None, status: int = 400, **query: Any) -> str:
        response = self.send(method, path, body, **query)
        assert response.status_code == status, response.text
        return str(response.json()["message"])

    def door(self, path: str, body: Any = None, method: str = "POST") -> Json:
        response = self.http.request(method, f"/_sandbox/{path}", json=body)
        assert response.status_code == 200, response.text
        answer: Json = response.json()
        return answer

    def source(self, columns: Json | None = None, title: str = "Tasks") -> str:
        body = {
            "parent": {"page_id": ROOT_PAGE_ID},
            "title": text(title),
            "initial_data_source": {"properties": {"Name": {"title": {}}} | (columns or {})},
        }
        return str(self.ok("POST", "databases", body)["data_sources"][0]["id"])

    def page(self, source: str, name: str = "", **properties: Any) -> Json:
        cells = {"Name": {"title": text(name)}} | properties
        return self.ok("POST", "pages", {"parent": {"data_source_id": source}, "properties": cells})

    def edit(self, page: Json, **properties: Any) -> Json:
        return self.ok("PATCH", f"pages/{page['id']}", {"properties": properties})

    def query(self, source: str, filter: Any = None, **body: Any) -> list[str]:
        if filter is not None:
            body["filter"] = filter
        return names(self.ok("POST", f"data_sources/{source}/query", body))


def text(content: str) -> list[Json]:
    return [{"text": {"content": content}}]


def names(listing: Json) -> list[str]:
    """Titles of the pages of an answer."""
    return [name(page) for page in listing["results"]]


def name(page: Json) -> str:
    title = next(cell for cell in page["properties"].values() if cell["type"] == "title")
    return "".join(run["plain_text"] for run in title["title"])
