"""`lockstep sandbox`: local stand-ins for services."""

from __future__ import annotations

import signal
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from sandbox.notion import ROOT_PAGE_ID, RateLimit, SandboxError, serve
from worker.machine.ports import usable_port
from worker.telling.exit_codes import ExitCode
from worker.telling.failures import CommandError
from worker.telling.screen import console
from worker.telling.tables import table

HOST = "127.0.0.1"


def notion(
    port: int, data: Path | None, rate_limit: float | None = None, allow_host: Sequence[str] = ()
) -> ExitCode:
    """Serve a Notion workspace until Ctrl-C or SIGTERM."""
    port = usable_port(HOST, port, what="The Notion workspace", mend="choose another port with --port")
    # To be stopped is how this command ends well; the server stops by itself first.
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, _end)
    url = f"http://{HOST}:{port}"
    rows = [
        ("NOTION_BASE_URL", url),
        ("NOTION_TOKEN", "any"),
        ("Root page", ROOT_PAGE_ID),
        ("In a browser", f"{url}/"),
        ("Back door", f"{url}/_sandbox/ (docs/sandbox.md)"),
        ("Rate limit", f"{rate_limit:g} requests/s for each token" if rate_limit else "none"),
        ("Data", str(data) if data else "in memory, gone at the end"),
    ]

    def announce() -> None:
        console().print(table(("Local Notion workspace", "Ctrl-C ends it"), rows, folded=("Ctrl-C ends it",)))
        sys.stdout.flush()

    limit = RateLimit(per_second=rate_limit) if rate_limit else None
    try:
        serve(port, data, HOST, rate_limit=limit, hosts=allow_host, announce=announce)
    except SandboxError as error:
        raise CommandError(str(error), ExitCode.FAILED) from None
    return ExitCode.OK


def _end(number: int, frame: Any) -> None:
    raise SystemExit(ExitCode.OK)
