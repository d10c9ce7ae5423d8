"""What Google's refusals are taken for, in their older and their newer form."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import Any

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tasks.services.google_tasks.answers import Trouble, read_failure


def older(reason: str) -> dict[str, Any]:
    return {"error": {"code": 403, "message": "no", "errors": [{"reason": reason, "message": "no"}]}}


def newer(reason: str) -> dict[str, Any]:
    details = [{"@type": "type.googleapis.com/google.rpc.ErrorInfo", "reason": reason}]
    return {"error": {"code": 403, "message": "no", "status": "PERMISSION_DENIED", "details": details}}


@pytest.mark.parametrize(
    ("status", "body", "trouble"),
    [
        (401, older("authError"), Trouble.UNAUTHORISED),
        (403, older("userRateLimitExceeded"), Trouble.LIMITED),
        (403, newer("RATE_LIMIT_EXCEEDED"), Trouble.LIMITED),
        (429, {}, Trouble.LIMITED),
        (403, older("dailyLimitExceeded"), Trouble.EXHAUSTED),
        (429, older("dailyLimitExceeded"), Trouble.EXHAUSTED),
        (403, older("accessNotConfigured"), Trouble.SWITCHED_OFF),
        (403, newer("SERVICE_DISABLED"), Trouble.SWITCHED_OFF),
        (403, newer("ACCESS_TOKEN_SCOPE_INSUFFICIENT"), Trouble.SCOPE),
        (403, older("forbidden"), Trouble.REFUSED),
        (404, older("notFound"), Trouble.REFUSED),
        (412, older("conditionNotMet"), Trouble.REFUSED),
        (404, {}, Trouble.FOREIGN),
        (302, {}, Trouble.FOREIGN),
        (500, {}, Trouble.FAILED),
        (408, {}, Trouble.FAILED),
    ],
)
def test_what_a_refusal_means(status: int, body: Any, trouble: Trouble) -> None:
    assert read_failure(httpx.Response(status, json=body)).trouble is trouble


@pytest.mark.parametrize(
    ("said", "seconds"),
    [
        ("7", 7),
        (" 0 ", 0),
        ("", None),
        ("soon", None),
        ("-5", None),
        ("1.5", None),
        ("Wed, 01 Jan 2020 00:00:00 GMT", 0),
    ],
)
def test_how_long_google_asks_to_wait(said: str, seconds: float | None) -> None:
    assert read_failure(httpx.Response(429, headers={"Retry-After": said})).retry_after == seconds


def test_a_moment_from_which_on_google_answers_again() -> None:
    when = format_datetime(datetime.now(UTC) + timedelta(seconds=90), usegmt=True)
    asked = read_failure(httpx.Response(503, headers={"Retry-After": when})).retry_after
    assert asked is not None
    assert 80 < asked <= 90


def test_only_so_many_words_are_taken_over() -> None:
    said = read_failure(
        httpx.Response(
            400, json={"error": {"message": "a\n\x1b[31m" + "b" * 999, "errors": [{"reason": "x"}]}}
        )
    )
    assert said.reason.startswith("a [31mbbb")
    assert said.reason.endswith("b (x)")
    assert len(said.reason) < 250


@given(
    st.integers(400, 599),
    st.binary(max_size=50)
    | st.sampled_from(
        [
            b"[]",
            b'{"error": 5}',
            b'{"error": {"errors": 5}}',
            b'{"error": {"errors": [5, {}], "details": [{"reason": 5}], "message": []}}',
            b"[" * 5000,
        ]
    ),
)
def test_whatever_comes_is_some_trouble(status: int, body: bytes) -> None:
    found = read_failure(httpx.Response(status, content=body))
    assert found.status == status
    assert found.reason
