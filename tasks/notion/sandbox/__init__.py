"""A local Notion workspace: the part of the Notion API that a sync needs, kept in SQLite.

Any Notion client works with it: `Client(auth="anything", base_url=sandbox.url)`. Every token is let in, unless
the server is given a set of tokens. The page `ROOT_PAGE_ID` is there from the start.

Besides the API under /v1/ there is a back door for demos and tests:

| Request | What it does |
|---|---|
| any method on /_sandbox/person/v1/... | the same request of the API, made by a person in the app; needs no token, `Notion-Version` is the newest unless given, `Sandbox-User` names another person by id |
| POST /_sandbox/data_sources | `{"title", "properties"}`: a database with one data source; answers both ids |
| POST /_sandbox/clock | `{"now": "2026-01-01T00:00:00Z"}` stops the clock there, `{"advance": 60}` moves it by seconds and stops it, `{"now": null}` lets it run again |
| POST, GET, DELETE /_sandbox/faults | adds a fault, lists those that wait, clears them |
| POST /_sandbox/erase | `{"id"}`: deletes an object for good, as if it was never shared |
| POST /_sandbox/forget_cursors | makes every cursor of a query invalid |
| POST /_sandbox/objects | `{"objects": [...]}`: stores objects as answers of the API show them |
| POST /_sandbox/bot | `{"token", "id", "name"}`: the token acts as this user from now on |
| POST /_sandbox/search_index | `{"<id>": false}`: hides an object from search, as before it is indexed |

A fault is `{"method": "POST", "path": "/v1/pages", "skip": 0, "times": 1, "status": 429, "retry_after": 1,
"applied": false, "drop": false, "delay": 0, "html": false}`, where every key may be left out: the next `times`
requests that match, after `skip` others, are held back for `delay` seconds and answered with `status`, or the
connection is closed (`drop`); with `applied` they take effect all the same.
"""  # noqa: E501

from tasks.notion.sandbox.app import app
from tasks.notion.sandbox.call import Limits
from tasks.notion.sandbox.ids import PERSON_ID, ROOT_PAGE_ID, bot_id
from tasks.notion.sandbox.server import Sandbox, serve

__all__ = ["PERSON_ID", "ROOT_PAGE_ID", "Limits", "Sandbox", "app", "bot_id", "serve"]
