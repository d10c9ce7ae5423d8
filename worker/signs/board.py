"""The signs of life in Redis: one hash for each kind of process, and the tasks that they have read beside it."""

from __future__ import annotations

import json
import logging
from collections.abc import Mapping
from dataclasses import astuple
from datetime import UTC, datetime
from hashlib import sha256
from importlib import resources
from typing import Any

import redis

from worker.signs.record import SCHEDULER, WORKER, Definition, Sign, Signs, sign_of

log = logging.getLogger(__name__)

PREFIX = "lockstep:signs"
#: Seconds for which the last sign of all is kept, so that it can be said since when nobody is there.
KEPT = 30 * 86_400
#: Seconds of silence after which a process is forgotten while others of its kind live.
FORGOTTEN = 3600
#: Seconds for which the tasks that a process has read are kept after its last sign.
READ_KEPT = 86_400


class Board:
    """Where signs are left and read. Every method may raise `redis.RedisError`."""

    def __init__(self, client: redis.Redis, *, prefix: str = PREFIX) -> None:
        self._client = client
        self._prefix = prefix
        self._sign = client.register_script((resources.files("worker.signs") / "sign.lua").read_text("utf-8"))

    def leave(
        self,
        kind: str,
        sign_id: str,
        told: Mapping[str, Any],
        tasks: Mapping[str, Definition],
        *,
        tidy: bool = False,
    ) -> None:
        """Leave a sign, in one round trip unless the tasks are not known yet.

        Args:
            kind: of the process.
            sign_id: its id.
            told: what it tells of itself.
            tasks: those that it has read.
            tidy: forget others of the kind that are silent for long.
        """
        text = json.dumps({name: astuple(each) for name, each in sorted(tasks.items())})
        digest = sha256(text.encode()).hexdigest()[:32]
        body = json.dumps({**told, "read": digest})
        keys = [f"{self._prefix}:{kind}", self._read_key(digest)]
        if not self._sign(keys, [sign_id, body, KEPT, FORGOTTEN if tidy else 0, READ_KEPT]):
            self._client.set(keys[1], text, ex=READ_KEPT)

    def read(self) -> Signs:
        """All signs, and what those who live have read."""
        return Signs(*(tuple(signs) for signs in self._read(SCHEDULER, WORKER)))

    def read_kind(self, kind: str) -> list[Sign]:
        """Those of one kind, the last one first, without the tasks."""
        return self._read(kind, with_tasks=False)[0]

    def _read(self, *kinds: str, with_tasks: bool = True) -> list[list[Sign]]:
        pipeline = self._client.pipeline(transaction=False)
        pipeline.time()
        for kind in kinds:
            pipeline.hgetall(f"{self._prefix}:{kind}")
        (seconds, micros), *hashes = pipeline.execute()
        now = datetime.fromtimestamp(int(seconds) + int(micros) / 1_000_000, UTC)
        told = [_parsed(texts) for texts in hashes]
        read = self._tasks(
            {body.get("read") for each in told for _, _, body in each} if with_tasks else set()
        )
        return [
            sorted(_signs(kind, each, now, read), key=lambda sign: sign.ago)
            for kind, each in zip(kinds, told, strict=True)
        ]

    def _tasks(self, digests: set[Any]) -> dict[str, Any]:
        names = sorted(digest for digest in digests if isinstance(digest, str))
        texts = self._client.mget([self._read_key(name) for name in names]) if names else []
        return {name: _json(str(text)) for name, text in zip(names, texts, strict=True) if text is not None}

    def _read_key(self, digest: str) -> str:
        return f"{self._prefix}:read:{digest}"


def _json(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        return None


def _parsed(texts: Mapping[str, str]) -> list[tuple[str, int, dict[str, Any]]]:
    """Id, time and what was told; what cannot be read is nobody's sign."""
    found = []
    for sign_id, text in texts.items():
        milliseconds, _, body = text.partition(" ")
        told = _json(body)
        if milliseconds.isdecimal() and isinstance(told, dict):
            found.append((sign_id, int(milliseconds), told))
    return found


def _signs(
    kind: str, told: list[tuple[str, int, dict[str, Any]]], now: datetime, read: Mapping[str, Any]
) -> list[Sign]:
    found = []
    for sign_id, milliseconds, body in told:
        try:
            found.append(
                sign_of(kind, sign_id, milliseconds, body, now=now, tasks=read.get(str(body.get("read"))))
            )
        except (
            ValueError,
            KeyError,
            TypeError,
            AttributeError,
            OverflowError,
            OSError,
        ):  # whatever junk makes
            log.debug("The sign of life of %r is not one of this version.", sign_id)
    return found
