"""Damaged files, kills, full disks: does the program hold? Prints what docs/reliability.md says.

    python -m tests.campaign files [COUNT] [--seed S] [--minutes M] [--keep DIR] [--write FILE]
    python -m tests.campaign kills [COUNT] [--seed S] [--minutes M] [--write FILE]
    python -m tests.campaign states [--write FILE]

Needs Linux. A file that was handled wrongly is kept in DIR with what was wrong; it belongs into
``tests/campaign/regressions``, where every test run tries it. ``--write`` replaces what an earlier run
wrote into the document.
"""

from __future__ import annotations

import argparse
import platform
import subprocess
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))  # as pytest has it

import av

from campaign import files, kills, states
from campaign.children import CPU_S


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
    given = parser.parse_args()
    text, n_faults = PARTS[given.part](given)
    text += f"\n\nCommit {_commit()}, PyAV {av.__version__}, {platform.system()} {platform.machine()}."
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
    killed = kills.run(given.count, given.seed, given.minutes)
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


def _commit() -> str:
    done = subprocess.run(
        ["git", "rev-parse", "--short", "HEAD"], cwd=Path(__file__).parent, capture_output=True, text=True
    )
    return done.stdout.strip() or "unknown"


PARTS = {"files": try_files, "kills": kill, "states": bear}


if __name__ == "__main__":
    sys.exit(main())
