"""Under which names the server answers, asked as a browser that was led here would ask."""

from __future__ import annotations

import json
import socket

import pytest

from sandbox.notion import Sandbox
from sandbox.notion.requests.hosts import Hosts

REQUESTS = {
    "clock": ("GET", "/_sandbox/clock", {}),
    "door": ("GET", "/_sandbox/", {}),
    "move the clock": ("POST", "/_sandbox/clock", {"content-type": "text/plain"}),
    "person": ("GET", "/_sandbox/person/v1/users", {}),
    "users": ("GET", "/v1/users", {"authorization": "Bearer x", "notion-version": "2026-03-11"}),
    "search": ("POST", "/v1/search", {"authorization": "Bearer x", "notion-version": "2026-03-11"}),
    "no endpoint": ("GET", "/v1/nothing", {"authorization": "Bearer x", "notion-version": "2026-03-11"}),
    "page": ("GET", "/", {}),
    "script": ("GET", "/_page/page.js", {}),
    "state": ("GET", "/_page/state", {"x-sandbox-page": "1"}),
}


def ask(
    sandbox: Sandbox, method: str, path: str, headers: dict[str, str], *hosts: str
) -> tuple[int, dict[str, str], str]:
    """Status, headers and body of the answer to a request with these Host headers, byte by byte."""
    body = "{}" if method == "POST" else ""
    lines = [f"{method} {path} HTTP/1.1", *(f"Host: {host}" for host in hosts)]
    lines += [f"{name}: {value}" for name, value in headers.items()]
    lines += [f"Content-Length: {len(body)}", "Connection: close", "", body]
    with socket.create_connection(("127.0.0.1", sandbox.port), timeout=10) as connection:
        connection.sendall("\r\n".join(lines).encode())
        answer = b"".join(iter(lambda: connection.recv(65536), b"")).decode()
    head, _, content = answer.partition("\r\n\r\n")
    first, *rest = head.split("\r\n")
    return int(first.split()[1]), dict(line.lower().split(": ", 1) for line in rest), content


@pytest.mark.parametrize("request_", REQUESTS.values(), ids=REQUESTS)
@pytest.mark.parametrize("host", ["evil.example", "evil.example:{port}", "localhost.evil.example:{port}", ""])
def test_other_names_are_refused_in_one_line(
    sandbox: Sandbox, request_: tuple[str, str, dict[str, str]], host: str
) -> None:
    before = sandbox.clock.now()
    status, headers, content = ask(sandbox, *request_, host.format(port=sandbox.port))
    assert status == 421, content
    assert "\n" not in content
    assert json.loads(content)["code"] == "restricted_resource"
    assert "--allow-host" in content
    assert headers["content-type"] == "application/json"
    assert sandbox.clock.now() - before < 60_000
    assert sandbox.counters.total() == 0


@pytest.mark.parametrize("request_", REQUESTS.values(), ids=REQUESTS)
@pytest.mark.parametrize("host", ["localhost", "127.0.0.1", "[::1]", "LOCALHOST"])
def test_loopback_names_are_answered(
    sandbox: Sandbox, request_: tuple[str, str, dict[str, str]], host: str
) -> None:
    status, _, content = ask(sandbox, *request_, f"{host}:{sandbox.port}")
    assert status == (400 if request_[1] == "/v1/nothing" else 200), content


def test_the_port_counts(sandbox: Sandbox) -> None:
    for host in ("localhost", f"localhost:{sandbox.port + 1}", "127.0.0.1:80", "localhost:", "localhost:x"):
        assert ask(sandbox, *REQUESTS["clock"], host)[0] == 421, host


def test_one_host_is_named_exactly_once(sandbox: Sandbox) -> None:
    right = f"localhost:{sandbox.port}"
    assert ask(sandbox, *REQUESTS["clock"], right, "evil.example")[0] in (400, 421)
    assert ask(sandbox, *REQUESTS["clock"], "evil.example", right)[0] in (400, 421)
    assert ask(sandbox, *REQUESTS["clock"])[0] in (400, 421)


@pytest.mark.parametrize(
    "origin", ["https://evil.example", "http://localhost:1", "null", "http://127.0.0.1", "file://"]
)
def test_the_api_takes_no_foreign_origin(sandbox: Sandbox, origin: str) -> None:
    method, path, headers = REQUESTS["search"]
    host = f"127.0.0.1:{sandbox.port}"
    status, answered, content = ask(sandbox, method, path, headers | {"origin": origin}, host)
    assert status == 403
    assert "access-control-allow-origin" not in answered
    assert json.loads(content)["code"] == "restricted_resource"
    assert sandbox.counters.total() == 0


def test_the_api_takes_its_own_origin_and_none(sandbox: Sandbox) -> None:
    method, path, headers = REQUESTS["search"]
    host = f"127.0.0.1:{sandbox.port}"
    for own in (f"http://127.0.0.1:{sandbox.port}", f"http://localhost:{sandbox.port}"):
        assert ask(sandbox, method, path, headers | {"origin": own}, host)[0] == 200
    assert ask(sandbox, method, path, headers, host)[0] == 200
    status, _, content = ask(sandbox, *REQUESTS["clock"][:2], {"origin": f"http://{host}"}, host)
    assert (status, json.loads(content)["code"]) == (403, "restricted_resource")


def test_more_names_can_be_given() -> None:
    with Sandbox(hosts=["notion.test", "notion.other:9000"]) as sandbox:
        for host in ("notion.test", f"notion.test:{sandbox.port}", "Notion.Test:1", "notion.other:9000"):
            assert ask(sandbox, *REQUESTS["clock"], host)[0] == 200, host
        for host in ("notion.other", f"notion.other:{sandbox.port}", "a.notion.test", "evil.example"):
            assert ask(sandbox, *REQUESTS["clock"], host)[0] == 421, host
        foreign = REQUESTS["users"][2] | {"origin": "https://notion.test"}
        assert ask(sandbox, "GET", "/v1/users", foreign, "notion.test")[0] == 200


def test_a_server_on_all_addresses_answers_under_addresses_only() -> None:
    everywhere = Hosts.of("0.0.0.0", 8081)
    for host in ("192.168.1.7:8081", "0.0.0.0:8081", "[fe80::1]:8081", "localhost:8081"):
        assert everywhere.include(host), host
    for host in ("evil.example:8081", "192.168.1.7", "192.168.1.7:80", "1.2.3.4.evil.example:8081", ":8081"):
        assert not everywhere.include(host), host
    bound = Hosts.of("192.168.1.7", 8081)
    assert bound.include("192.168.1.7:8081")
    assert not bound.include("192.168.1.8:8081")
    assert Hosts.of("127.0.0.1", 80).include("localhost")
