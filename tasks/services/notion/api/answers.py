"""What Notion's answer to one request means: wait, try again, outcome unknown, or no."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from enum import Enum

import httpx
from notion_client.errors import HTTPResponseError, RequestTimeoutError

from tasks.errors import ItemError, SideError
from tasks.services.notion.api.ids import ids_among

#: Characters of a message of Notion's that are shown; it may quote a whole value.
_SHOWN = 300


class RefusedError(ItemError):
    """Notion refused one request and would refuse it again.

    `status` is the HTTP status, `code` Notion's own word for it, `None` where the answer was not Notion's.
    """

    def __init__(self, message: str, *, status: int, code: str | None, subject: str) -> None:
        super().__init__(f"{subject}: {message}")
        self.status = status
        self.code = code
        self.subject = subject
        self.reason = message


class ForbiddenError(SideError):
    """Notion does not let the integration do something of the kind: it lacks a capability, or a right."""


class Effect(Enum):
    """What a request does, hence what may be done when its outcome is unknown."""

    #: Nothing: it may be repeated at will. Queries are reads, though they are sent by POST.
    READ = "read"
    #: It sets values: twice is the same as once.
    SET = "set"
    #: It makes something new: twice makes two.
    CREATE = "create"


class Trouble(Enum):
    """Kinds of failed requests, told apart by what may be done next."""

    #: The request budget is spent; Notion did not look at the request.
    LIMITED = "limited"
    #: Notion sheds load; it probably did not look at the request, but does not say so.
    OVERLOADED = "overloaded"
    #: Two writes met; Notion says that this one was not saved.
    CONFLICT = "conflict"
    #: The request never left: no connection could be made.
    UNSENT = "unsent"
    #: The request left and no usable answer came: it may have been applied.
    UNANSWERED = "unanswered"
    #: The token is unknown.
    UNAUTHORISED = "unauthorised"
    #: The integration may not do this.
    FORBIDDEN = "forbidden"
    #: Notion has shut this integration out; waiting does not help.
    SHUT_OUT = "shut out"
    #: The workspace may hold no more blocks, and so no new page.
    FULL = "full"
    #: Something that is not Notion answered.
    FOREIGN = "foreign"
    #: Any other refusal, about this one request.
    REFUSED = "refused"


class Limit(Enum):
    """Whose budget of requests is spent, in words that end "Notion's limit …"."""

    UNKNOWN = "of requests"
    CONNECTION = "of requests of this integration"
    WORKSPACE = "of requests of the workspace, which all of its integrations share,"
    ENDPOINT = "of requests of this kind"


#: What Notion calls them.
_LIMITS = {
    "public_api_request_rate_limit": Limit.CONNECTION,
    "public_api_space_request_rate_limit": Limit.WORKSPACE,
    "public_api_endpoint_rate_limit": Limit.ENDPOINT,
}
_SHUT_OUT = "public_api_request_blocked"


@dataclass(frozen=True)
class Failure:
    """A request that did not succeed."""

    trouble: Trouble
    #: What happened, without token, address or property value other than what Notion quotes.
    reason: str
    #: Seconds that Notion asks to wait, where it says.
    retry_after: float | None = None
    status: int = 0
    code: str | None = None
    limit: Limit = Limit.UNKNOWN
    #: Id of what was made all the same, where Notion says that only the answer came too late.
    made: str | None = None


def read_failure(error: Exception) -> Failure:
    """What an exception of the HTTP client or of notion-client means.

    Raises:
        Exception: the given one, where it is not about HTTP.
    """
    match error:
        case HTTPResponseError():
            return _read_status(error)
        case RequestTimeoutError():
            # notion-client hides which phase timed out; the original is the context.
            if isinstance(error.__context__, (httpx.ConnectTimeout, httpx.PoolTimeout)):
                return Failure(Trouble.UNSENT, "no connection in time")
            return Failure(Trouble.UNANSWERED, "no answer in time")
        case httpx.ConnectError() | httpx.UnsupportedProtocol() | httpx.ProxyError():
            return Failure(Trouble.UNSENT, str(error) or type(error).__name__)
        case httpx.TransportError():
            return Failure(Trouble.UNANSWERED, f"the connection broke ({type(error).__name__})")
        case httpx.DecodingError() | json.JSONDecodeError() | UnicodeDecodeError():
            return Failure(Trouble.UNANSWERED, "the answer is not readable")
        case _:
            raise error


def _read_status(error: HTTPResponseError) -> Failure:
    status = error.status
    body = _json_object(error.body)
    code, message = body.get("code"), body.get("message")
    if body.get("object") != "error" or not isinstance(code, str) or not isinstance(message, str):
        code, message = None, f"HTTP status {status}"
    reason = message if len(message) <= _SHOWN else message[:_SHOWN] + "…"
    wait = _retry_after(error.headers, body)
    details = _details(body)
    match status:
        case 429 if details.get("rate_limit_reason") == _SHUT_OUT:
            return Failure(Trouble.SHUT_OUT, reason, None, status, code)
        case 429:
            limit = _LIMITS.get(str(details.get("rate_limit_reason")), Limit.UNKNOWN)
            return Failure(Trouble.LIMITED, reason, wait, status, code, limit)
        case 529:
            return Failure(Trouble.OVERLOADED, reason, wait, status, code)
        case 409:
            return Failure(Trouble.CONFLICT, reason, wait, status, code)
        case 408 | 425:
            return Failure(Trouble.UNANSWERED, reason, wait, status, code)
        case _ if status >= 500:
            why = code or "without explanation"
            (made,) = ids_among(details.get("committed_resource_id")) or (None,)
            return Failure(Trouble.UNANSWERED, f"{status} {why}", wait, status, code, made=made)
        case 401:
            return Failure(Trouble.UNAUTHORISED, reason, None, status, code)
        case 403 if code is not None and details.get("block_limit") is not None:
            return Failure(Trouble.FULL, reason, None, status, code)
        case 403 if code is not None:
            return Failure(Trouble.FORBIDDEN, reason, None, status, code)
        case _ if code is None:
            return Failure(Trouble.FOREIGN, reason, None, status, code)
        case _:
            return Failure(Trouble.REFUSED, reason, None, status, code)


def _json_object(text: str) -> dict[str, object]:
    try:
        value = json.loads(text)
    except ValueError:
        return {}
    return value if isinstance(value, dict) else {}


def _details(body: dict[str, object]) -> dict[str, object]:
    details = body.get("additional_data")
    return details if isinstance(details, dict) else {}


def _retry_after(headers: httpx.Headers, body: dict[str, object]) -> float | None:
    """Seconds to wait by the header, a number or a date, else by the body; `None` where neither says."""
    text = headers.get("retry-after", "").strip()
    try:
        seconds = float(text)
        return seconds if 0 <= seconds < float("inf") else None
    except ValueError:
        pass
    try:
        # Measured by the server's own clock where it tells it: ours may be wrong.
        until = _http_date(text)
        now = _http_date(headers["date"]) if "date" in headers else datetime.now(UTC)
        return max(0.0, (until - now).total_seconds())
    except (ValueError, TypeError):
        pass
    try:
        seconds = float(str(_details(body).get("retry_after")))
    except ValueError:
        return None
    return seconds if 0 <= seconds < float("inf") else None


def _http_date(text: str) -> datetime:
    moment = parsedate_to_datetime(text)
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
