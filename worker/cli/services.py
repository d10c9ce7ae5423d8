"""`lockstep services`: what can stand at the ends of a sync."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tasks.errors import TaskDefinitionError
from tasks.services.found import NONE_AT_ALL, Found, service, services
from tasks.services.options import TableOption, options_of
from tasks.sides import Attribute, Service
from worker.telling.exit_codes import ExitCode
from worker.telling.screen import console, print_json, say
from worker.telling.tables import table

#: Said of a service whose attributes are those of the place that a table names.
BY_PLACE = "those of the place that is synced"


def list_services(*, as_json: bool) -> ExitCode:
    """All services that are announced here, with the distributions they come from."""
    loaded = [(found, *_loaded(found)) for found in services().values()]
    if as_json:
        print_json([_data(found, known, problem) for found, known, problem in loaded])
        return ExitCode.OK
    rows = [
        (
            found.name,
            known.label,
            ", ".join(known.attributes) or BY_PLACE,
            ", ".join(option.name for option in options_of(known.table)),
            ", ".join(found.distributions),
        )
        for found, known, _ in loaded
        if known is not None
    ]
    if rows:
        columns = ("Service", "What it is", "Attributes", "Options", "From")
        console().print(table(columns, rows, folded=columns[1:]))
        say("lockstep services NAME shows the attributes and options of one.")
    for _, _, problem in loaded:
        if problem:
            say(problem, style="red")
    if not loaded:
        say(f"There is no service: {NONE_AT_ALL}.")
    return ExitCode.OK


def show_service(name: str, *, as_json: bool) -> ExitCode:
    """One service with the options of its table and the attributes of its objects.

    Raises:
        TaskDefinitionError: there is none of this name, or it cannot be used.
    """
    found = services()
    known = service(name, found)
    if as_json:
        print_json(_data(found[name], known, ""))
        return ExitCode.OK
    screen = console()
    say(f"{name}: {known.label}, from {', '.join(found[name].distributions)}", screen, style="bold")
    screen.print()
    options = options_of(known.table)
    if options:
        say(f"Options, in [sync.{name}]:", screen)
        rows = [(one.name, one.type, _default(one), one.description) for one in options]
        screen.print(table(("Option", "Type", "Default", "What it says"), rows, folded=("What it says",)))
    else:
        say(f"[sync.{name}] has no options.", screen)
    screen.print()
    if not known.attributes:
        say(f"Attributes: {BY_PLACE}.", screen)
        return ExitCode.OK
    say("Attributes, for [sync.map]:", screen)
    lines = [
        (
            attribute,
            str(one.kind),
            "yes" if one.writable else "no, only read",
            one.meaning,
            ", ".join(option.name for option in one.options),
        )
        for attribute, one in known.attributes.items()
    ]
    columns = ("Attribute", "Kind", "Written", "Meaning", "Choices")
    screen.print(table(columns, lines, folded=("Choices",), spare=("Choices",)))
    return ExitCode.OK


def _loaded(found: Found) -> tuple[Service | None, str]:
    """The service, or why there is none."""
    try:
        return found.load(), ""
    except TaskDefinitionError as error:
        return None, str(error)


def _default(option: TableOption) -> str:
    if option.required:
        return "must be given"
    match option.default:
        case None:
            return "-"
        case bool() as said:
            return "true" if said else "false"
        case Mapping() | list() | tuple() as several:
            return ", ".join(map(str, several))
        case one:
            return str(one)


def _data(found: Found, known: Service | None, problem: str) -> dict[str, Any]:
    return {
        "service": found.name,
        "label": known and known.label,
        "distributions": found.distributions,
        "problem": problem or None,
        "attributes": [_attribute(name, one) for name, one in known.attributes.items()] if known else [],
        "options": [_option(one) for one in options_of(known.table)] if known else [],
    }


def _attribute(name: str, attribute: Attribute) -> dict[str, Any]:
    return {
        "attribute": name,
        "kind": attribute.kind.value,
        "writable": attribute.writable,
        "meaning": attribute.meaning or None,
        "options": [option.name for option in attribute.options],
    }


def _option(option: TableOption) -> dict[str, Any]:
    return {
        "option": option.name,
        "type": option.type,
        "required": option.required,
        "default": option.default,
        "description": option.description,
    }
