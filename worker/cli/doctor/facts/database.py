"""What the database is like, looked at without a change of its tables."""

from __future__ import annotations

from dataclasses import dataclass

from config import Settings
from worker.errors import StoreError
from worker.store import Store
from worker.store.migrating import newest_version, versions


@dataclass(frozen=True, slots=True, kw_only=True)
class DatabaseFacts:
    """What is known of it."""

    #: Without its password.
    address: str = ""
    #: Why it cannot be used.
    refusal: str = ""
    #: The version of its tables, empty where there are none; and that of this code.
    version: str = ""
    newest: str = ""

    @property
    def has_no_tables(self) -> bool:
        """Whether nothing has been started with it yet."""
        return not self.refusal and not self.version

    @property
    def is_current(self) -> bool:
        """Whether its tables can be read."""
        return not self.refusal and bool(self.version) and self.version == self.newest


def database_facts(settings: Settings) -> DatabaseFacts:
    """What can be known of the database of these settings. A file that is not there is not made."""
    newest = newest_version()
    try:
        store = Store(settings.sql_url())
    except StoreError as error:
        return DatabaseFacts(refusal=str(error), newest=newest)
    try:
        if store.file is not None and not store.file.path.exists():
            store.file.check_before_opening()
            return DatabaseFacts(address=store.address, newest=newest)
        with store.read() as connection:
            found = versions(connection)
        return DatabaseFacts(address=store.address, version=max(found, default=""), newest=newest)
    except StoreError as error:
        return DatabaseFacts(address=store.address, refusal=str(error), newest=newest)
    finally:
        store.close()
