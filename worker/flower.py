"""What Flower is told before it starts."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from worker.cli.exit_codes import ExitCode
from worker.cli.failures import CommandError
from worker.startup import refusing


def refuse_a_used_port() -> None:
    """Let Flower end with one line where its port cannot be had; by itself it prints a traceback."""
    from flower import app  # type: ignore[import-untyped]

    bind: Callable[..., Any] = app.bind_sockets

    def bind_or_refuse(port: int, address: str | None = None, **options: Any) -> Any:
        with refusing():
            try:
                return bind(port, address=address, **options)
            except OSError as error:
                raise CommandError(
                    f"Flower cannot listen on {address or '*'}:{port} ({error.strerror}): "
                    "stop what listens there, or choose another port with --port",
                    ExitCode.UNAVAILABLE,
                ) from None

    app.bind_sockets = bind_or_refuse
