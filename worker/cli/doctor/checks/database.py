"""Whether the database can be used, and has the tables of this version."""

from __future__ import annotations

from worker.cli.doctor.facts.database import DatabaseFacts
from worker.cli.doctor.finding import About, Finding
from worker.telling.exit_codes import ExitCode

_DATABASE = About("Database")


def database_finding(facts: DatabaseFacts) -> Finding:
    """What is to be said of it; whether it takes writes is told with what is known of the processes."""
    if facts.refusal:
        return _DATABASE.failed(
            "database",
            f"{facts.refusal[0].upper()}{facts.refusal[1:]}",
            "See that the server of DATABASE_URL runs, has room, and lets its user in",
            ExitCode.UNAVAILABLE,
        )
    if facts.has_no_tables:
        return _DATABASE.ok("database", f"{facts.address} has no tables yet; the first start makes them.")
    if facts.version < facts.newest:
        return _DATABASE.warning(
            "database",
            f"The tables are of an older version ({facts.version}, this one has {facts.newest}).",
            "Make a backup and stop what runs; the next start brings them up to this version",
        )
    if facts.version > facts.newest:
        return _DATABASE.failed(
            "database",
            f"The tables are of a newer version ({facts.version}, this one has {facts.newest}).",
            "Install that version of Lockstep",
            ExitCode.UNAVAILABLE,
        )
    return _DATABASE.ok("database", f"{facts.address} answers, its tables are up to date.")
