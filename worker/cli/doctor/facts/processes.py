"""Who is there to run what is scheduled, by the database and by Redis."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

from config import Settings, SettingsError
from tasks.scheduled import Scheduled
from worker.alarms import Facts
from worker.alarms.facts import gather
from worker.errors import StoreError
from worker.machine.state_directory import reachable_redis
from worker.redis_client import impatient
from worker.standing import survey
from worker.store import Store
from worker.telling.failures import CommandError

#: Seconds that Redis has for an answer.
PATIENCE = 3.0


@dataclass(frozen=True, slots=True)
class ProcessFacts:
    """What is known of them."""

    #: As the alarms have them; `None` where they cannot be known.
    facts: Facts | None = None
    #: Why this is not known.
    refusal: str = ""
    #: Whether that is the fault of a setting.
    is_wrong: bool = False


def process_facts(settings: Settings, known: Mapping[str, Scheduled]) -> ProcessFacts:
    """What can be known of them, in a database whose tables are up to date."""
    store = Store(settings.sql_url())
    try:
        patient = reachable_redis(settings)
        if patient is None:
            return ProcessFacts(Facts(now=datetime.now(UTC), status=survey(settings, known, store)))
        with patient, impatient(patient, PATIENCE) as client:
            return ProcessFacts(gather(settings, known, store, client))
    except SettingsError as error:
        return ProcessFacts(None, str(error), is_wrong=True)
    except (CommandError, StoreError) as error:
        return ProcessFacts(None, str(error))
    finally:
        store.close()
