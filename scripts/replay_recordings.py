#!/usr/bin/env python3
"""Replay recorded Notion traffic against the local workspace, and count what agrees.

Usage: replay_recordings.py FOLDER [--verbose] [--json] [--min-agree PERCENT]

Every cassette (*.yaml) runs against a fresh sandbox. An interaction agrees when status and body are the same,
ids, times, addresses and request ids aside; `seeded` ones agree too, but only after an object that was there
before the recording began was taken from the very same answer.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections import Counter, defaultdict
from pathlib import Path

sys.path[:0] = [str(Path(__file__).resolve().parent), str(Path(__file__).resolve().parents[1])]

from recordings.cassette import read_cassette  # noqa: E402 - its folder is found above
from recordings.replay import replay  # noqa: E402

_VERDICTS = ("agree", "seeded", "differ")


def main() -> int:
    """Replay a folder and print the table; the exit code."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--verbose", action="store_true", help="show where answers differ")
    parser.add_argument("--json", action="store_true", help="print the counts as JSON")
    parser.add_argument(
        "--min-agree",
        type=float,
        metavar="PERCENT",
        help="fail when fewer of the interactions that are not seeded agree",
    )
    options = parser.parse_args()
    cassettes = sorted(options.folder.rglob("*.yaml"))
    if not cassettes:
        print(f"{options.folder}: no cassettes (*.yaml) there", file=sys.stderr)
        return 2
    counts: defaultdict[str, Counter[str]] = defaultdict(Counter)
    for path in cassettes:
        for number, result in enumerate(replay(list(read_cassette(path)))):
            counts[result.interaction.endpoint][result.verdict] += 1
            if options.verbose and result.differences:
                print(f"{path.relative_to(options.folder)} #{number} {result.interaction.endpoint}")
                for line in result.differences[:8]:
                    print(f"    {line}")
    total = sum(counts.values(), Counter())
    share = percent(total)
    if options.json:
        shown = {endpoint: dict(counter) for endpoint, counter in sorted(counts.items())}
        print(json.dumps({"endpoints": shown, "total": dict(total), "agree_percent": share}, indent=2))
    else:
        print_table(counts, total)
    return 1 if options.min_agree is not None and share < options.min_agree else 0


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
