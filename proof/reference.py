#!/usr/bin/env python3
"""Write the reference of the documentation from the code: `make reference`.

Usage: reference.py [--check]

Whole pages (lockstep.toml, commands, Python API, exit codes and errors), and tables between marks in pages that people
write (settings, metrics, kinds of values). With --check nothing is written; the exit code is 1 where a page is another.
"""

from __future__ import annotations

import argparse
import enum
import importlib
import inspect
import re
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, get_args, get_origin

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

import typer  # noqa: E402 - found above
from pydantic import BaseModel  # noqa: E402

from config import Settings  # noqa: E402
from config.sources import TABLES, variable_name  # noqa: E402
from tasks.database.sql.declared import NodeTable  # noqa: E402
from tasks.mapping.kinds_table import with_table  # noqa: E402
from tasks.services.found import services  # noqa: E402
from tasks.services.options import options_of, type_word  # noqa: E402
from tasks.tables.sync_table import SyncTable  # noqa: E402
from worker.cli.app import app  # noqa: E402
from worker.metrics import catalogue  # noqa: E402
from worker.telling.exit_codes import OF_RUN, CheckCode, ExitCode  # noqa: E402

DOCS = ROOT / "docs"
MADE = "It is written by `make reference`, from the code."
#: The packages whose names are for others, in the order in which they are told.
PUBLIC = (
    "tasks",
    "tasks.sides",
    "tasks.testing",
    "tasks.services.notion",
    "tasks.services.caldav",
    "tasks.database",
)
#: Where errors are defined, and when one meets them.
ERRORS = {
    "config.errors": "Settings",
    "tasks.errors": "Tasks and sides",
    "worker.errors": "Running",
    "tasks.database.exceptions": "Database nodes",
}
OURS = "lockstep-sync"
#: How the value of an option is called that has no word of its own.
VALUES: Mapping[Any, str] = {int: "N", float: "SECONDS", str: "TEXT", Path: "PATH"}
_SECTION = re.compile(r"(Args|Attributes|Parameters|Raises|Returns|Yields):$")


# -- parts ----------------------------------------------------------------------------------------------------


def table(heads: Iterable[str], rows: Iterable[Iterable[str]]) -> str:
    """A table of Markdown."""
    heads = list(heads)
    lines = [heads, ["---"] * len(heads), *([*row] for row in rows)]
    return "".join(f"| {' | '.join(_cell(one) for one in line)} |\n" for line in lines)


def _cell(text: str) -> str:
    return re.sub(r"(?<!\\)\|", r"\\|", " ".join(text.split()))


def between(text: str, name: str, made: str) -> str:
    """A page with what was made between the marks of this name.

    Raises:
        ValueError: the page lacks a mark.
    """
    begin, end = f"<!-- {name}: made by make reference -->", f"<!-- end of {name} -->"
    head, first, rest = text.partition(begin)
    _, last, tail = rest.partition(end)
    if not first or not last:
        raise ValueError(f"the page lacks {begin if not first else end}")
    return f"{head}{begin}\n\n{made}\n{end}{tail}"


def told(thing: Any) -> str:
    """A docstring as Markdown: paragraphs, and its sections as lists."""
    made: list[str] = []
    within = False
    for line in (inspect.getdoc(thing) or "").splitlines():
        words = line.strip()
        if section := _SECTION.match(words):
            within = True
            made += [f"*{section[1]}:*", ""]
        elif within and re.match(r" {4}\S", line):
            name, colon, rest = words.partition(": ")
            made.append(f"- `{name}`: {rest}" if colon and re.match(r"[\w., *]+$", name) else f"- {words}")
        elif within and line.startswith("     "):
            made[-1] += f" {words}"
        else:
            within = within and not words
            made.append(words)
    return "\n".join(made).strip()


def first(thing: Any) -> str:
    """The first paragraph of a docstring."""
    return " ".join((inspect.getdoc(thing) or "").partition("\n\n")[0].split())


def signature(thing: Callable[..., Any]) -> str:
    """How it is called, in parentheses; annotations as they are written."""
    parts: list[str] = []
    keyword = False
    for one in inspect.signature(thing).parameters.values():
        if one.name == "self":
            continue
        star = {one.VAR_POSITIONAL: "*", one.VAR_KEYWORD: "**"}.get(one.kind, "")
        if one.kind is one.KEYWORD_ONLY and not keyword:
            parts.append("*")
        keyword = keyword or one.kind in (one.KEYWORD_ONLY, one.VAR_POSITIONAL)
        kind = "" if one.annotation is one.empty else f": {_annotation(one.annotation)}"
        default = "" if one.default is one.empty else f" = {_default(one.default)}"
        parts.append(f"{star}{one.name}{kind}{default}")
    gives = inspect.signature(thing).return_annotation
    gives = "" if gives is inspect.Signature.empty or isinstance(thing, type) else f" -> {_annotation(gives)}"
    return f"({', '.join(parts)}){gives}"


def _annotation(annotation: Any) -> str:
    return annotation if isinstance(annotation, str) else getattr(annotation, "__name__", str(annotation))


