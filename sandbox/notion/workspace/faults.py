"""Faults that a test puts in the way of the next requests."""

from __future__ import annotations

import re
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator

from sandbox.faults import FaultQueue
from sandbox.notion.requests.errors import ApiError, told
from sandbox.notion.workspace.person import ACTIONS

_ANSWERS = {
    403: ("restricted_resource", "Insufficient permissions for this endpoint."),
    409: ("conflict_error", "Conflict occurred while saving. Please try again."),
    429: ("rate_limited", "You have been rate limited. Please try again in a few minutes."),
    500: ("internal_server_error", "Unexpected error occurred."),
    502: ("bad_gateway", "Bad gateway."),
    503: ("service_unavailable", "Notion is unavailable. Please try again later."),
    504: ("gateway_timeout", "The request timed out."),
    529: ("service_overload", "Notion is overloaded. Please try again later."),
}


class Deed(BaseModel):
    """Something that a person does: an action of `Person` with its arguments."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    action: str
    arguments: dict[str, Any] = {}
    who: str | None = None

    @field_validator("action")
    @classmethod
    def _is_known(cls, action: str) -> str:
        if action not in ACTIONS:
            raise ValueError(f"there is no action {action}; the actions are: {', '.join(ACTIONS)}")
        return action


class Fault(BaseModel):
    """What befalls requests that match."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    #: HTTP method, or empty for every one.
    method: Literal["", "GET", "POST", "PATCH", "DELETE"] = ""
    #: Beginning of the path ("/v1/pages"), or the whole of it with `*` for parts ("/v1/data_sources/*/query"),
    #: or empty for every one.
    path: str = ""
    #: So many matching requests are let through first.
    skip: int = Field(0, ge=0)
    #: So many are hit.
    times: int = Field(1, ge=1)
    #: Which share of the matching requests is hit, at random.
    share: float = Field(1.0, gt=0, le=1)
    #: What the chance of `share` begins with: the same requests are hit for the same one.
    seed: int = 0
    #: Status of the answer; 0 for the answer that the request would have had.
    status: int = Field(0, ge=0, le=599)
    #: Seconds in the Retry-After header; None for no header.
    retry_after: int | None = Field(None, ge=0)
    #: Whether the request is applied all the same: the answer alone is lost or wrong.
    applied: bool = False
    #: Whether the connection is closed without an answer.
    drop: bool = False
    #: Seconds that the answer is held back.
    delay: float = Field(0.0, ge=0, le=86_400)
    #: Whether the answer is a page of HTML, as proxies send it.
    html: bool = False
    #: Whether every cursor of a query is invalid from the request on.
    forget_cursors: bool = False
    #: What people do as soon as the request is carried out, such as between two pages of results.
    then: tuple[Deed, ...] = ()

    @model_validator(mode="after")
    def _makes_sense(self) -> Fault:
        if self.path and not self.path.startswith(("/v1/", "/_files/")):
            raise ValueError(f'path begins with "/v1/" or "/_files/", instead was "{self.path}"')
        if 0 < self.status < 400:
            raise ValueError(f"status is an error's, 400 to 599, or 0 for none, instead was {self.status}")
        if self.status and self.drop:
            raise ValueError("a dropped connection has no status; give one of drop and status")
        if not self.status and (self.html or self.retry_after is not None):
            raise ValueError("html and retry_after need the status of an error")
        if self.applied and not (self.status or self.drop):
            raise ValueError("applied needs a status or drop: otherwise the request is applied anyway")
        if self.then and not self.applied and (self.status or self.drop):
            raise ValueError("then needs a request that is carried out; set applied")
        if not (self.status or self.drop or self.delay or self.forget_cursors or self.then):
            raise ValueError("nothing would happen; give one of status, drop, delay, forget_cursors and then")
        return self

    @property
    def refuses(self) -> bool:
        """Whether the request gets another answer than its own, or none."""
        return self.drop or self.status != 0

    def error(self) -> ApiError:
        """The refusal to answer with."""
        code, message = _ANSWERS.get(self.status, ("internal_server_error", "Unexpected error occurred."))
        return ApiError(self.status, code, message, retry_after=self.retry_after)

    def matches(self, method: str, path: str) -> bool:
        """Whether it is about such a request."""
        if self.method not in ("", method):
            return False
        if "*" not in self.path:
            return path.startswith(self.path)
        return re.fullmatch("[^/]+".join(map(re.escape, self.path.split("*"))), path) is not None


class Faults(FaultQueue[Fault]):
    """The faults that wait; the first one that matches a request hits it."""

    def add(self, fault: Fault | dict[str, Any]) -> None:
        """Wait for requests; `ApiError` 400 when a description is not one of a fault."""
        if isinstance(fault, dict):
            try:
                fault = Fault.model_validate(fault)
            except ValidationError as error:
                raise told("Not a fault", error) from None
        super().add(fault)

    def waiting(self) -> list[dict[str, Any]]:
        """What still waits, with how often it will."""
        with self._lock:
            return [
                one.fault.model_dump(mode="json") | {"skip": one.skip, "times": one.times}
                for one in self._waiting
            ]
