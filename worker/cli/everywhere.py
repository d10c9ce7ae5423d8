"""Options that every command has, before and after its name: which file, which directory, how much is logged."""

from __future__ import annotations

import functools
import inspect
import os
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any

import typer

#: What help lists them under.
_PANEL = "Options of every command"

Directory = Annotated[
    Path | None,
    typer.Option(
        "-C", metavar="DIR", help="Work in this directory.", show_default=False, rich_help_panel=_PANEL
    ),
]
Config = Annotated[
    Path | None,
    typer.Option(
        "--config",
        metavar="FILE",
        help="Read this file instead of lockstep.toml.",
        show_default=False,
        rich_help_panel=_PANEL,
    ),
]
Verbose = Annotated[bool, typer.Option("-v", "--verbose", help="Log every step.", rich_help_panel=_PANEL)]
Quiet = Annotated[bool, typer.Option("-q", "--quiet", help="Log errors only.", rich_help_panel=_PANEL)]

_KINDS = {"directory": Directory, "config": Config, "verbose": Verbose, "quiet": Quiet}
_EXTRA = tuple(
    inspect.Parameter(
        f"everywhere_{name}",
        inspect.Parameter.KEYWORD_ONLY,
        default=None if kind in (Directory, Config) else False,
        annotation=kind,
    )
    for name, kind in _KINDS.items()
)


def everywhere(command: Callable[..., Any]) -> Callable[..., Any]:
    """The command with these options besides its own."""

    @functools.wraps(command)
    def called(*args: Any, **kwargs: Any) -> Any:
        heed(**{name: kwargs.pop(f"everywhere_{name}") for name in _KINDS})
        return command(*args, **kwargs)

    own = inspect.signature(command, eval_str=True)
    parameters = [one.replace(kind=inspect.Parameter.KEYWORD_ONLY) for one in own.parameters.values()]
    called.__signature__ = own.replace(parameters=[*parameters, *_EXTRA])  # type: ignore[attr-defined]
    called.__annotations__ = {one.name: one.annotation for one in (*parameters, *_EXTRA)}
    return called


def heed(*, directory: Path | None, config: Path | None, verbose: bool, quiet: bool) -> None:
    """Do what the options say. They go into the environment, which the processes of `lockstep up` inherit.

    Raises:
        CommandError: the directory cannot be entered, or both more and less is to be logged.
    """
    if directory is None and config is None and not verbose and not quiet:
        return
    from config import get_settings
    from config.sources import CONFIG_VARIABLE
    from worker.telling.failures import CommandError

    if verbose and quiet:
        raise CommandError("-v and -q contradict each other: give one")
    if directory is not None:
        try:
            os.chdir(directory.expanduser())
        except OSError as error:
            raise CommandError(f"-C {directory}: {error.strerror}") from None
    if config is not None:
        os.environ[CONFIG_VARIABLE] = str(config.expanduser().absolute())
    if verbose or quiet:
        os.environ["LOCKSTEP_LOG_LEVEL"] = "DEBUG" if verbose else "ERROR"
    get_settings.cache_clear()
