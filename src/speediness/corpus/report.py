"""One page about many videos: how much of what, where, and which videos to look at."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from io import StringIO
from pathlib import Path

import matplotlib
import numpy as np
from matplotlib.axes import Axes

from speediness.corpus.analysed_video import AnalysedVideo
from speediness.corpus.page import write_page
from speediness.plots import LABEL_WORDS, new_figure
from speediness.progress import clock, stamp
from speediness.results.curve import LABELS, Label, Segment

TICKS = (0.1, 0.25, 0.5, 1, 2, 4, 10, 30, 100, 1000, 10_000)
MOST_ROWS = 25  # of a table; segments.parquet has all

# Colours that the page's own take the place of, light or dark.
INK = "#010203"
BANDS: dict[Label, str] = {label: f"#01020{4 + n}" for n, label in enumerate(LABELS)}

Found = tuple[str, Segment]


@dataclass(frozen=True)
class Table:
    """A table of the page."""

    title: str
    columns: Sequence[str]
    rows: Sequence[Sequence[str]]
    whole: int
    """How many rows there would be if all were shown."""
    reasons: bool = False
    """Whether the second column is prose."""


def write_report(
    videos: Mapping[str, AnalysedVideo], failed: Mapping[str, str], root: str, out_html: Path
) -> None:
    """Write the page of what was seen, and why the others failed, by path relative to the root.

    Raises:
        OutputError: it cannot be written.
    """
    found = [(path, segment) for path, video in sorted(videos.items()) for segment in video.segments]
    whole_s = sum(video.duration_s for video in videos.values())
    numbers = {
        "videos": f"{len(videos):,}",
        "of video": clock(whole_s),
        "segments": f"{len(found):,}",
        "not readable": f"{len(failed):,}",
    }
    seconds = {label: sum(_length_s(s) for _, s in found if s.label == label) for label in LABEL_WORDS}
    scored_s = sum(seconds.values()) or 1
    write_page(
        out_html,
        "report.html",
        root=root,
        numbers=numbers,
        shares={label: (part_s / scored_s, part_s) for label, part_s in seconds.items()},
        charts=_charts(found) if found else (),
        tables=(
            _where("Where is slow motion", "slow_motion", found),
            _where("Where is sped-up video", "sped_up", found),
            _least_certain(videos),
            _failed(failed),
        ),
    )


def _length_s(segment: Segment) -> float:
    return segment.end_s - segment.start_s


def _where(title: str, label: Label, found: Sequence[Found]) -> Table:
    """The longest segments of a kind."""
    of_kind = sorted((f for f in found if f[1].label == label), key=lambda f: -_length_s(f[1]))
    rows = [
        [
            path,
            stamp(s.start_s, 1),
            stamp(s.end_s, 1),
            f"{_length_s(s):.1f} s",
            f"{s.factor:.2f}×",
            f"{s.confidence:.2f}",
        ]
        for path, s in of_kind[:MOST_ROWS]
    ]
    return Table(title, ("video", "start", "end", "length", "factor", "confidence"), rows, len(of_kind))


def _least_certain(videos: Mapping[str, AnalysedVideo]) -> Table:
    """Videos by the mean confidence over time, the lowest first; what is not sure counts 0."""
    means = []
    for path, video in videos.items():
        lengths_s = [_length_s(s) for s in video.segments]
        if lengths_s:
            sure = [0.0 if s.label == "not_sure" else s.confidence for s in video.segments]
            confidence = float(np.average(sure, weights=lengths_s))
            means.append((confidence, path, video))
    rows = [
        [path, clock(video.duration_s), f"{len(video.segments)}", f"{confidence:.2f}"]
        for confidence, path, video in sorted(means, key=lambda mean: mean[:2])[:MOST_ROWS]
    ]
    return Table("Least certain", ("video", "length", "segments", "mean confidence"), rows, len(means))


def _failed(failed: Mapping[str, str]) -> Table:
    rows = [[path, reason] for path, reason in sorted(failed.items())]
    return Table("Not readable", ("video", "reason"), rows[:MOST_ROWS], len(rows), reasons=True)


def _charts(found: Sequence[Found]) -> list[str]:
    segments = [segment for _, segment in found]
    factors, lengths_s = np.geomspace(0.1, 10, 31), [_length_s(segment) for segment in segments]
    return [
        _histogram("estimated playback factor", segments, lambda s: s.factor, factors, "log"),
        _histogram("confidence", segments, lambda s: s.confidence, np.linspace(0, 1, 21), "linear"),
        _histogram(
            "length of a segment in seconds",
            segments,
            _length_s,
            np.geomspace(0.1, max(max(lengths_s) * 1.01, 1), 25),
            "log",
        ),
    ]


def _histogram(
    title: str,
    segments: Sequence[Segment],
    value: Callable[[Segment], float],
    edges: np.ndarray,
    scale: str,
) -> str:
    """Seconds of video by a value, stacked by label, as SVG in the colours of the page."""
    figure = new_figure(4.2, 2.6)
    axes: Axes = figure.subplots()
    axes.hist(
        [np.clip([value(s) for s in segments if s.label == label], edges[0], edges[-1]) for label in BANDS],
        bins=edges.tolist(),
        weights=[[_length_s(s) for s in segments if s.label == label] for label in BANDS],
        color=list(BANDS.values()),
        stacked=True,
    )
    axes.set_xscale(scale)
    if scale == "log":
        ticks = [tick for tick in TICKS if edges[0] <= tick <= edges[-1]]
        axes.set_xticks(ticks, [f"{tick:g}" for tick in ticks])
        axes.minorticks_off()
    axes.set_xlabel(title, color=INK)
    axes.set_ylabel("seconds of video", color=INK)
    axes.tick_params(colors=INK)
    axes.spines[["top", "right"]].set_visible(False)
    axes.spines[["left", "bottom"]].set_color(INK)
    drawn = StringIO()
    with matplotlib.rc_context(
        {"svg.fonttype": "none", "svg.hashsalt": title, "font.family": "sans-serif"}
    ):
        figure.savefig(drawn, format="svg", transparent=True, metadata={"Date": None, "Creator": None})
    svg = drawn.getvalue()
    for label, colour in BANDS.items():
        svg = svg.replace(colour, f"var(--{label})")
    return svg[svg.index("<svg") :].replace(INK, "currentColor")
