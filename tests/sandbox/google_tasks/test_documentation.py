"""What the page says of the local account is so."""

from __future__ import annotations

from tests.docs.pages import block


def test_the_account_of_the_page() -> None:
    exec(compile(block("google-tasks.md", "import httpx").text, "google-tasks.md", "exec"), {})
