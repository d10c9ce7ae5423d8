"""The window in which a new subscription may hand over its token, opened by the operator alone.

Anybody can post a token. So one is taken only while the window is open, one for each opening; it is shown to the
operator, and it counts for nothing until he sets it as NOTION_WEBHOOK_SECRET.
"""

from __future__ import annotations

import redis
from pydantic import SecretStr

#: Seconds for which the window is open, and for which a token can be looked at.
OPEN = 15 * 60
SHOWN = 60 * 60

_WINDOW = "lockstep:webhooks:window"
_TOKEN = "lockstep:webhooks:token"  # noqa: S105  a key

# KEYS: window, token    ARGV: the token, seconds for which it is kept    Answers whether it was taken.
_ACCEPT = """
if redis.call('DEL', KEYS[1]) == 0 then return redis.call('GET', KEYS[2]) == ARGV[1] and 1 or 0 end
redis.call('SET', KEYS[2], ARGV[1], 'EX', ARGV[2])
return 1
"""


class HandshakeWindow:
    """The window, shared by all processes. Every method may raise `redis.RedisError`."""

    def __init__(self, client: redis.Redis) -> None:
        self._client = client
        self._accept = client.register_script(_ACCEPT)

    def open(self, seconds: int = OPEN) -> None:
        """Take the next token that comes within so many seconds; forget the one before."""
        pipeline = self._client.pipeline()
        pipeline.delete(_TOKEN)
        pipeline.set(_WINDOW, 1, ex=seconds)
        pipeline.execute()

    def close(self) -> None:
        """Take none, and forget the last one."""
        self._client.delete(_WINDOW, _TOKEN)

    def left(self) -> int:
        """Seconds for which the window is still open; 0 when it is closed."""
        return max(int(self._client.ttl(_WINDOW)), 0)

    def token(self) -> SecretStr | None:
        """The token that came."""
        found = self._client.get(_TOKEN)
        return None if found is None else SecretStr(str(found))

    def accept(self, token: SecretStr) -> bool:
        """Keep a token that came, and close the window; False when it is closed.

        The token that was taken is taken again, since its answer may have been lost.
        """
        return bool(self._accept([_WINDOW, _TOKEN], [token.get_secret_value(), SHOWN]))
