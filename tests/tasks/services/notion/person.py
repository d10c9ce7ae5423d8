"""Somebody who works in the same Notion workspace, through the sandbox's back door."""

from __future__ import annotations

from typing import Any

import httpx


class Person:
    """Edits with no care for any sync that runs."""

    def __init__(self, url: str, client: httpx.AsyncClient) -> None:
        self.url = url
        self.client = client

    async def send(self, method: str, path: str, body: Any = None) -> dict[str, Any]:
        """A request as the app makes it; `path` is below `/v1/`."""
        return await self.arrange(method, f"person/v1/{path}", body)

    async def arrange(self, method: str, path: str, body: Any = None) -> dict[str, Any]:
        """A request to the sandbox itself."""
        response = await self.client.request(method, f"{self.url}/_sandbox/{path}", json=body)
        assert response.status_code == 200, response.text
        answer: dict[str, Any] = response.json()
        return answer

    async def make_data_source(self, title: str, columns: dict[str, Any]) -> str:
        body = {
            "parent": {"type": "workspace", "workspace": True},
            "title": self.text(title)["title"],
            "initial_data_source": {"properties": columns},
        }
        made = await self.send("POST", "databases", body)
        return str(made["data_sources"][0]["id"])

    async def patch_columns(self, source: str, columns: dict[str, Any]) -> None:
        await self.send("PATCH", f"data_sources/{source}", {"properties": columns})

    async def make_page(self, source: str, text: str = "", /, **properties: Any) -> str:
        body: dict[str, Any] = {"parent": {"type": "data_source_id", "data_source_id": source}}
        body |= {"properties": properties, **({"markdown": text} if text else {})}
        made = await self.send("POST", "pages", body)
        return str(made["id"])

    async def page(self, page_id: str) -> dict[str, Any]:
        return await self.send("GET", f"pages/{page_id}")

    async def patch_page(self, page_id: str, body: dict[str, Any]) -> None:
        await self.send("PATCH", f"pages/{page_id}", body)

    async def edit(self, page_id: str, **properties: Any) -> None:
        await self.patch_page(page_id, {"properties": properties})

    @staticmethod
    def text(content: str) -> dict[str, Any]:
        return {"title": [{"type": "text", "text": {"content": content}}]}
