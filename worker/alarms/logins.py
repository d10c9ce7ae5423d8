"""When the logins of tasks expire, as far as services tell of it; kept in Redis, since the next run tells again."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import datetime

import redis

from worker.alarms.judging import Login

#: A hash of task -> {side: when its login expires}.
KEY = "lockstep:logins"


class Logins:
    """Reading and writing them. Every method may raise `redis.RedisError`."""

    def __init__(self, client: redis.Redis) -> None:
        self._client = client

    def keep(self, task: str, expires: Mapping[str, datetime]) -> None:
        """What the sides of a task told in its last run; nothing, where none of them knows."""
        if expires:
            self._client.hset(KEY, task, json.dumps({side: at.isoformat() for side, at in expires.items()}))
        else:
            self._client.hdel(KEY, task)

    def all(self) -> list[Login]:
        """What is known of all tasks; what is no such thing is left out."""
        found = []
        for task, text in self._client.hgetall(KEY).items():
            try:
                found += [
                    Login(str(task), side, datetime.fromisoformat(at))
                    for side, at in json.loads(text).items()
                ]
            except (ValueError, AttributeError, TypeError):
                continue
        return [login for login in found if login.expires.tzinfo is not None]
