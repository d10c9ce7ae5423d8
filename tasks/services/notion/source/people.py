"""The people of a workspace by their mail addresses, as far as the integration may know them."""

from __future__ import annotations

import time
from collections.abc import Iterable
from typing import Any

from tasks.services.notion.api.answers import ForbiddenError
from tasks.services.notion.api.client import NotionClient
from tasks.services.notion.api.queries import PAGE_SIZE
from tasks.sides import Person

#: Seconds for which they are not asked for again.
FRESH = 3600.0


class People:
    """Who is in the workspace; guests are not among them. Kept from run to run."""

    def __init__(self) -> None:
        self._known: tuple[Person, ...] = ()
        #: When they were asked for, in seconds of this machine's clock; 0 before that.
        self.asked = 0.0

    async def read(self, client: NotionClient) -> tuple[Person, ...]:
        """Everybody whose mail address is told; nobody where the integration may not read users.

        Raises:
            RefusedError: Notion finds the request wrong.
            SideError: Notion cannot be reached, or refuses the token.
        """
        now = time.time()
        if not 0 <= now - self.asked < FRESH:
            self._known, self.asked = tuple(sorted(await _people(client), key=lambda one: one.id)), now
        return self._known

    def to_json(self) -> list[Any]:
        """What a later run is to know."""
        return [self.asked, [[one.id, one.mail] for one in self._known]]

    def from_json(self, remembered: Any) -> None:
        """Take over what `to_json` gave."""
        if remembered:
            self.asked = float(remembered[0])
            self._known = tuple(Person(user_id, mail) for user_id, mail in remembered[1])


async def _people(client: NotionClient) -> list[Person]:
    found: list[Person] = []
    params: dict[str, Any] = {"page_size": PAGE_SIZE}
    while True:
        try:
            answer = await client.read("users", subject="people of the workspace", params=params)
        except ForbiddenError:
            return []
        found += _told(answer.get("results") or ())
        if not answer.get("has_more") or not answer.get("next_cursor"):
            return found
        params["start_cursor"] = answer["next_cursor"]


def _told(users: Iterable[Any]) -> list[Person]:
    people = (
        (user.get("id"), (user.get("person") or {}).get("email")) for user in users if isinstance(user, dict)
    )
    return [Person(user_id, mail) for user_id, mail in people if isinstance(user_id, str) and mail]
