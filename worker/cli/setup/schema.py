"""The JSON Schema of `lockstep.toml`, of all services that are announced here.

Of draft 7, which every editor reads; pydantic writes 2020-12, whose words for the same are other ones.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pydantic import BaseModel
from pydantic.json_schema import GenerateJsonSchema, JsonSchemaMode, JsonSchemaValue
from pydantic_core import core_schema

from config import Settings
from tasks.database.sql.declared import NodeTable
from tasks.errors import TaskDefinitionError
from tasks.services.found import services
from tasks.tables.sync_table import SyncTable
from worker.telling.exit_codes import ExitCode
from worker.telling.screen import print_document

DRAFT = "http://json-schema.org/draft-07/schema#"
_DEFINITIONS = "#/definitions/{model}"
_PERIOD = {
    "type": "string",
    "pattern": r"^\s*(\d+\s*(s|m|h|d|seconds?|secs?|minutes?|mins?|hours?|days?)\s*)+$",
    "examples": ["30s", "5m", "1h 30m"],
}
#: What a pair of a mapping may say besides its name at the other end.
_PAIR = {
    "anyOf": [
        {"type": "string", "minLength": 1},
        {
            "type": "object",
            "required": ["to"],
            "properties": {
                "to": {"type": "string", "description": "the attribute of the other side"},
                "only_to": {"type": "string", "description": "the only end to which it goes"},
                "values": {"type": "object", "description": "what options stand for"},
                "conflict_mode": {
                    "type": "string",
                    "description": "newer, error, or the end whose value stays",
                },
                "links": {"type": "string", "description": "the sync that links what it refers to"},
                "format": {
                    "type": "string",
                    "description": "how a text says a number or a time",
                    "examples": ["1.234,56", "%d.%m.%Y"],
                },
                "zone": {
                    "type": "string",
                    "description": "the time zone of such a text",
                    "examples": ["Europe/Berlin"],
                },
                "default": {
                    "description": "what a new object gets where the value is empty across: a value, or one by end"
                },
            },
            "additionalProperties": False,
        },
    ]
}


class _Draft7(GenerateJsonSchema):
    """What pydantic knows of a model, in the words of draft 7."""

    schema_dialect = DRAFT

    def timedelta_schema(self, schema: core_schema.TimedeltaSchema) -> JsonSchemaValue:
        """A period as people write it."""
        return dict(_PERIOD)

    def tuple_schema(self, schema: core_schema.TupleSchema) -> JsonSchemaValue:
        """A list of several kinds: its first ones are `items`, what follows `additionalItems`."""
        made = super().tuple_schema(schema)
        if "prefixItems" in made:
            rest = made.pop("items", True)
            made |= {"items": made.pop("prefixItems"), "additionalItems": rest}
        return made


def print_schema() -> ExitCode:
    """Print it."""
    print_document(schema())
    return ExitCode.OK


def schema() -> dict[str, Any]:
    """The JSON Schema of `lockstep.toml`."""
    definitions: dict[str, Any] = {}
    whole = _of(Settings, "settings", definitions)
    # A table of a node may be its name alone, and several modules one text.
    whole["properties"]["tasks"] = {"anyOf": [whole["properties"]["tasks"], {"type": "string"}]}
    tables = {"sync": _sync(definitions), "node": _of(NodeTable, "node", definitions)}
    of_node = tables["node"]["properties"]["tables"]
    of_node["items"] = {"anyOf": [{"type": "string", "minLength": 1}, of_node["items"]]}
    for name, table in tables.items():
        whole["properties"][name] = {"type": "array", "items": table}
    return {"$schema": DRAFT, "title": "lockstep.toml", **whole, "definitions": definitions}


def _sync(definitions: dict[str, Any]) -> dict[str, Any]:
    """A `[[sync]]` table, with a table for each service."""
    made = _of(SyncTable, "sync", definitions)
    made["properties"]["map"] = {
        "type": "object",
        "description": "which attribute goes where",
        "additionalProperties": _PAIR,
    }
    for name, found in services().items():
        try:
            service = found.load()
        except TaskDefinitionError:
            made["properties"][name] = {"description": "this service cannot be loaded: lockstep services"}
            continue
        definitions[f"service_{name}"] = {"title": service.label, **_of(service.table, name, definitions)}
        one = {"$ref": f"#/definitions/service_{name}"}
        both = {"type": "array", "items": one, "minItems": 2, "maxItems": 2}
        made["properties"][name] = {"description": service.label, "anyOf": [one, both]}
    return made


def _of(model: type[BaseModel], prefix: str, definitions: dict[str, Any]) -> dict[str, Any]:
    """What a model takes; what it is made of goes to the definitions, by names that no two models share."""
    mode: JsonSchemaMode = "validation"
    made = model.model_json_schema(
        by_alias=True, ref_template=_DEFINITIONS, schema_generator=_Draft7, mode=mode
    )
    within = made.pop("$defs", {})
    made.pop("title", None)
    names = {
        _DEFINITIONS.format(model=name): _DEFINITIONS.format(model=f"{prefix}_{name}") for name in within
    }
    definitions |= {f"{prefix}_{name}": _renamed(one, names) for name, one in within.items()}
    renamed = _renamed(made, names)
    return {name: _without_noise(name, one) for name, one in renamed.items()}


def _renamed(value: Any, names: Mapping[str, str]) -> Any:
    if isinstance(value, Mapping):
        return {
            key: names.get(one, one) if key == "$ref" else _renamed(one, names) for key, one in value.items()
        }
    return [_renamed(one, names) for one in value] if isinstance(value, list) else value


def _without_noise(key: str, value: Any) -> Any:
    """Properties without the titles that are only their names again, and without `null`, which TOML has not."""
    if key != "properties":
        return value
    return {name: _plain(one) for name, one in value.items()}


def _plain(one: dict[str, Any]) -> dict[str, Any]:
    made = {key: value for key, value in one.items() if key not in ("title", "writeOnly")}
    if made.get("default", 0) is None:
        del made["default"]
    ways = [way for way in made.get("anyOf", ()) if way != {"type": "null"}]
    if len(ways) == 1:
        del made["anyOf"]
        made = {**ways[0], **made}
        made.pop("writeOnly", None)
    elif ways:
        made["anyOf"] = ways
    return made
