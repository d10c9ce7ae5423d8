"""A local Notion workspace: the part of the Notion API that a sync needs, kept in SQLite.

Any Notion client works with it: `Client(auth="anything", base_url=sandbox.url)`. Every token is let in, unless
the server is given a set of tokens. The page `ROOT_PAGE_ID` is there from the start.

Besides the API under /v1/ there is a back door for demos and tests: in Python by `Sandbox` (`person`, `clock`,
`faults`, `index`, `rate_limiter`, `counters`, `webhooks`), over HTTP below /_sandbox/; see docs/sandbox.md.
"""

from sandbox.notion.requests.call import Limits
from sandbox.notion.requests.counters import Counted, Counters
from sandbox.notion.requests.errors import ApiError
from sandbox.notion.requests.rate_limit import RateLimit, Window
from sandbox.notion.serving.app import app
from sandbox.notion.serving.errors import SandboxError
from sandbox.notion.serving.server import Sandbox, serve
from sandbox.notion.state.ids import PERSON_ID, ROOT_PAGE_ID, bot_id
from sandbox.notion.webhooks import Behaviour
from sandbox.notion.workspace.faults import Deed, Fault
from sandbox.notion.workspace.person import Person

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
    "SandboxError",
    "Window",
    "app",
    "bot_id",
    "serve",
]
