"""Distributions that announce services, without installing anything."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from tasks.sides import GROUP


def announce(folder: Path, distribution: str, services: Mapping[str, str], version: str = "1.0") -> None:
    """Put a distribution into a folder, which counts as installed once the folder is on the path.

    Args:
        folder: where its metadata go.
        distribution: its name.
        services: by name, where each is: `module:ATTRIBUTE`.
        version: its version.
    """
    metadata = folder / f"{distribution.replace('-', '_')}-{version}.dist-info"
    metadata.mkdir(parents=True)
    (metadata / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {distribution}\nVersion: {version}\n")
    lines = [f"[{GROUP}]", *(f"{name} = {where}" for name, where in services.items())]
    (metadata / "entry_points.txt").write_text("\n".join(lines) + "\n")
