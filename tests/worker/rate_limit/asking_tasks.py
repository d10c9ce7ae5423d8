"""The probe tasks of the harness, each of which asks Notion who it is at the beginning of a run."""

from __future__ import annotations

import tests.harness.probe_tasks
from config import get_settings
from tasks.services.notion import NotionClient
from tests.harness.probe_tasks import ProbeTask

_open = ProbeTask.open


async def _ask_and_open(task: ProbeTask) -> None:
    settings = get_settings()
    async with NotionClient(settings.notion_token, base_url=settings.notion_base_url) as notion:
        await notion.read("users/me", subject="the token")
    await _open(task)


tests.harness.probe_tasks.ProbeTask.open = _ask_and_open  # type: ignore[method-assign]
