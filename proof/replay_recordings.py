#!/usr/bin/env python3
"""Replay recorded Notion traffic against the local workspace, and count what agrees.

Usage: replay_recordings.py FOLDER [--verbose] [--json] [--min-agree PERCENT]

Every cassette (*.yaml, *.json, *.har) runs against a fresh sandbox. An interaction agrees when status and body are
the same, ids, times, addresses and request ids aside; `seeded` ones agree too, but only after an object that was
there before the recording began was taken from the very same answer. Files that are no cassettes are named.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections import Counter, defaultdict
from pathlib import Path

sys.path[:0] = [str(Path(__file__).resolve().parent), str(Path(__file__).resolve().parents[1])]

from recordings.cassette import SUFFIXES, CassetteError, Interaction, read_cassette  # noqa: E402 - found above
from recordings.knowledge import Knowledge  # noqa: E402
from recordings.replay import replay  # noqa: E402

_VERDICTS = ("agree", "seeded", "differ")


def main() -> int:
    """Replay a folder and print the table; the exit code."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("folder", type=Path, help="of cassettes, or one cassette")
    parser.add_argument("--verbose", action="store_true", help="show where answers differ")
    parser.add_argument("--json", action="store_true", help="print the counts as JSON")
    parser.add_argument(
        "--min-agree",
        type=float,
        metavar="PERCENT",
        help="fail when fewer of the interactions that are not seeded agree",
    )
    options = parser.parse_args()
    cassettes, unread = read_folder(options.folder)
    for name, why in unread.items():
        print(f"{name}: {why}", file=sys.stderr)
    if not cassettes:
        print(f"{options.folder}: no cassettes ({', '.join(sorted(SUFFIXES))}) there", file=sys.stderr)
        return 2
    counts: defaultdict[str, Counter[str]] = defaultdict(Counter)
    knowledge = Knowledge(cassettes)
    for name, interactions in cassettes.items():
        for number, result in enumerate(replay(name, interactions, knowledge)):
            counts[result.interaction.endpoint][result.verdict] += 1
            if options.verbose and result.differences:
                print(f"{name} #{number} {result.interaction.endpoint}")
                for line in result.differences[:8]:
                    print(f"    {line}")
    total = sum(counts.values(), Counter())
    share = percent(total)
    if options.json:
        shown = {endpoint: dict(counter) for endpoint, counter in sorted(counts.items())}
        print(
            json.dumps(
                {"endpoints": shown, "total": dict(total), "agree_percent": share, "unread": unread}, indent=2
            )
        )
    else:
        print_table(counts, total)
        if unread:
            print(f"{len(unread)} could not be read")
    return 1 if options.min_agree is not None and share < options.min_agree else 0


def read_folder(folder: Path) -> tuple[dict[str, list[Interaction]], dict[str, str]]:
    """The cassettes of a folder by name, and the files that are none, with the reason."""
    cassettes: dict[str, list[Interaction]] = {}
    unread: dict[str, str] = {}
    for path in [folder] if folder.is_file() else sorted(folder.rglob("*")):
        if path.suffix in SUFFIXES and path.is_file():
            name = path.name if path == folder else str(path.relative_to(folder))
            try:
                cassettes[name], broken = read_cassette(path)
                unread |= {f"{name} {line.partition(':')[0]}": line.partition(": ")[2] for line in broken}
            except CassetteError as error:
                unread[name] = str(error)
    return cassettes, unread


def percent(counter: Counter[str]) -> float:
    """The share that agrees of what was not seeded."""
    judged = counter["agree"] + counter["differ"]
    return round(100 * counter["agree"] / judged, 1) if judged else 100.0


def print_table(counts: dict[str, Counter[str]], total: Counter[str]) -> None:
    """One line per endpoint, and the total."""
    width = max(len(endpoint) for endpoint in [*counts, "total"])
    print(f"{'endpoint':<{width}}  {'all':>5} {'agree':>6} {'seeded':>6} {'differ':>6} {'agree %':>8}")
    for endpoint, counter in [*sorted(counts.items()), ("total", total)]:
        numbers = " ".join(f"{counter[verdict]:>6}" for verdict in _VERDICTS)
        print(f"{endpoint:<{width}}  {sum(counter.values()):>5} {numbers} {percent(counter):>8}")


if __name__ == "__main__":
    raise SystemExit(main())
