"""`python -m worker.web`: the web process, guarded against connections that say nothing."""

from __future__ import annotations

import argparse
import getpass
import sys

import uvicorn

from config import get_settings
from worker.telling.startup import refusing
from worker.web.connections import GuardedProtocol


def main() -> None:
    """Serve until stopped."""
    parser = argparse.ArgumentParser(
        prog="python -m worker.web", description="The dashboard, webhooks, database nodes, health."
    )
    parser.add_argument("--host", default="127.0.0.1", help="the address to listen on")
    parser.add_argument("--port", type=int, default=8000, help="the port to listen on")
    parser.add_argument(
        "--hash", action="store_true", help="ask for a password, print its hash for WEB_PASSWORD, and end"
    )
    given = parser.parse_args()
    if given.hash:
        _print_hash()
        return
    with refusing():
        from worker.web.dashboard.listening import check_listening

        check_listening(get_settings(), given.host)
    uvicorn.run(
        "worker.web:app",
        host=given.host,
        port=given.port,
        http=GuardedProtocol,
        ws="none",
        access_log=False,
        proxy_headers=False,  # the dashboard has to know who is really connected; it reads them itself
    )


def _print_hash() -> None:
    from worker.web.dashboard.passwords import hashed

    password = getpass.getpass("Password: ") if sys.stdin.isatty() else sys.stdin.readline().rstrip("\n")
    sys.stdout.write(hashed(password) + "\n")


if __name__ == "__main__":
    main()
