"""The limit of a token, and the counters of requests."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sandbox.notion import RateLimit, Sandbox, Window, bot_id
from sandbox.notion.requests.errors import ApiError
from sandbox.notion.requests.rate_limit import RateLimiter
from sandbox.notion.state.clock import Clock
from tests.sandbox.notion.api import Api


def test_one_too_many_is_told_when_to_come_back(sandbox: Sandbox, api: Api) -> None:
    sandbox.clock.set(datetime(2026, 1, 1, tzinfo=UTC))
    sandbox.rate_limiter.limit = RateLimit(per_second=0.5, burst=3, clock="workspace")
    assert [api.send("GET", "users").status_code for _ in range(4)] == [200, 200, 200, 429]
    refused = api.send("GET", "users")
    assert refused.headers["retry-after"] == "2"
    assert refused.json()["code"] == "rate_limited"
    assert refused.json()["additional_data"] == {
        "rate_limit_reason": "public_api_request_rate_limit",
        "retry_after": "2",
    }
    assert Api(api.http, token="other").send("GET", "users").status_code == 200
    sandbox.clock.advance(timedelta(seconds=2))
    assert [api.send("GET", "users").status_code for _ in range(2)] == [200, 429]
    sandbox.clock.advance(timedelta(hours=1))
    assert [api.send("GET", "users").status_code for _ in range(4)] == [200, 200, 200, 429]


def test_windows_of_a_token_and_of_the_workspace(sandbox: Sandbox, api: Api) -> None:
    other = Api(api.http, token="other")
    sandbox.clock.set(datetime(2026, 1, 1, tzinfo=UTC))
    sandbox.rate_limiter.limit = RateLimit(
        per_second=None,
        token_window=Window(requests=3),
        workspace_window=Window(requests=5, seconds=900),
        clock="workspace",
    )
    sandbox.clock.advance(timedelta(seconds=20))
    assert [api.send("GET", "users").status_code for _ in range(4)] == [200, 200, 200, 429]
    assert api.send("GET", "users").headers["retry-after"] == "40"
    assert [other.send("GET", "users").status_code for _ in range(3)] == [200, 200, 429]
    refused = other.send("GET", "users")
    assert refused.headers["retry-after"] == "880"
    assert refused.json()["additional_data"] == {
        "rate_limit_reason": "public_api_space_request_rate_limit",
        "retry_after": "880",
    }
    sandbox.clock.advance(timedelta(seconds=60))
    assert api.send("GET", "users").status_code == 429
    sandbox.clock.advance(timedelta(seconds=820))
    assert api.send("GET", "users").status_code == 200


@given(st.lists(st.floats(0, 3), min_size=1, max_size=80), st.floats(0.5, 20), st.integers(1, 6))
def test_never_more_than_the_average_and_the_burst(pauses: list[float], rate: float, burst: int) -> None:
    clock = Clock()
    clock.set(datetime(2026, 1, 1, tzinfo=UTC))
    limiter = RateLimiter(clock, RateLimit(per_second=rate, burst=burst, clock="workspace"))
    granted: list[float] = []
    waits: list[int] = []
    for pause in pauses:
        clock.advance(timedelta(seconds=pause))
        now = clock.now() / 1000
        try:
            limiter.take("token")
        except ApiError as refused:
            waits.append(refused.retry_after or 0)
        else:
            granted.append(now)
    assert all(1 <= wait <= 1 / rate + 1 for wait in waits)
    for first, began in enumerate(granted):
        for last in range(first, len(granted)):
            assert last - first + 1 <= burst + (granted[last] - began) * rate + 0.01


def test_a_limit_by_the_back_door(api: Api) -> None:
    assert api.door("rate_limit", method="GET") == {"rate_limit": None}
    api.door("rate_limit", {"per_second": 0.001, "burst": 1})
    assert [api.send("GET", "users").status_code for _ in range(2)] == [200, 429]
    api.door("rate_limit", method="DELETE")
    assert api.send("GET", "users").status_code == 200


def test_a_limit_from_the_start() -> None:
    limit = RateLimit(per_second=100, burst=2)
    with Sandbox(rate_limit=limit) as sandbox:
        assert sandbox.rate_limiter.limit == limit


def test_requests_are_counted_by_route_token_and_status(sandbox: Sandbox, api: Api) -> None:
    source = api.source()
    page = api.page(source, "a")["id"]
    sandbox.counters.reset()
    for _ in range(2):
        api.ok("GET", f"pages/{page}")
    api.ok("GET", f"pages/{page}/properties/title")
    Api(api.http, token="other").ok("POST", f"data_sources/{source}/query", {})
    api.refused("GET", f"pages/{source}", status=404)
    api.send("GET", "nothing/here")
    sandbox.person().edit_page(page, {})
    assert sandbox.counters.total() == 6
    assert sandbox.counters.total("GET /v1/pages/{id}") == 3
    assert sandbox.counters.total("GET /v1/pages/{id}", status=200) == 2
    assert sandbox.counters.total(token="other") == 1
    assert sandbox.counters.by_endpoint() == {
        "GET /v1/pages/{id}": 3,
        "GET /v1/pages/{id}/properties/{property_id}": 1,
        "POST /v1/data_sources/{id}/query": 1,
        "unknown": 1,
    }
    shown = api.door("counters", method="GET")
    assert shown["total"] == 6
    assert {
        "endpoint": "GET /v1/pages/{id}",
        "bot": bot_id("token"),
        "status": 200,
        "requests": 2,
    } in shown["counters"]
    assert api.door("counters", method="DELETE") == {"total": 0, "counters": []}


@pytest.mark.parametrize("fault", [{"status": 500}, {"drop": True}])
def test_requests_that_go_wrong_are_counted(sandbox: Sandbox, api: Api, fault: dict[str, object]) -> None:
    sandbox.faults.add(fault)
    if "drop" in fault:
        with pytest.raises(httpx.TransportError):
            api.send("GET", "users")
    else:
        api.send("GET", "users")
    assert sandbox.counters.wait(1, 10)
    assert sandbox.counters.by_status() == {fault.get("status", 0): 1}
