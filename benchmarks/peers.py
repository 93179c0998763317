"""What people use today, side by side: auto-editor, PySceneDetect, plain FFmpeg, and speediness.

    pip install "speediness[peers]"           # and ffmpeg from the distribution
    python benchmarks/peers.py [--seconds 60] [-o DIR] [--redraw]

One marked video (``benchmarks/marked.py``) is sped up by each program, to half its length where a length
can be asked for, all in one run, each in a process of its own. Time and memory are of that process and of
those it starts (Linux and macOS). What comes out is read by :func:`marked.read_marks`, which knows none of
the programs:

- *length error*: how far the end of the last frame is from the length that was asked for;
- *sync error*: how far a beep is from the frames it belongs to, the worst of all beeps. Beeps that were
  found are counted.

PySceneDetect writes no video that is played faster: it finds cuts, and so does ``speediness analyse``.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
from argparse import Namespace
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.figure import Figure

from marked import BEEP_EVERY_S, read_marks, write_marked
from report import Results, arguments, markdown, report

RATE = 2.0
Command = list[str]


@dataclass(frozen=True)
class Peer:
    """A way to speed a video up."""

    command: Callable[[str, Path, Path], Command]
    """From the program, the video and the video to write to what is run."""
    program: str
    """What must be on the path, or in the folder of this Python."""
    target: bool
    """Whether a length can be asked for."""
    can: str
    cannot: str


def ours(_: str, video: Path, out: Path) -> Command:
    """The plan of the shipped network; nothing is remembered of an earlier round."""
    words = ["speedup", str(video), "--rate", str(RATE), "-o", str(out), "--force"]
    return [sys.executable, "-m", "speediness.cli.main", *words]


def filters(program: str, video: Path, out: Path) -> Command:
    """``setpts`` and ``atempo`` with the coding that ours uses."""
    coding = ["-c:v", "libx264", "-preset", "superfast", "-crf", "19", "-c:a", "aac"]
    both = ["-vf", f"setpts=PTS/{RATE}", "-af", f"atempo={RATE}", "-r", "25"]
    return [program, "-v", "error", "-y", "-i", str(video), *both, *coding, str(out)]


def by_step(program: str, video: Path, out: Path) -> Command:
    """What is loud at its speed, the rest four times as fast: what auto-editor is for."""
    words = ["--edit", "audio:threshold=0.04", "--silent-speed", "4", "--video-speed", "1", "--no-open"]
    return [program, str(video), *words, "-o", str(out)]


def by_rate(program: str, video: Path, out: Path) -> Command:
    """All of it twice as fast."""
    words = ["--edit", "none", "--video-speed", str(RATE), "--silent-speed", str(RATE), "--no-open"]
    return [program, str(video), *words, "-o", str(out)]


PEERS = {
    "speediness": Peer(
        ours,
        sys.executable,
        True,
        "smooth ramps from what looks natural, exact length, all tracks, subtitles",
        "cut anything out",
    ),
    "ffmpeg, setpts and atempo": Peer(
        filters, "ffmpeg", True, "one speed, every format", "look at what is played"
    ),
    "auto-editor, one speed": Peer(
        by_rate, "auto-editor", True, "one speed, cuts, timelines for editors", "follow what is played"
    ),
    "auto-editor, by loudness": Peer(
        by_step, "auto-editor", False, "two speeds by motion or loudness", "be asked for a length; ramps"
    ),
}
CUTS = "PySceneDetect"
WATCH = """
import json, resource, subprocess, sys, time
start_s = time.perf_counter()
code = subprocess.run(sys.argv[1:], stdout=subprocess.DEVNULL).returncode
used = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss
print(json.dumps([time.perf_counter() - start_s, used]))
sys.exit(code)
"""
"""Run by a small process: a new one is as large as the one it was forked from, and that is what counts."""


def main() -> None:
    """Measure and print."""
    parser = arguments(__doc__)
    parser.add_argument("--seconds", type=float, default=60, help="length of the video")
    parser.add_argument("--rounds", type=int, default=1, help="medians are taken")
    given = parser.parse_args()
    report("peers", given, partial(measure, given), tables, draw)


def measure(given: Namespace) -> Results:
    """Every peer that is installed, in alternating rounds."""
    rows: dict[str, Any] = {}
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        video = folder / "marked.mp4"
        write_marked(video, given.seconds)
        read_marks(video)  # also brings the file into memory
        runs: dict[str, list[tuple[float, float]]] = {}
        for _ in range(given.rounds):
            for title, peer in PEERS.items():
                out, program = folder / f"{title}.mp4", find(peer.program)
                if program is None:
                    rows[title] = {"missing": f"{peer.program} is not installed"}
                    continue
                try:
                    run = watched(peer.command(program, video, out))
                    runs.setdefault(title, []).append(run)
                    rows[title] = quality(out, given.seconds / RATE if peer.target else None)
                except (subprocess.CalledProcessError, OSError) as error:
                    rows[title] = {"missing": reason(error)}
            if program := find("scenedetect"):
                runs.setdefault(CUTS, []).append(watched(cuts(program, video, folder)))
                rows[CUTS] = {}
            else:
                rows[CUTS] = {"missing": "scenedetect is not installed"}
            analysis = ["analyse", str(video), "-o", str(folder), "--force"]
            command = [sys.executable, "-m", "speediness.cli.main", *analysis]
            runs.setdefault("speediness analyse", []).append(watched(command))
            rows["speediness analyse"] = {}
        for title, taken in runs.items():
            wall_s, peak_mb = np.median(taken, 0)
            rows[title] |= {"wall_s": float(wall_s), "peak_mb": float(peak_mb)}
    return {"seconds": given.seconds, "rounds": given.rounds, "versions": versions(), "rows": rows}


def find(program: str) -> str | None:
    """Where a program is: beside this Python or on the path."""
    return shutil.which(
        program, path=os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
    )


def versions() -> dict[str, str]:
    """What the programs that are installed say of themselves, in a line."""
    said: dict[str, str] = {}
    for name, word in (("ffmpeg", "-version"), ("auto-editor", "--version"), ("scenedetect", "version")):
        if program := find(name):
            run = subprocess.run([program, word], capture_output=True, text=True, check=False)
            said[name] = next((line for line in run.stdout.splitlines() if line), "")[:60]
    return said


def cuts(program: str, video: Path, folder: Path) -> Command:
    """Cuts by content, as a list."""
    return [program, "-i", str(video), "-o", str(folder), "detect-content", "list-scenes"]


def watched(command: Command) -> tuple[float, float]:
    """Run a command: its wall time in seconds and its peak memory in MB.

    Raises:
        CalledProcessError: it failed.
    """
    with tempfile.TemporaryDirectory() as cache:
        run = subprocess.run(
            [sys.executable, "-c", WATCH, *command],
            capture_output=True,
            text=True,
            check=False,
            env=os.environ | {"SPEEDINESS_CACHE": cache},
        )
    if run.returncode:
        raise subprocess.CalledProcessError(run.returncode, command[:1], stderr=run.stderr)
    wall_s, peak = json.loads(run.stdout.splitlines()[-1])
    return wall_s, peak / (1e6 if sys.platform == "darwin" else 1e3)


def reason(error: subprocess.CalledProcessError | OSError) -> str:
    """What went wrong, in a line."""
    said = getattr(error, "stderr", None) or str(error)
    return (said.strip().splitlines() or ["it failed"])[-1][:160]


def quality(video: Path, wanted_s: float | None) -> dict[str, Any]:
    """Length and sync of a video made from the marked one."""
    marks = read_marks(video)
    errors_s = np.abs(marks.sync_errors_s())
    middles_s = BEEP_EVERY_S * (np.arange(marks.source_s[-1] / BEEP_EVERY_S + 1) + 0.5)
    played = float(marks.source_s[-1] - marks.source_s[0])
    return {
        "length_error_ms": None if wanted_s is None else 1000 * abs(marks.duration_s - wanted_s),
        "sync_error_ms": float(1000 * errors_s.max()) if len(errors_s) else None,
        "beeps": len(marks.beeps),
        "beeps_made": int(np.sum((marks.source_s[0] <= middles_s) & (middles_s <= marks.source_s[-1]))),
        "rate": played / marks.duration_s,
    }


def tables(results: Results) -> str:
    """Markdown."""
    head = ("way", "wall s", "peak MB", "length error ms", "worst sync error ms", "beeps", "rate")
    rows: list[list[str]] = []
    for title, row in results["rows"].items():
        if "missing" in row:
            rows.append([title, row["missing"], *("" for _ in head[2:])])
            continue
        cells = [f"{row['wall_s']:.1f}", f"{row['peak_mb']:.0f}"]
        if "rate" in row:
            cells += [shown(row["length_error_ms"]), shown(row["sync_error_ms"])]
            cells += [f"{row['beeps']} of {row['beeps_made']}", f"{row['rate']:.2f}"]
        rows.append([title, *cells, *("" for _ in head[1 + len(cells) :])])
    abilities = [[title, peer.can, peer.cannot] for title, peer in PEERS.items()]
    abilities.append([CUTS, "find cuts, split videos at them", "play anything faster"])
    known = "; ".join(f"{name}: {said}" for name, said in results["versions"].items())
    return f"{known}\n\n{markdown(head, rows)}\n{markdown(('way', 'can', 'cannot'), abilities)}"


def shown(error_ms: float | None) -> str:
    """A cell."""
    return "cannot be asked" if error_ms is None else f"{error_ms:.0f}"


def draw(figure: Figure, results: Results) -> None:
    """Bars of length and sync error."""
    rows = {title: row for title, row in results["rows"].items() if row.get("sync_error_ms") is not None}
    figure.set_size_inches(8, 0.8 + 0.6 * len(rows))
    axes = figure.subplots()
    places = np.arange(len(rows))
    for k, (key, label) in enumerate((("length_error_ms", "length"), ("sync_error_ms", "sync, the worst"))):
        values = [row[key] or 0.0 for row in rows.values()]
        bars = axes.barh(places + 0.2 - 0.4 * k, values, 0.38, label=label)
        axes.bar_label(bars, [shown(row[key]) for row in rows.values()], padding=3)
    axes.set_yticks(places, list(rows))
    axes.invert_yaxis()
    axes.margins(x=0.2)
    axes.set_xlabel("error (ms)")
    axes.legend(frameon=False)
    axes.spines[["top", "right"]].set_visible(False)


if __name__ == "__main__":
    main()
