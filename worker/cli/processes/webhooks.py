"""`lockstep webhooks`: let a new subscription hand over its token, and look at it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from config import get_settings
from worker.machine.state_directory import reachable_redis
from worker.telling.exit_codes import ExitCode
from worker.telling.failures import CommandError
from worker.telling.screen import console, duration, print_json, say
from worker.web.webhooks.handshake import OPEN, HandshakeWindow


def open_window(minutes: int = OPEN // 60) -> ExitCode:
    """Take the token of the next subscription that is made in Notion."""
    with _window() as window:
        window.open(60 * minutes)
    say(
        f"Open for {minutes} min. Make the subscription in Notion now, with the address "
        "https://<this web process>/webhooks/notion; then `lockstep webhooks show` shows its token."
    )
    return ExitCode.OK


def show(*, as_json: bool) -> ExitCode:
    """Show whether the window is open, and the token that came."""
    with _window() as window:
        left, token = window.left(), window.token()
    in_use = get_settings().webhook_secrets()
    known = token is not None and token in in_use
    if as_json:
        print_json(
            {
                "open_for": left,
                "token": None if token is None else token.get_secret_value(),
                "token_in_use": known,
                "tokens_in_use": len(in_use),
            }
        )
        return ExitCode.OK
    screen = console()
    screen.print(f"The window is open for {duration(left)}." if left else "The window is closed.")
    if token is not None:
        screen.print(f"Token: {token.get_secret_value()}", soft_wrap=True)
        say(
            "It is set as NOTION_WEBHOOK_SECRET here."
            if known
            else "Paste it into Notion, and set it as NOTION_WEBHOOK_SECRET of the web process.",
            screen,
        )
    elif left:
        screen.print("No token has come yet.")
    return ExitCode.OK


def close() -> ExitCode:
    """Take no token any more, and forget the last one."""
    with _window() as window:
        window.close()
    console().print("The window is closed.")
    return ExitCode.OK


@contextmanager
def _window() -> Iterator[HandshakeWindow]:
    client = reachable_redis(get_settings())
    if client is None:
        raise CommandError(
            "there is no Redis that the web process could share: set REDIS_URL, or start `lockstep up` first",
            ExitCode.UNAVAILABLE,
        )
    try:
        yield HandshakeWindow(client)
    finally:
        client.close()
