"""`python -m worker.web`: the web process, guarded against connections that say nothing."""

from __future__ import annotations

import argparse

import uvicorn

from worker.web.connections import GuardedProtocol


def main() -> None:
    """Serve until stopped."""
    parser = argparse.ArgumentParser(
        prog="python -m worker.web", description="Webhooks, database nodes, health."
    )
    parser.add_argument("--host", default="127.0.0.1", help="the address to listen on")
    parser.add_argument("--port", type=int, default=8000, help="the port to listen on")
    given = parser.parse_args()
    uvicorn.run(
        "worker.web:app", host=given.host, port=given.port, http=GuardedProtocol, ws="none", access_log=False
    )


if __name__ == "__main__":
    main()
