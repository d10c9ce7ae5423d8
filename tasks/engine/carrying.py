"""The bytes of files on their way: read from one side, and there on this machine as long as they are written."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from tasks.engine.adapter import Adapter
from tasks.errors import ItemError, PreconditionError, UnfitError
from tasks.merge import Create, Update
from tasks.sides import ID
from tasks.values.file import DIGEST, File, holds_files, sorted_files


@dataclass(frozen=True, slots=True)
class Carried:
    """Files that came with their bytes, by what the merge knew of them."""

    files: Mapping[File, File] = field(default_factory=dict)

    def into(self, values: Mapping[str, Any]) -> dict[str, Any]:
        """Values with these files: what was known by its service's word only is known by its digest now."""
        return {name: self._known(value) for name, value in values.items()}

    def _known(self, value: Any) -> Any:
        if not self.files or not holds_files(value):
            return value
        return sorted_files(self.files.get(file, file) for file in value)

    def source(self, values: Mapping[str, Any]) -> dict[str, Any]:
        """What the side shows that has them: at their place there, and without a path."""
        return {
            name: sorted_files(
                replace(file, content=self.files[file].content, size=self.files[file].size)
                if file in self.files
                else file
                for file in value
            )
            if holds_files(value)
            else value
            for name, value in values.items()
        }

    def create(self, action: Create) -> Create:
        """A create of what came."""
        source = self.source(action.source or action.values)
        return replace(action, values=self.into(action.values), source=source)

    def update(self, action: Update) -> Update:
        """An update to what came."""
        changes = {
            name: replace(change, new=self._known(change.new)) for name, change in action.changes.items()
        }
        return replace(action, changes=changes, source=self.source(action.source))


@asynccontextmanager
async def carried(
    source: Adapter, source_id: ID, target: Adapter, obj: Any, values: Mapping[str, Any]
) -> AsyncIterator[Carried]:
    """The files among values that the target lacks, with their bytes, until they are written.

    Args:
        source: the side that shows them.
        source_id: its object.
        target: the side that is to be written.
        obj: its object; `None` for one that is to be made.
        values: what is to be written, by the merge's names.

    Raises:
        UnfitError: some files cannot be read, or not be taken; nothing is written.
        PreconditionError: one changed while it was read.
    """
    wanted = {name: value for name, value in values.items() if holds_files(value)}
    if not wanted:
        yield Carried()
        return
    with TemporaryDirectory(prefix="lockstep-files-") as folder:
        found: dict[File, File] = {}
        unfit: dict[str, str] = {}
        for name, value in wanted.items():
            try:
                native = target.mapping.name_at(target.end, name)
                for file in await target.call(target.side.lacks_files, obj, native, list(value)):
                    if file not in found:
                        found[file] = await _read(source, source_id, file, Path(folder) / str(len(found)))
            except PreconditionError:
                raise
            except ItemError as error:
                unfit[name] = str(error)
        if unfit:
            raise UnfitError("; ".join(dict.fromkeys(unfit.values())), unfit)
        yield Carried(found)


async def _read(source: Adapter, source_id: ID, file: File, path: Path) -> File:
    await asyncio.to_thread(path.touch)
    await source.call(source.side.read_file, source_id, file, path)
    digest, size = await asyncio.to_thread(_measured, path)
    if file.is_known and file.content != digest:
        raise PreconditionError(f"{file.name} was edited in {source.label} meanwhile; the next run sees how")
    return replace(file, content=digest, size=size, place="", path=path)


def _measured(path: Path) -> tuple[str, int]:
    with path.open("rb") as data:
        return DIGEST + hashlib.file_digest(data, "sha256").hexdigest(), path.stat().st_size
