"""How fast are heat maps? Finding and drawing them against analysis of the same film, in one run.

    python benchmarks/heatmap_speed.py [FILM...] [-o DIR]

Without FILM: a minute of the bundled clip at 1920x1080, 25 frames a second; other films are made by
benchmarks/films.py. "heatmap" is what the command does: find the maps, then read the film again, paint
it and encode it. Rounds alternate between the ways, so that what else the machine does hits all alike;
the tables give medians. CPU time is that of all threads and hardly minds a busy machine, wall time does.
"""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any, get_args

import numpy as np
from matplotlib.figure import Figure

from films import make_film
from report import Results, arguments, markdown, report
from speediness.analysis.curve import analyse
from speediness.heatmap.maps import find_maps
from speediness.heatmap.render import render_heatmap
from speediness.heatmap.squares import Kind
from speediness.video.reader import VideoReader

ROUNDS = 3
SIZE_PX, SECONDS = (1920, 1080), 60
ANALYSE = "analyse"
BAR = 1 / 3  # share of the speed of analysis that heat maps are to reach at least


def main() -> None:
    """Measure, print, draw."""
    parser = arguments(__doc__)
    parser.add_argument("films", nargs="*", type=Path, metavar="FILM")
    given = parser.parse_args()
    report("heatmap_speed", given, partial(measure, given.films), tables, draw)


def measure(films: list[Path]) -> Results:
    """Wall and CPU seconds that each way takes for each film, by round."""
    with tempfile.TemporaryDirectory() as folder:
        if not films:
            films = [Path(folder) / "film.mp4"]
            make_film(films[0], SECONDS, SIZE_PX)
        return {"films": [measured(film, Path(folder, "out.mp4")) for film in films]}


def measured(film: Path, out: Path) -> Results:
    """Rounds of all ways over one film."""
    reader = VideoReader(film)
    n_frames = sum(1 for _ in reader.decoded())  # also brings the file into memory
    taken_s: dict[str, list[list[float]]] = {}

    def timed(name: str, way: Callable[[], Any]) -> tuple[Any, list[float]]:
        wall_s, cpu_s = time.perf_counter(), time.process_time()
        made = way()
        seconds = [time.perf_counter() - wall_s, time.process_time() - cpu_s]
        taken_s.setdefault(name, []).append(seconds)
        return made, seconds

    for _ in range(ROUNDS):
        timed(ANALYSE, partial(analyse, film))
        for kind in get_args(Kind):
            maps, found = timed(f"{kind}: find", partial(find_maps, film, kind))
            _, drawn = timed(f"{kind}: draw", partial(render_heatmap, film, maps, out, force=True))
            taken_s.setdefault(f"{kind}: heatmap", []).append(np.add(found, drawn).tolist())
    return {
        "film": film.name,
        "size_px": [reader.info.width_px, reader.info.height_px],
        "frames": n_frames,
        "seconds": float(reader.end_s),
        "bit_rate": film.stat().st_size * 8 / float(reader.end_s),
        "heat_bit_rate": out.stat().st_size * 8 / float(reader.end_s),
        "taken_s": taken_s,
    }


def shares(film: Results) -> dict[str, list[float]]:
    """Of each way, its speed as a share of that of analysis: by wall, by CPU."""
    medians = {name: np.median(taken, 0) for name, taken in film["taken_s"].items()}
    return {name: (medians[ANALYSE] / taken).tolist() for name, taken in medians.items()}


def tables(results: Results) -> str:
    """One for each film."""
    parts = []
    for film in results["films"]:
        rows = []
        for name, (of_wall, of_cpu) in shares(film).items():
            wall_s, cpu_s = np.median(film["taken_s"][name], 0)
            numbers = (f"{film['seconds'] / wall_s:.3g}", f"{of_wall:.2f}", f"{cpu_s:.1f}", f"{of_cpu:.2f}")
            rows.append([name, f"{wall_s:.1f}", *numbers])
        columns = ["way", "wall s", "x real time", "of the speed of analysis", "CPU s", "the same by CPU"]
        width_px, height_px = film["size_px"]
        parts.append(
            f"{width_px}x{height_px}, {film['frames']} frames, {film['seconds']:.0f} s, "
            f"{film['bit_rate'] / 1e6:.1f} Mbit/s; with the map {film['heat_bit_rate'] / 1e6:.1f}.\n\n"
            + markdown(columns, rows)
        )
    return "\n".join(parts)


def draw(figure: Figure, results: Results) -> None:
    """Shares of the speed of analysis as bars; a film in each panel."""
    films = results["films"]
    figure.set_size_inches(8, 0.8 + 2.2 * len(films))
    panels = figure.subplots(len(films), 1, sharex=True, squeeze=False)[:, 0]
    for axes, film in zip(panels, films, strict=True):
        of_cpu = {name: both[1] for name, both in shares(film).items()}
        colours = ["#6E7B74" if name == ANALYSE else "#AA3377" for name in of_cpu]
        axes.barh(list(of_cpu), list(of_cpu.values()), color=colours)
        for name, share in of_cpu.items():
            axes.annotate(f"{share:.2f}", (share, name), (4, 0), textcoords="offset points", va="center")
        axes.axvline(BAR, color="#222222", linewidth=0.8, linestyle=":")
        axes.invert_yaxis()
        axes.set_title(f"{film['size_px'][0]}x{film['size_px'][1]}", loc="left", fontsize=10)
        axes.spines[["top", "right"]].set_visible(False)
    panels[-1].set_xlabel("speed as a share of analysis, by CPU time (dotted: a third)")


if __name__ == "__main__":
    main()
