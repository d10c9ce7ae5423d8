"""A way to a Redis server on which error replies can be given in its place, such as those of a cluster."""

from __future__ import annotations

import socket
import threading
from contextlib import ExitStack, suppress
from types import TracebackType
from typing import Self
from urllib.parse import urlsplit, urlunsplit

#: What a server answers in every state: who connects comes so far.
HANDSHAKE = {b"HELLO", b"AUTH", b"CLIENT", b"SELECT"}


class ErrorReplies:
    """Passes everything on, both ways; while there is an `error`, it is the answer to every command.

    with ErrorReplies(server.url) as way:
        way.error = "LOADING Redis is loading the dataset in memory"
    """

    def __init__(self, url: str) -> None:
        parts = urlsplit(url)
        assert parts.hostname is not None
        assert parts.port is not None
        self._server = (parts.hostname, parts.port)
        self._listener = socket.create_server(("127.0.0.1", 0))
        login = parts.netloc.rpartition("@")[0]
        host = f"{login}@127.0.0.1:{self._listener.getsockname()[1]}"
        self.url = urlunsplit(parts._replace(netloc=host))
        self.error: str | None = None
        #: How many commands were answered so.
        self.answered = 0
        self._open = ExitStack()

    def __enter__(self) -> Self:
        threading.Thread(target=self._accept, daemon=True).start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        # To close it is not enough for who waits in `accept`.
        with suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self._open.close()

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                client, _ = self._listener.accept()
                self._open.callback(client.close)
                try:
                    server = socket.create_connection(self._server)
                except OSError:
                    client.close()
                    continue
                self._open.callback(server.close)
                for work in (self._pass_commands, self._pass_answers):
                    threading.Thread(target=work, args=(client, server), daemon=True).start()

    def _pass_answers(self, client: socket.socket, server: socket.socket) -> None:
        with suppress(OSError):
            while data := server.recv(65536):
                client.sendall(data)
        _hang_up(client, server)

    def _pass_commands(self, client: socket.socket, server: socket.socket) -> None:
        with suppress(OSError), client.makefile("rb") as commands:
            while line := commands.readline():
                words, raw = [], line
                for _ in range(int(line[1:])):
                    size = commands.readline()
                    word = commands.read(int(size[1:]) + 2)
                    words.append(word[:-2])
                    raw += size + word
                if self.error is None or words[0].upper() in HANDSHAKE:
                    server.sendall(raw)
                else:
                    self.answered += 1
                    client.sendall(f"-{self.error}\r\n".encode())
        _hang_up(client, server)


def _hang_up(*sockets: socket.socket) -> None:
    for each in sockets:
        with suppress(OSError):
            each.shutdown(socket.SHUT_RDWR)
