"""What `Procfile` and `deploy/` start: the same commands everywhere, in one form that can be compared."""

from __future__ import annotations

import configparser
import re
import shlex
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).parents[2]
DEPLOY = ROOT / "deploy"
UNITS = sorted((DEPLOY / "systemd").glob("*.service"))


def procfile() -> dict[str, str]:
    """The lines of the Procfile by process, as a shell runs them."""
    lines = (ROOT / "Procfile").read_text(encoding="utf-8").splitlines()
    return {name: command for name, _, command in (line.partition(": ") for line in lines)}


def plain(line: str) -> list[str]:
    """A line of the Procfile as words: without variables before it, and with the ports that it has by default."""
    line = re.sub(r"^(?:[A-Z_]+=\S+ )*exec ", "", line)
    return shlex.split(re.sub(r"\$\{PORT:-(\d+)\}", r"\1", line))


def compose() -> dict[str, Any]:
    """The file of Docker Compose."""
    read: dict[str, Any] = yaml.safe_load((DEPLOY / "compose.yaml").read_text(encoding="utf-8"))
    return read


def unit(path: Path) -> dict[str, dict[str, list[str]]]:
    """A unit of systemd: the values of each key, which may stand there several times."""
    found: dict[str, dict[str, list[str]]] = {}
    section: dict[str, list[str]] = {}
    for line in path.read_text(encoding="utf-8").splitlines():
        if line.startswith("["):
            section = found.setdefault(line.strip("[]"), {})
        elif line and not line.startswith("#"):
            key, equals, value = line.partition("=")
            if not equals:
                raise configparser.ParsingError(f"{path.name}: {line}")
            section.setdefault(key, []).append(value)
    return found


def process_of(path: Path) -> str:
    """The process of the Procfile that a unit is for."""
    return path.stem.removeprefix("lockstep-").removesuffix("@")
