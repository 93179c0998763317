"""Damaged files, kills, full disks: does the program hold? Prints what docs/reliability.md says.

    python -m tests.campaign files [COUNT] [--seed S] [--minutes M] [--keep DIR] [--write FILE]
    python -m tests.campaign kills [COUNT] [--seed S] [--minutes M] [--only VERB]... [--write FILE]
    python -m tests.campaign page [--seed S] [--minutes M] [--write FILE]
    python -m tests.campaign long [--minutes M] [--write FILE]
    python -m tests.campaign states [--write FILE]

Needs Linux. ``--minutes`` bounds a run; of ``long`` it is the length of the video, else three hours. A
file that was handled wrongly is kept in DIR with what was wrong; it belongs into
``tests/campaign/regressions``, where every test run tries it. ``--write`` replaces what an earlier run
wrote into the document.
"""

from __future__ import annotations

import argparse
import os
import platform
import subprocess
import sys
import tempfile
from datetime import date
from pathlib import Path
from statistics import median

sys.path.insert(0, str(Path(__file__).parents[1]))  # as pytest has it

import av
import numpy as np

from campaign import files, kills, long, page, states
from campaign.children import CPU_S

PAGE_MINUTES, LONG_MINUTES = 1.0, 180.0


def main() -> int:
    """Run one part of the campaign; 1 where something did not hold."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("part", choices=PARTS)
    parser.add_argument("count", nargs="?", type=int, default=10_000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--minutes", type=float, default=float("inf"))
    parser.add_argument("--keep", type=Path)
    parser.add_argument("--write", type=Path, metavar="FILE")
    parser.add_argument(
        "--only", choices=kills.VERBS, action="append", help="kill only this; may be repeated"
    )
    given = parser.parse_args()
    text, n_faults = PARTS[given.part](given)
    machine = f"{platform.system()} {platform.machine()}, {os.cpu_count()} cores"
    text += f"\n\nCommit {_commit()}, {date.today()}, PyAV {av.__version__}, {machine}."
    print(text)
    if given.write is not None:
        mark = f"<!-- {given.part} -->"
        before, _, after = given.write.read_text().split(mark)
        given.write.write_text(f"{before}{mark}\n{text}\n{mark}{after}")
    return 1 if n_faults else 0


def try_files(given: argparse.Namespace) -> tuple[str, int]:
    """Mutants through the verbs."""
    tally = files.run(range(given.count), given.seed, given.keep, given.minutes)
    for name, wrong in tally.faults.items():
        print(name, *wrong, sep="\n  ")
    verbs = sorted({run.split()[0] for run in tally.runs})
    rows = [
        f"| {verb} | {sum(n for run, n in tally.runs.items() if run.startswith(verb))} "
        f"| {tally.runs[f'{verb} 0']} | {tally.runs[f'{verb} 2']} |"
        for verb in verbs
    ]
    kinds = ", ".join(f"{n} {kind[1:]}" for kind, n in sorted(tally.files.items()))
    text = "\n".join(
        [
            f"{sum(tally.files.values())} damaged files, seed {given.seed} ({kinds}):",
            "",
            "| verb | runs | done | refused in one line |",
            "|---|---:|---:|---:|",
            *rows,
            "",
            f"**{len(tally.faults)} handled wrongly** (crash, hang of {CPU_S} s of processor time, "
            "traceback, wrong exit code, partial or wrong output, more than 2 GB). "
            f"Highest memory: {tally.peak_bytes / 1e9:.2f} GB.",
        ]
    )
    return text, len(tally.faults)


def kill(given: argparse.Namespace) -> tuple[str, int]:
    """kill -9 at random moments."""
    killed = kills.run(given.count, given.seed, given.minutes, given.only or kills.VERBS)
    rows = [f"| {verb} | {one.kills} | {one.finished} | {one.faults} |" for verb, one in killed.items()]
    head = [
        "| verb | `kill -9` | runs that ended before | lost, half written or other |",
        "|---|---:|---:|---:|",
    ]
    return "\n".join([*head, *rows]), sum(one.faults for one in killed.values())


def bear(given: argparse.Namespace) -> tuple[str, int]:
    """States of disks, clocks and neighbours."""
    borne = states.run()
    return "\n".join(
        f"- {name}: {'held' if held else '**did not hold**'}" for name, held in borne.items()
    ), (len(borne) - sum(borne.values()))


def ask(given: argparse.Namespace) -> tuple[str, int]:
    """Many clients at once, and a worker that is killed meanwhile."""
    asked = page.run(60 * min(given.minutes, PAGE_MINUTES), given.seed)
    for fault in asked.faults:
        print(fault)
    rows = [
        f"| {kind} | {len(took_s)} | {1000 * median(took_s):.0f} ms | {1000 * max(took_s):.0f} ms "
        f"| {sum(one > page.PATIENCE_S for one in took_s)} |"
        for kind, took_s in asked.took_s.items()
    ]
    head = [
        f"{page.CLIENTS} clients for {asked.lasted_s:.0f} s, seed {given.seed}:",
        "",
        f"| requests | answered | median | slowest | slower than {page.PATIENCE_S:.0f} s |",
        "|---|---:|---:|---:|---:|",
    ]
    tail = ["", f"The worker was killed meanwhile. **{len(asked.faults)} wrong or lost**."]
    return "\n".join([*head, *rows, *tail]), len(asked.faults)


def last(given: argparse.Namespace) -> tuple[str, int]:
    """A video of hours."""
    with tempfile.TemporaryDirectory(prefix="long-") as folder:
        lasted = long.run(min(given.minutes, LONG_MINUTES), Path(folder))
    for fault in lasted.faults:
        print(fault)
    rows = [
        f"| {verb} | {one.took_s / 60:.1f} min | {one.settled_bytes / 1e6:.0f} MB "
        f"| {one.late_bytes / 1e6:.0f} MB | {one.peak_bytes / 1e6:.0f} MB |"
        for verb, one in lasted.verbs.items()
    ]
    off_ms = 1000 * np.array(lasted.off_s or [np.nan])
    lines = [
        f"A video of {lasted.duration_s / 60:.0f} minutes, {long.WIDTH_PX}x{long.HEIGHT_PX} at {long.RATE} "
        "frames a second:",
        "",
        "| verb | took | memory, first half | memory, second half | peak of a process |",
        "|---|---:|---:|---:|---:|",
        *rows,
        "",
        f"The output is {lasted.off_frames:+.2f} frames longer than a quarter. Its last "
        f"{len(lasted.off_s)} clicks come {off_ms.min():+.0f} to {off_ms.max():+.0f} ms after their marks, "
        f"{off_ms.mean():+.1f} ms on average. **{len(lasted.faults)} wrong**.",
    ]
    return "\n".join(lines), len(lasted.faults)


def _commit() -> str:
    done = subprocess.run(
        ["git", "rev-parse", "--short", "HEAD"], cwd=Path(__file__).parent, capture_output=True, text=True
    )
    return done.stdout.strip() or "unknown"


PARTS = {"files": try_files, "kills": kill, "states": bear, "page": ask, "long": last}


if __name__ == "__main__":
    sys.exit(main())
