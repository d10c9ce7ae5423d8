from __future__ import annotations

import socket
from contextlib import closing
from pathlib import Path

import psutil
import pytest

from tasks.errors import SideError
from tasks.services.caldav.radicale_server import RadicaleServer

pytestmark = pytest.mark.processes


def test_it_asks_for_the_login_and_leaves_nothing_behind() -> None:
    with RadicaleServer() as server:
        url, pid, folder = server.make_calendar("todos"), server.pid, server.folder
        assert pid is not None
        with server.http() as http:
            assert http.request("PROPFIND", url, headers={"Depth": "0"}).status_code == 207
            assert (
                http.request("PROPFIND", url, headers={"Depth": "0"}, auth=("anna", "x")).status_code == 401
            )
        assert (folder / "users").stat().st_mode & 0o077 == 0
    assert not psutil.pid_exists(pid)
    assert not folder.exists()


def test_it_keeps_its_calendars_and_its_port(tmp_path: Path) -> None:
    with RadicaleServer(tmp_path) as server:
        url, port = server.make_calendar("todos"), server.port
        server.restart()
        assert server.port == port
    with RadicaleServer(tmp_path, password=server.password) as server, server.http() as http:
        path = url.removeprefix(f"http://127.0.0.1:{port}/")
        assert http.request("PROPFIND", server.url + path, headers={"Depth": "0"}).status_code == 207


def test_a_calendar_that_exists_is_not_made_again() -> None:
    with RadicaleServer() as server:
        server.make_calendar("todos")
        with pytest.raises(SideError, match="'todos'"):
            server.make_calendar("todos")


def test_a_port_in_use_is_said() -> None:
    with closing(socket.socket()) as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        server = RadicaleServer(port=taken.getsockname()[1])
        with pytest.raises(SideError, match="did not start"):
            server.start()
        assert server.pid is None
        server.stop()
