"""Packages of npm for tests: installed once, as a lock file pins them, into the virtual environment."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
from pathlib import Path

import filelock
import pytest

#: Where `node` and `npm` lie: they come with the test requirements.
TOOLS = Path(sys.executable).parent


def installed(project: Path) -> Path:
    """The folder with the packages that a `package-lock.json` names; fails the test where npm cannot fetch them."""
    name = project.name
    lock = (project / "package-lock.json").read_bytes()
    folder = Path(sys.prefix) / "npm" / f"{name}-{hashlib.sha256(lock).hexdigest()[:12]}"
    folder.mkdir(parents=True, exist_ok=True)
    with filelock.FileLock(folder / "install.lock"):
        if not (folder / "installed").exists():
            for part in ("package.json", "package-lock.json"):
                (folder / part).write_bytes((project / part).read_bytes())
            done = run_tool("npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund", cwd=folder)
            if done.returncode:
                pytest.fail(
                    f"npm cannot install what {name} needs; give it its registry by ~/.npmrc or a network:\n"
                    f"{done.stderr[-2000:]}",
                    pytrace=False,
                )
            (folder / "installed").touch()
    return folder


def run_tool(
    tool: str, *arguments: str | Path, cwd: Path | None = None, timeout: float = 150, **variables: str
) -> subprocess.CompletedProcess[str]:
    """Run `node` or `npm` to its end, with these environment variables besides the present ones."""
    path = f"{TOOLS}{os.pathsep}{os.environ.get('PATH', '')}"
    # Certificates are this machine's, as with pip; Node.js brings its own otherwise.
    options = f"{os.environ.get('NODE_OPTIONS', '')} --use-system-ca".strip()
    return subprocess.run(
        [TOOLS / tool, *arguments],
        cwd=cwd,
        env={**os.environ, "PATH": path, "NODE_OPTIONS": options, **variables},
        capture_output=True,
        text=True,
        timeout=timeout,
        check=False,
    )
