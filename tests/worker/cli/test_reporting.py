"""What a real worker and a real beat send to Sentry."""

from __future__ import annotations

import gzip
import http.server
import json
import os
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

pytestmark = pytest.mark.processes

TOKEN = "ntn_reportedsecret1"


class Ingest(http.server.ThreadingHTTPServer):
    """Takes envelopes as Sentry does."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.items: list[tuple[str, dict[str, Any]]] = []

    def of(self, kind: str) -> list[dict[str, Any]]:
        return [payload for each, payload in list(self.items) if each == kind]


class Handler(http.server.BaseHTTPRequestHandler):
    server: Ingest

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        if self.headers.get("Content-Encoding") == "gzip":
            body = gzip.decompress(body)
        lines = body.splitlines()[1:]
        for head, payload in zip(lines[::2], lines[1::2], strict=False):
            self.server.items.append((json.loads(head)["type"], json.loads(payload)))
        self.send_response(200)
        self.end_headers()
        self.wfile.write(b"{}")

    def log_message(self, *_: Any) -> None:
        pass


@pytest.fixture
def ingest() -> Iterator[Ingest]:
    with Ingest() as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield server
        server.shutdown()
        thread.join()


def until(condition: Callable[[], Any], what: str) -> None:
    for _ in range(600):
        if condition():
            return
        time.sleep(0.1)
    raise AssertionError(f"{what} did not come")


def test_failed_and_good_runs_are_reported_by_name(
    ingest: Ingest, project: Path, environment: dict[str, str], command: list[str]
) -> None:
    (project / "strict-other.json").write_text("{broken")
    (project / "to-dos-other.down").write_text("Milk")
    module = project / "file_tasks.py"
    module.write_text(
        module.read_text().replace(
            'f"{side} cannot be reached: start it"',
            """f"{side} refused {os.environ['NOTION_TOKEN']} of {path.with_suffix('.down').read_text()!r}\"""",
        )
        + 'Files("calm", {"Title": "title"}).run_every(minutes=2).schedule()\n'
    )
    port = ingest.server_address[1]
    up = subprocess.Popen(
        [*command, "up", "--no-flower", "--no-web"],
        cwd=project,
        env={
            **environment,
            "PYTHONPATH": str(Path(__file__).parents[3]),
            "SENTRY_DSN": f"http://publickey@127.0.0.1:{port}/1",
            "NOTION_TOKEN": TOKEN,
        },
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    output = []
    reader = threading.Thread(target=lambda: output.extend(up.stdout or ()))
    reader.start()
    try:
        until(lambda: len(ingest.of("check_in")) >= 6, "three check-ins with their ends")
        until(lambda: len(ingest.of("event")) >= 2, "two errors")
    finally:
        up.send_signal(signal.SIGTERM)
        up.wait(60)
        reader.join()
    log = "".join(output)
    ends = {
        each["monitor_slug"]: each["status"]
        for each in ingest.of("check_in")
        if each["status"] != "in_progress"
    }
    assert ends == {"to-dos": "error", "strict": "error", "calm": "ok"}, log
    begun = [each for each in ingest.of("check_in") if each["status"] == "in_progress"]
    assert {each["monitor_slug"]: each["monitor_config"]["schedule"]["value"] for each in begun} == {
        "to-dos": 5,
        "strict": 1,
        "calm": 2,
    }
    events = {each["tags"]["task"]: each for each in ingest.of("event")}
    assert set(events) == {"sync.to-dos", "sync.strict"}, ingest.items
    assert "refused *** of '…'" in json.dumps(events["sync.to-dos"], ensure_ascii=False)
    assert events["sync.strict"]["exception"]["values"][-1]["type"] == "JSONDecodeError"
    sent = json.dumps(ingest.items)
    assert TOKEN not in sent
    assert "Milk" not in sent
    assert TOKEN not in log
    assert str(os.getpid()) not in {str(each.get("pid")) for each in ingest.of("event")}
