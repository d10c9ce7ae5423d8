"""What a user says of where a calendar is."""

from __future__ import annotations

from dataclasses import dataclass, field

from pydantic import SecretStr

from tasks.errors import TaskDefinitionError
from tasks.services.caldav.server.client import split_credentials


@dataclass(frozen=True)
class Told:
    """The address of a calendar, or its name and where to look for it."""

    #: The address of the calendar, or of the server.
    url: str
    #: The calendar's name, where the address is not its own.
    name: str | None = None
    #: Whether the address is made of the user's mail address.
    by_mail: bool = False
    username: str | None = None
    password: SecretStr | None = field(default=None, repr=False)

    @classmethod
    def of(cls, calendar: str, url: str | None) -> Told:
        """What the options say.

        Raises:
            TaskDefinitionError: they do not fit each other, or one is no address.
        """
        is_address = "://" in calendar
        if url is None:
            if not is_address and calendar.strip():
                raise TaskDefinitionError(
                    f"calendar {calendar!r} is no address: give one, or url beside it, the address of its server"
                )
            bare, (username, password) = split_credentials(calendar)
            return cls(bare, None, False, username, password)
        if is_address:
            raise TaskDefinitionError("calendar is an address, so that url says nothing more: leave one out")
        name = " ".join(calendar.split())
        if not name:
            raise TaskDefinitionError("calendar is empty: give the name of one")
        mailbox, _, domain = url.strip().rpartition("@")
        if "://" not in url and mailbox and domain:
            bare, _ = split_credentials(f"https://{domain}/")
            return cls(bare, name, True, url.strip())
        bare, (username, password) = split_credentials(url)
        return cls(bare, name, False, username, password)

    @property
    def words(self) -> str:
        """The same for the same place."""
        return self.url if self.name is None else f"{self.url} {self.name}"