def _default(value: Any) -> str:
    if isinstance(value, enum.Enum):
        return str(value)
    return "…" if re.search(r" at 0x|<factory>", repr(value)) else repr(value)


def comments(thing: type) -> Mapping[str, str]:
    """What stands in `#:` above the members of a class."""
    found = re.findall(r"((?:    #: .*\n)+)    (\w+) =", inspect.getsource(thing))
    return {name: " ".join(re.sub(r"(?m)^    #: ", "", text).split()) for text, name in found}


# -- settings, metrics ----------------------------------------------------------------------------------------


def settings_table() -> str:
    """All variables."""
    rows = [
        (f"`{variable_name(name)}`", _set(field.default), field.description or "")
        for name, field in Settings.model_fields.items()
        if name not in TABLES
    ]
    return table(("variable", "default", "meaning"), rows)


def _set(default: Any) -> str:
    match default:
        case None | ():
            return "none"
        case bool():
            return f"`{str(default).lower()}`"
        case int() | float():
            return f"{default:g}"
        case _:
            return f"`{default}`"


# -- lockstep.toml --------------------------------------------------------------------------------------------


def toml_page() -> str:
    """The tables of `lockstep.toml`."""
    parts = [
        "# The tables of lockstep.toml\n",
        f"{MADE} `lockstep schema` prints the same for editors. Keys at the top of the file are the "
        "[settings](settings.md). What they mean together is told by the pages about [tasks](tasks.md), "
        "[mapping](mapping.md), [policies](policies.md) and [nodes](nodes.md).\n",
        "## `[[sync]]`\n",
        "A task that keeps two services in step. Two of the services below stand in it, each with a table of its own; "
        "two ends of one service are a list of two tables.\n",
        *_tables("sync", SyncTable),
    ]
    for name, found in services().items():
        if not any(one.startswith(f"{OURS} ") for one in found.distributions):
            continue
        service = found.load()
        parts += [f"## `[sync.{name}]`\n", f"{service.label[:1].upper()}{service.label[1:]}.\n"]
        parts += _tables(f"sync.{name}", service.table)
    parts += [
        "## `[[node]]`\n",
        "A database node ([Database nodes](nodes.md)).\n",
        *_tables("node", NodeTable),
    ]
    return "\n".join(parts)


def _tables(name: str, model: type[BaseModel]) -> Iterator[str]:
    """The keys of a table, and of the tables in it."""
    rows = []
    for one in options_of(model):
        default = (
            "must be given" if one.required else "" if one.default is None else f"`{_plain(one.default)}`"
        )
        rows.append((f"`{one.name}`", one.type, default, one.description))
    yield table(("key", "value", "default", "meaning"), rows) if rows else "It has no keys.\n"
    for key, field in model.model_fields.items():
        for inner in _models(field.annotation):
            many = type_word(field.annotation).startswith("list")
            yield f"### `{'[[' if many else '['}{name}.{key}{']]' if many else ']'}`\n"
            yield from _tables(f"{name}.{key}", inner)


