"""What a message must be to be given to Celery, which takes many a part of it on trust."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from kombu.message import Message

#: Headers that are a text where they are there.
TEXTS = ("lang", "shadow", "root_id", "parent_id", "group", "argsrepr", "kwargsrepr", "origin")
#: Properties that are a text where they are there.
PROPERTIES = ("reply_to", "correlation_id")
#: What may come after a task. Nothing of ours asks for it, and what it names would be sent on in our name.
FURTHER = ("callbacks", "errbacks", "chain", "chord")


def fault(message: Message) -> str | None:
    """Why a message cannot be one of ours, without a word of what is in it; `None` for one that can.

    It reads what `task_protocol` 2 of Celery sends, which is the only one that we use.
    """
    headers: Any = message.headers
    if not isinstance(headers, Mapping):
        return "its headers are no object"
    if not all(isinstance(headers.get(name), str) and headers[name] for name in ("task", "id")):
        return "it does not say which task it is for and which message it is"
    odd = _odd_header(headers)
    if odd:
        return f"its header {odd!r} is of another type than Celery sends"
    if not all(isinstance(message.properties.get(name), str | None) for name in PROPERTIES):
        return "its properties are of another type than Celery sends"
    return _fault_of_body(message)


def _odd_header(headers: Mapping[str, Any]) -> str | None:
    """A header that has not the type which Celery gives it."""
    for name in TEXTS:
        if not isinstance(headers.get(name), str | None):
            return name
    for name in ("eta", "expires"):
        if not _is_time(headers.get(name)):
            return name
    if not isinstance(headers.get("retries"), int | None):
        return "retries"
    limits = headers.get("timelimit")
    if limits is not None and not (
        isinstance(limits, list)
        and len(limits) == 2
        and all(isinstance(each, int | float | None) for each in limits)
    ):
        return "timelimit"
    if not isinstance(headers.get("stamped_headers"), list | None):
        return "stamped_headers"
    return None if isinstance(headers.get("stamps"), dict | None) else "stamps"


def _is_time(value: Any) -> bool:
    """Whether it is a time with year, month and so on, that every zone has; or none."""
    if value is None:
        return True
    try:
        return 1970 <= datetime.fromisoformat(value).year < 9999
    except (ValueError, TypeError):
        return False


def _fault_of_body(message: Message) -> str | None:
    try:
        body = message.payload
    except Exception as error:  # the parts of kombu that unpack raise what they like
        return f"its body cannot be read ({type(error).__name__})"
    if not isinstance(body, list) or len(body) != 3:
        return "its body is not the list of arguments, keywords and what comes after"
    arguments, keywords, further = body
    if not isinstance(arguments, list) or not isinstance(keywords, dict):
        return "its arguments are no list, or its keywords no object"
    if further is not None and not isinstance(further, dict):
        return "what comes after it is no object"
    if any((further or {}).get(name) for name in FURTHER):
        return "it asks for further tasks, which nothing of ours does"
    return None
