"""What a side promises of files and their bytes."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory

from tasks.sides import File, Kind
from tasks.testing.sides.rules import Rule
from tasks.testing.sides.trial import Seen, Trial

#: What is written, by name: plain texts, which every service takes.
_WRITTEN = {"one.txt": b"the first file\n", "two.txt": bytes(range(32, 127)) * 40}


async def files(trial: Trial) -> None:
    """A file that is written with its bytes is shown by them, gives them, and is not asked for again."""
    attributes = trial.samples.attributes
    names = [
        name for name in trial.samples.tried if name in attributes and attributes[name].kind is Kind.FILE
    ]
    if not names:
        trial.need_not("no attribute holds files", Rule.FILES, Rule.FILES_ONCE)
        return
    with TemporaryDirectory() as folder:
        seen = await trial.make(0)
        for name in names:
            for number, (called, rest) in enumerate(_WRITTEN.items()):
                data = trial.new_key().encode() + rest  # other bytes than an earlier check has left there
                seen = await _write(trial, seen, name, _file(Path(folder) / str(number), called, data), data)
            seen = await trial.change(seen, {name: ()})


def _file(path: Path, name: str, data: bytes) -> File:
    path.write_bytes(data)
    return File(name, f"sha256:{hashlib.sha256(data).hexdigest()}", len(data), path=path)


async def _write(trial: Trial, seen: Seen, name: str, file: File, data: bytes) -> Seen:
    del trial.told[1:]
    wanted = [replace(file, path=None)]
    trial.tell("update", f"{name}=({file.name},)")
    lacking = await trial.ask("lacks_files", seen.obj, name, wanted)
    trial.must(
        Rule.FILES,
        list(lacking) == wanted,
        f"{trial.name('lacks_files')} of {file.name}, which it has not, gives {lacking}; it must name what has to come "
        "with its bytes",
    )
    await trial.update(seen.obj, {name: (file,)})
    now = await trial.must_find(Rule.UPDATE_KEEPS, seen.id, f"{seen.id} is not listed any more")
    shown = now.values[name]
    trial.must(
        Rule.FILES,
        shown == (file,),
        f"{trial.name('update')} was given {file.name} with its bytes, and the object shows {shown!r}; show what was "
        "written by its digest",
    )
    lacking = await trial.ask("lacks_files", now.obj, name, list(shown))
    trial.must(
        Rule.FILES_ONCE,
        not list(lacking),
        f"{trial.name('lacks_files')} asks for {lacking}, which the object shows; what is there is not carried again",
    )
    path = file.path.with_suffix(".back") if file.path is not None else Path()
    path.touch()
    await trial.ask("read_file", seen.id, shown[0], path)
    trial.must(
        Rule.FILES,
        path.read_bytes() == data,
        f"{trial.name('read_file')} of {file.name} gives other bytes than were written",
    )
    return now