def _models(annotation: Any) -> Iterator[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
    for part in get_args(annotation):
        yield from _models(part)


def _plain(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


# -- commands -------------------------------------------------------------------------------------------------


def commands_page() -> str:
    """All commands with all of their options."""
    root = typer.main.get_command(app)
    parts = [
        "# All commands and options\n",
        f"{MADE} [The command line](cli.md) says what they are for. `-C`, `--config`, `-v` and `-q` go with each of "
        "them and are left out here; so is `--help`.\n",
    ]
    for words, command in _commands("lockstep", root):
        parts += [f"## `{words}`\n", f"{' '.join((command.help or '').split())}\n"]
        rows = [_parameter(one) for one in command.params if not _is_everywhere(one)]
        if rows:
            parts.append(table(("argument or option", "default", "meaning"), rows))
    return "\n".join(parts)


def _commands(words: str, group: Any) -> Iterator[tuple[str, Any]]:
    for name, command in sorted(group.commands.items()):
        if not hasattr(command, "commands") or getattr(command, "invoke_without_command", False):
            yield f"{words} {name}", command
        if hasattr(command, "commands"):
            yield from _commands(f"{words} {name}", command)


def _is_everywhere(parameter: Any) -> bool:
    return parameter.name == "help" or str(parameter.name).startswith("everywhere_")


def _parameter(one: Any) -> tuple[str, str, str]:
    help_text = " ".join((getattr(one, "help", None) or "").split())
    if one.param_type_name == "argument":
        name = one.metavar or str(one.name).upper()
        return f"`{name}`", "must be given" if one.required else "", help_text
    flag = bool(getattr(one, "is_flag", False))
    value = one.metavar or VALUES.get(one.type_descriptor.annotation, "VALUE")
    names = "`, `".join([*one.opts, *one.secondary_opts])
    default = "" if flag or one.default is None or callable(one.default) else f"`{_plain(one.default)}`"
    return (
        f"`{names}`" if flag else f"`{names} {value}`",
        "must be given" if one.required else default,
        help_text,
    )


# -- Python ---------------------------------------------------------------------------------------------------


def api_page() -> str:
    """The names that are for others."""
    parts = ["# Python\n", f"All names that are for your own modules. {MADE}\n"]
    seen: set[int] = set()
    for name in PUBLIC:
        module = importlib.import_module(name)
        parts += [f"## `{name}`\n", first(module) + "\n"]
        for one in sorted(module.__all__, key=str.lower):
            thing = getattr(module, one)
            if id(thing) in seen or inspect.ismodule(thing):
                continue
            seen.add(id(thing))
            parts += _named(f"{name}.{one}", thing)
    return "\n".join(parts)


def _named(name: str, thing: Any) -> Iterator[str]:
    yield f"### `{name}`\n"
    short = name.rpartition(".")[2]
    if isinstance(thing, type) and thing.__module__ != "builtins":
        yield from _class(short, thing)
    elif inspect.isroutine(thing):
        yield f"`{short}{signature(thing)}`\n"
        yield told(thing) + "\n"
    elif isinstance(thing, type) or get_origin(thing) is not None:
        yield f"Stands for `{_annotation(thing).replace('typing.', '')}`.\n"
    else:
        yield f"A value of the type `{type(thing).__name__}`.\n"


def _class(short: str, kind: type) -> Iterator[str]:
    if issubclass(kind, enum.Enum):
        yield told(kind) + "\n"
        said = comments(kind)
        yield table(
            ("member", "value", "meaning"),
            [(f"`{one.name}`", f"`{one.value}`", said.get(one.name, "")) for one in kind],
        )
        return
    if issubclass(kind, Exception):
        yield f"A `{kind.__bases__[0].__name__}`. {told(kind)}\n"
        return
    if not getattr(kind, "_is_protocol", False):
        yield f"`{short}{signature(kind)}`\n"
    yield told(kind) + "\n"
    rows = []
    for name, member in vars(kind).items():
        plain = member.__func__ if isinstance(member, classmethod | staticmethod) else member
        if name.startswith("_") or not inspect.getdoc(plain):
            continue
        if isinstance(plain, property):
            rows.append((f"`{name}`", first(plain)))
        elif inspect.isfunction(plain):
            how = signature(plain).replace("(cls, ", "(").replace("(cls)", "()")
            rows.append((f"`{name}{how}`", first(plain)))
    if rows:
        yield table(("method or attribute", "what it does"), rows)


# -- exit codes and errors ------------------------------------------------------------------------------------


def codes_page() -> str:
    """Exit codes, and errors by where they come from."""
    said, of_run = comments(ExitCode), {status: code.value for status, code in OF_RUN.items()}
    parts = [
        "# Exit codes and errors\n",
        f"{MADE}\n",
        "## Exit codes of commands\n",
        table(
            ("code", "meaning"), [(str(one.value), said.get(one.name, "All is well.")) for one in ExitCode]
        ),
        "A run ends with the code of its status:\n",
        table(("status", "code"), [(f"`{status}`", str(code)) for status, code in of_run.items()]),
        "`lockstep status --check` ends with the codes of monitoring plugins:\n",
        table(("code", "meaning"), [(str(one.value), one.name.lower()) for one in CheckCode]),
        "## Errors\n",
        "A foreseen error is told in one line without a traceback, and the line names the thing and the mend. "
        "[Troubleshooting](troubleshooting.md) goes by what the lines say.\n",
    ]
    for name, heading in ERRORS.items():
        module = importlib.import_module(name)
        kinds = [one for one in vars(module).values() if isinstance(one, type) and one.__module__ == name]
        parts += [f"### {heading}\n", f"Defined in `{name}`.\n"]
        parts.append(
            table(("error", "is a", "meaning"), [_error(one) for one in kinds if issubclass(one, Exception)])
        )
    return "\n".join(parts)


def _error(kind: type[Exception]) -> tuple[str, str, str]:
    return f"`{kind.__name__}`", ", ".join(f"`{base.__name__}`" for base in kind.__bases__), first(kind)


# -- all of it ------------------------------------------------------------------------------------------------

#: What makes each page of its old text.
PAGES: Mapping[str, Callable[[str], str]] = {
    "settings.md": lambda text: between(text, "settings", settings_table()),
    "monitoring.md": lambda text: between(text, "metrics", catalogue.page()),
    "mapping.md": with_table,
    "toml.md": lambda _: toml_page(),
    "commands.md": lambda _: commands_page(),
    "api.md": lambda _: api_page(),
    "codes.md": lambda _: codes_page(),
}


def pages() -> dict[Path, tuple[str, str]]:
    """Each page with its text as it is, and as it should be."""
    found = {}
    for name, make in PAGES.items():
        path = DOCS / name
        text = path.read_text("utf-8") if path.exists() else ""
        found[path] = text, make(text)
    return found


def main() -> int:
    """Write them, or look at them; the exit code."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--check", action="store_true", help="write nothing")
    check = parser.parse_args().check
    changed = {path: made for path, (text, made) in pages().items() if text != made}
    for path, made in changed.items():
        print(f"{path.name} is {'not what the code says' if check else 'written'}")
        if not check:
            path.write_text(made, "utf-8")
    return int(check and bool(changed))


if __name__ == "__main__":
    sys.exit(main())
