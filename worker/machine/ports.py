"""Ports that a command is about to listen on."""

from __future__ import annotations

import socket

from worker.machine.redis_server import free_port
from worker.telling.exit_codes import ExitCode
from worker.telling.failures import CommandError


def usable_port(host: str, port: int, *, what: str, mend: str) -> int:
    """`port`, or a free one for 0.

    Args:
        host: the address to listen on.
        port: the wish.
        what: who wants to listen, for the message.
        mend: what to do instead, for the message.

    Raises:
        CommandError: the port is in use, or the address is not one of this machine.
    """
    if port == 0:
        return free_port()
    with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as error:
            raise CommandError(
                f"{what} cannot listen on {host}:{port} ({error.strerror}): stop what listens there, or {mend}",
                ExitCode.UNAVAILABLE,
            ) from None
    return port
