"""Everything the demo runs on: a local Notion workspace, a CalDAV server, and `lockstep up`."""

from __future__ import annotations

import os
import secrets
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import httpx
from pydantic import SecretStr

from config import Settings
from tasks.services.caldav.radicale_server import RadicaleServer
from worker.demo.content import ATTRIBUTES, COLUMNS
from worker.errors import WorkerError
from worker.machine.child_process import tied
from worker.machine.redis_server import free_port

#: The demo's task.
TASK = "todos"
#: Seconds between its runs; short, so that the tour is.
EVERY = 2
#: Seconds that a process may take until it answers.
STARTING = 60.0
#: Seconds that a process may take to end.
STOPPING = 35.0

_NOTION_VERSION = "2026-03-11"


class StageError(WorkerError):
    """Something that the demo needs does not start."""


@dataclass(frozen=True)
class Stage:
    """Where everything is."""

    folder: Path
    settings: Settings
    notion_url: str
    notion_token: SecretStr
    data_source: str
    calendar_url: str
    calendar_user: str
    calendar_password: SecretStr
    flower_url: str
    dashboard_url: str


@contextmanager
def set_up() -> Iterator[Stage]:
    """Start everything; end everything when the block ends, however it ends.

    Raises:
        StageError: a process does not start; its last lines are in the message.
    """
    with tempfile.TemporaryDirectory(prefix="lockstep-demo-", ignore_cleanup_errors=True) as name:
        folder = Path(name)
        token = SecretStr("demo-" + secrets.token_hex(12))
        with _notion(folder) as notion_url, RadicaleServer(folder / "calendars") as radicale:
            data_source = _make_data_source(notion_url, token)
            calendar_url = radicale.make_calendar(TASK)
            password = SecretStr(radicale.password)
            _write_task(folder, data_source, calendar_url)
            flower_port, web_port = free_port(), free_port()
            environment = {
                "NOTION_TOKEN": token.get_secret_value(),
                "NOTION_BASE_URL": notion_url,
                "CALDAV_USERNAME": radicale.username,
                "CALDAV_PASSWORD": radicale.password,
                "LOCKSTEP_STATE_DIR": str(folder / "state"),
            }
            stage = Stage(
                folder,
                Settings(
                    redis_url=None,
                    redis_shards=None,
                    shard=None,
                    database_url=None,
                    sentry_dsn=None,
                    state_dir=folder / "state",
                    sync=(),
                ),
                notion_url,
                token,
                data_source,
                calendar_url,
                radicale.username,
                password,
                f"http://127.0.0.1:{flower_port}",
                f"http://127.0.0.1:{web_port}",
            )
            up = ["up", "--flower-port", str(flower_port), "--web-port", str(web_port), "--concurrency", "4"]
            with _lockstep(folder, "up", up, environment) as process:
                _wait_for(stage.flower_url + "/healthcheck", process, folder / "up.log")
                _wait_for(stage.dashboard_url + "/livez", process, folder / "up.log")
                yield stage


@contextmanager
def _notion(folder: Path) -> Iterator[str]:
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    arguments = ["sandbox", "notion", "--port", str(port), "--data", str(folder / "notion.db")]
    with _lockstep(folder, "notion", arguments, {}) as process:
        _wait_for(url + "/v1/users/me", process, folder / "notion.log")
        yield url


def _make_data_source(notion_url: str, token: SecretStr) -> str:
    from sandbox.notion import ROOT_PAGE_ID

    answer = httpx.post(
        notion_url + "/v1/databases",
        headers={
            "Authorization": f"Bearer {token.get_secret_value()}",
            "Notion-Version": _NOTION_VERSION,
        },
        json={
            "parent": {"type": "page_id", "page_id": ROOT_PAGE_ID},
            "title": [{"text": {"content": "To-dos"}}],
            "initial_data_source": {"properties": COLUMNS},
        },
        timeout=STARTING,
    )
    answer.raise_for_status()
    return str(answer.json()["data_sources"][0]["id"])


def _write_task(folder: Path, data_source: str, calendar_url: str) -> None:
    """The task, as a user would write it."""
    lines = [
        "[[sync]]",
        f'name = "{TASK}"',
        f'every = "{EVERY}s"',
        "[sync.notion]",
        f'data_source = "{data_source}"',
        "[sync.caldav]",
        f'calendar = "{calendar_url}"',
        "[sync.map]",
        *(f'{column} = "{attribute}"' for column, attribute in ATTRIBUTES.items()),
    ]
    (folder / "lockstep.toml").write_text("\n".join(lines) + "\n", encoding="utf-8")


@contextmanager
def _lockstep(
    folder: Path, name: str, arguments: Sequence[str], environment: Mapping[str, str]
) -> Iterator[subprocess.Popen[bytes]]:
    """A `lockstep` command in the background, with its output in `<name>.log`."""
    ours = ("LOCKSTEP_", "WEB_", "NOTION_", "CALDAV_", "SENTRY_", "FLOWER_", "REDIS_", "DATABASE_", "CELERY_")
    inherited = {key: value for key, value in os.environ.items() if not key.startswith(ours)}
    code = "from worker.cli import main; main()"
    with (folder / f"{name}.log").open("wb") as log:
        process = subprocess.Popen(
            tied([sys.executable, "-c", code, *arguments]),
            cwd=folder,
            env={**inherited, **environment},
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            start_new_session=True,  # Ctrl-C is for the demo, which ends the others in order
        )
    try:
        yield process
    finally:
        process.terminate()
        try:
            process.wait(STOPPING)
        except subprocess.TimeoutExpired:
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()


def _wait_for(url: str, process: subprocess.Popen[bytes], log: Path) -> None:
    """Wait until something answers, whatever it says."""
    give_up_at = time.monotonic() + STARTING
    while time.monotonic() < give_up_at:
        if process.poll() is not None:
            break
        try:
            httpx.get(url, timeout=2)
        except httpx.TransportError:
            time.sleep(0.1)
        else:
            return
    lines = log.read_text(encoding="utf-8", errors="replace").splitlines()[-15:]
    raise StageError("a part of the demo does not start; its last lines are:\n" + "\n".join(lines))
