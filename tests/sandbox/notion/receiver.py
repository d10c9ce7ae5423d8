"""A receiver of webhooks that answers as told."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


class Receiver:
    """Keeps what it gets, and answers with `status`."""

    def __init__(self) -> None:
        self.status = 200
        self.got: list[tuple[bytes, str]] = []
        self.came = threading.Condition()
        self.looked_at = 0
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                raw = self.rfile.read(int(self.headers["content-length"]))
                with receiver.came:
                    receiver.got.append((raw, self.headers["X-Notion-Signature"]))
                    receiver.came.notify_all()
                self.send_response(receiver.status)
                self.end_headers()

            def log_message(self, *_: Any) -> None:
                return

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}/hook"

    @property
    def verification_token(self) -> str:
        return str(json.loads(self.got[0][0])["verification_token"])

    @property
    def events(self) -> list[dict[str, Any]]:
        return [json.loads(raw) for raw, _ in self.got[1:]]

    def fresh(self) -> list[dict[str, Any]]:
        """The events since the last look."""
        events = self.events
        since, self.looked_at = self.looked_at, len(events)
        return events[since:]

    @property
    def types(self) -> list[str]:
        return [event["type"] for event in self.events]


@contextmanager
def receiving() -> Iterator[Receiver]:
    receiver = Receiver()
    thread = threading.Thread(target=receiver.server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield receiver
    finally:
        receiver.server.shutdown()
        thread.join()
        receiver.server.server_close()
