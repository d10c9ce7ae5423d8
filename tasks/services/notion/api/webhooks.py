"""What Notion's webhooks bring: whether Notion sent it, and which tasks may have something to do."""

from __future__ import annotations

import hashlib
import hmac
import json
import logging
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Protocol

from pydantic import SecretStr

from tasks.errors import TaskDefinitionError
from tasks.services.notion.api.ids import ids_among, parse_id

#: Header of every delivery: `sha256=` and the digest of the body under the subscription's token.
SIGNATURE_HEADER = "X-Notion-Signature"
#: Longest token and id that are taken for such.
LONGEST = 300
#: Kinds of objects whose events can concern rows; comments, views and uploads hold no synced value.
SYNCED_KINDS = frozenset({"page", "data_source", "database", "block"})

log = logging.getLogger(__name__)


class DeliveryError(ValueError):
    """A body that Notion does not send; the message says what is wrong with it, without quoting it."""


@dataclass(frozen=True, slots=True)
class Handshake:
    """The first delivery of a new subscription: the token under which all later ones are signed."""

    token: SecretStr


@dataclass(frozen=True, slots=True)
class Event:
    """Word of a change. It carries no values and may come late, twice, out of order, or never."""

    id: str
    #: `page.properties_updated` and the like.
    type: str
    #: When Notion made it.
    at: datetime
    #: The object it is about, as the event has it, with its `parent`.
    entity: Mapping[str, Any] = field(default_factory=dict)

    @property
    def kind(self) -> str:
        """What it is about: `page`, `data_source`, `comment`, …"""
        return self.type.partition(".")[0]

    @property
    def object_id(self) -> str:
        """Id of the object."""
        return _id(self.entity.get("id"))

    @property
    def ids(self) -> frozenset[str]:
        """Ids of the object and of where it is."""
        parent = self.entity.get("parent")
        found = {self.object_id}
        if isinstance(parent, Mapping):
            found |= {_id(parent.get("id")), _id(parent.get("data_source_id"))}
        return frozenset(found - {""})


class Task(Protocol):
    """A task, as far as it can be asked for its sides."""

    @property
    def name(self) -> str:
        """The task's name."""

    def pairing(self) -> Any:
        """Its `sides`, by end."""


def sign(secret: SecretStr, body: bytes) -> str:
    """The signature header of a body."""
    return "sha256=" + hmac.new(secret.get_secret_value().encode(), body, hashlib.sha256).hexdigest()


def is_signed(secrets: Iterable[SecretStr], body: bytes, signature: str) -> bool:
    """Whether one of the secrets signed these very bytes. Takes equally long however wrong the signature is."""
    given = signature.strip().encode()
    matches = [hmac.compare_digest(sign(secret, body).encode(), given) for secret in secrets]
    return any(matches)


def read_delivery(body: bytes) -> Handshake | Event:
    """What a delivery says.

    Raises:
        DeliveryError: it is none of Notion's.
    """
    try:
        data = json.loads(body)
    except (ValueError, RecursionError):
        raise DeliveryError("the body is not JSON") from None
    if not isinstance(data, dict):
        raise DeliveryError("the body is not an object")
    if "verification_token" in data:
        return Handshake(SecretStr(_token(data["verification_token"])))
    return Event(
        id=_text(data, "id"),
        type=_text(data, "type"),
        at=_moment(_text(data, "timestamp")),
        entity=_entity(data),
    )


def concerned(task: Task, event: Event) -> bool:
    """Whether an event may be about an object of one of a task's sides.

    A side says so by `concerns(entity)`, which gets the event's entity with its `parent`. A task that was written
    as one class may have that method itself; without one, it is concerned where its `data_source` is the object or
    its parent.
    """
    if event.kind not in SYNCED_KINDS:
        return False
    try:
        if any(side.concerns(dict(event.entity)) for side in task.pairing().sides.values()):
            return True
    except Exception:
        log.exception("Task %r cannot tell whether an event concerns it; it is taken to.", task.name)
        return True
    if callable(getattr(task, "concerns", None)):
        return False
    place = getattr(task, "data_source", None)
    if not isinstance(place, str):
        return False
    try:
        return parse_id(place) in event.ids
    except TaskDefinitionError:
        return False


def _entity(data: Mapping[str, Any]) -> dict[str, Any]:
    entity, details = data.get("entity"), data.get("data")
    if not isinstance(entity, dict):
        raise DeliveryError("the event has no entity")
    parent = details.get("parent") if isinstance(details, dict) else None
    return {**entity, "parent": parent}


def _token(value: Any) -> str:
    if not isinstance(value, str) or not value.isascii() or not value.isprintable() or " " in value:
        raise DeliveryError("the verification token is not a word")
    if not 16 <= len(value) <= LONGEST:
        raise DeliveryError("the verification token is too short or too long")
    return value


def _text(data: Mapping[str, Any], key: str) -> str:
    value = data.get(key)
    if not isinstance(value, str) or not 0 < len(value) <= LONGEST or not value.isprintable():
        raise DeliveryError(f"the event has no {key}")
    return value


def _moment(text: str) -> datetime:
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        raise DeliveryError("the event's timestamp is not a time") from None
    return at if at.tzinfo else at.replace(tzinfo=UTC)


def _id(value: Any) -> str:
    """The id with dashes, or nothing where there is none."""
    if not isinstance(value, str):
        return ""
    try:
        return parse_id(value)
    except TaskDefinitionError:
        return ""


def is_of_source(entity: Mapping[str, Any], ids: Collection[str], database: str | None) -> bool:
    """Whether an event's entity, with its `parent`, is a data source or in it.

    Args:
        entity: what the event is about.
        ids: of the data source.
        database: the one that it is in; `None` where that is not known, so that it may be any.
    """
    parent = entity.get("parent") or {}
    if not set(ids).isdisjoint(ids_among(entity.get("id"), parent.get("id"), parent.get("data_source_id"))):
        return True
    # An older subscription names the database only.
    older = parent.get("type") == "database" and not parent.get("data_source_id")
    return older and database in (None, *ids_among(parent.get("id")))
