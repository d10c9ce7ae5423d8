"""Figures of a test run, for whoever wants to quote them: one line of JSON each in `LOCKSTEP_FIGURES`."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any


def report(kind: str, **figures: Any) -> None:
    """Print figures, and add them to the file that the environment names."""
    line = json.dumps({"kind": kind, **figures})
    print(line)
    if "LOCKSTEP_FIGURES" in os.environ:
        with Path(os.environ["LOCKSTEP_FIGURES"]).open("a") as file:
            file.write(line + "\n")
