"""A local Google Tasks account: the methods of the Tasks API v1, kept in memory, with consent and tokens of OAuth.

Any client works with it that lets its address be set: `GoogleTasks().url` is the base of the API, `auth_url` asks for
consent and gives it at once, `token_url` hands out tokens. Beside the API there is a back door for demos and tests, in
Python: `account` (task lists and tasks, and people who edit them), `clock`, `faults`, `tokens` and `requests`.
"""

from sandbox.google_tasks.account import Account
from sandbox.google_tasks.app import app
from sandbox.google_tasks.clock import Clock
from sandbox.google_tasks.errors import ApiError
from sandbox.google_tasks.faults import Fault, Faults
from sandbox.google_tasks.server import GoogleTasks
from sandbox.google_tasks.tokens import Tokens

__all__ = ["Account", "ApiError", "Clock", "Fault", "Faults", "GoogleTasks", "Tokens", "app"]
