"""A local Notion workspace: the part of the Notion API that a sync needs, kept in SQLite.

Any Notion client works with it: `Client(auth="anything", base_url=sandbox.url)`. Every token is let in, unless
the server is given a set of tokens. The page `ROOT_PAGE_ID` is there from the start.

Besides the API under /v1/ there is a back door for demos and tests: in Python by `Sandbox` (`person`, `clock`,
`faults`, `index`, `rate_limiter`, `counters`, `webhooks`), over HTTP below /_sandbox/; see docs/sandbox.md.
"""

from tasks.notion.sandbox.app import app
from tasks.notion.sandbox.call import Limits
from tasks.notion.sandbox.counters import Counted, Counters
from tasks.notion.sandbox.errors import ApiError
from tasks.notion.sandbox.faults import Deed, Fault
from tasks.notion.sandbox.ids import PERSON_ID, ROOT_PAGE_ID, bot_id
from tasks.notion.sandbox.person import Person
from tasks.notion.sandbox.rate_limit import RateLimit, Window
from tasks.notion.sandbox.server import Sandbox, serve
from tasks.notion.sandbox.webhooks import Behaviour

__all__ = [
    "PERSON_ID",
    "ROOT_PAGE_ID",
    "ApiError",
    "Behaviour",
    "Counted",
    "Counters",
    "Deed",
    "Fault",
    "Limits",
    "Person",
    "RateLimit",
    "Sandbox",
    "Window",
    "app",
    "bot_id",
    "serve",
]
