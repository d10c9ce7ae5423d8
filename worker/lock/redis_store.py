"""The lock's records in Redis: one hash, one counter and one list per node, changed by Lua scripts only."""

from __future__ import annotations

import json
from collections.abc import Sequence
from importlib import resources
from typing import Any

import redis
from redis.commands.core import Script

from worker.errors import RedisUnavailableError
from worker.lock.record import RUNNING, SessionRecord, at
from worker.lock.store import (
    HISTORY_LENGTH,
    HISTORY_SEARCHED,
    Beat,
    Busy,
    Claim,
    Ended,
    Granted,
)
from worker.redis_client import address

#: Nodes read per round trip when all holders are listed.
SCAN_COUNT = 500


class RedisLockStore:
    """`LockStore` in Redis 6.2 or later.

    Leases are measured by the clock of the Redis server alone. The keys of a node share a hash tag:
    `<prefix>:{<node>}:lock`, `…:fence`, `…:history` and `…:mark`.
    """

    def __init__(self, client: redis.Redis, *, prefix: str = "lockstep") -> None:
        self._client = client
        self._prefix = prefix
        self._claim = _script(client, "acquire")
        self._beat = _script(client, "beat")
        self._release = _script(client, "release")
        self._holder = _script(client, "holder")

    def claim(self, claim: Claim) -> Granted | Busy | Ended:
        """Take the node if it is free or its session's lease ran out."""
        keys = [self._key(claim.node_id, part) for part in ("lock", "fence", "history")]
        with self._answered("take the lock of a node"):
            answer = self._claim(
                keys,
                [
                    claim.session_id,
                    claim.node_id,
                    claim.owner,
                    claim.host,
                    claim.pid,
                    round(claim.lease_seconds * 1000),
                    HISTORY_LENGTH,
                    0 if claim.is_new else HISTORY_SEARCHED,
                    claim.last_fence,
                ],
            )
        kind = _text(answer[0])
        if kind == "granted":
            abandoned = _text(answer[2])
            return Granted(int(answer[1]), _record(abandoned) if abandoned else None)
        if kind == "busy":
            return Busy(_record(_text(answer[1])))
        return Ended()

    def beat(self, beats: Sequence[Beat]) -> list[bool]:
        """Renew leases, all in one round trip."""
        if not beats:
            return []
        with self._answered("renew a lease"):
            pipeline = self._client.pipeline(transaction=False)
            for beat in beats:
                self._beat(
                    [self._key(beat.node_id, "lock")],
                    [beat.session_id, beat.owner, beat.phase],
                    client=pipeline,
                )
            return [bool(answer) for answer in pipeline.execute()]

    def release(self, session: Beat, status: str, result: str) -> bool:
        """End a session; False when it does not hold its node."""
        keys = [self._key(session.node_id, part) for part in ("lock", "history")]
        arguments = [session.session_id, session.owner, session.phase, status, result]
        with self._answered("release a node"):
            return bool(self._release(keys, [*arguments, HISTORY_LENGTH, HISTORY_SEARCHED]))

    def holder(self, node_id: str) -> SessionRecord | None:
        """The session that holds the node, live or not."""
        with self._answered("read who holds a node"):
            text = _text(self._holder([self._key(node_id, "lock")]))
        return _record(text) if text else None

    def holders(self) -> list[SessionRecord]:
        """The sessions of all held nodes; nodes taken or freed meanwhile may or may not be among them."""
        with self._answered("list the held nodes"):
            pattern = self._key("*", "lock")
            pipeline = self._client.pipeline(transaction=False)
            for key in set(self._client.scan_iter(match=pattern, count=SCAN_COUNT)):
                self._holder([key], client=pipeline)
            texts = [_text(answer) for answer in pipeline.execute()]
        return sorted((_record(text) for text in texts if text), key=lambda record: record.node_id)

    def history(self, node_id: str) -> list[SessionRecord]:
        """Ended sessions of the node, newest first."""
        with self._answered("read the history of a node"):
            texts = self._client.lrange(self._key(node_id, "history"), 0, HISTORY_LENGTH - 1)
        return [_record(_text(text)) for text in texts]

    def mark(self, node_id: str, text: str) -> None:
        """Keep a text for the node."""
        with self._answered("keep how far a node has come"):
            self._client.set(self._key(node_id, "mark"), text)

    def marked(self, node_id: str) -> str:
        """The text that was kept last."""
        with self._answered("read how far a node had come"):
            return _text(self._client.get(self._key(node_id, "mark")) or "")

    def close(self) -> None:
        """Close the connections of this store's client."""
        self._client.close()

    def _key(self, node_id: str, part: str) -> str:
        return f"{self._prefix}:{{{node_id}}}:{part}"

    def _answered(self, what: str) -> _Answered:
        return _Answered(self._client, what)


class _Answered:
    """Says which step was not answered; a class, which costs a third of what a generator does."""

    __slots__ = ("_client", "_what")

    def __init__(self, client: redis.Redis, what: str) -> None:
        self._client, self._what = client, what

    def __enter__(self) -> None:
        pass

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        if isinstance(error, redis.RedisError):
            raise RedisUnavailableError(
                f"could not {self._what}: Redis at {address(self._client)} did not answer ({error}); "
                "check that it runs and that REDIS_URL is right"
            ) from error


def _script(client: redis.Redis, name: str) -> Script:
    return client.register_script((resources.files("worker.lock") / f"{name}.lua").read_text("utf-8"))


def _text(value: bytes | str) -> str:
    return value.decode() if isinstance(value, bytes) else value


def _record(text: str) -> SessionRecord:
    fields: dict[str, Any] = json.loads(text)
    return SessionRecord(
        session_id=fields["session"],
        node_id=fields["node"],
        owner=fields["owner"],
        host=fields["host"],
        pid=int(fields["pid"]),
        fence=int(fields["fence"]),
        phase=fields["phase"],
        started_at=at(int(fields["started"])),
        beat_at=at(int(fields["beat"])),
        lease_seconds=int(fields["lease"]) / 1000,
        status=fields.get("status", RUNNING),
        result=json.loads(fields["result"]) if "result" in fields else None,
        ended_at=at(int(fields["ended"])) if "ended" in fields else None,
        live=fields.get("live") == "1",
    )
