"""One page about many videos: how much of what, where, and which videos to look at."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from html import escape
from io import StringIO
from pathlib import Path

import matplotlib
import numpy as np
from matplotlib.axes import Axes

from speediness.corpus.analysed_video import AnalysedVideo
from speediness.corpus.page import stamp, write_page
from speediness.curves import LABELS, Label, Segment
from speediness.plots import LABEL_WORDS, new_figure
from speediness.progress import clock

TICKS = (0.1, 0.25, 0.5, 1, 2, 4, 10, 30, 100, 1000, 10_000)
MOST_ROWS = 25  # of a table; segments.parquet has all

# Colours that the page's own take the place of, light or dark.
INK = "#010203"
BANDS: dict[Label, str] = {label: f"#01020{4 + n}" for n, label in enumerate(LABELS)}

STYLE = """
.totals { display: flex; flex-wrap: wrap; gap: .5rem 2.5rem; margin: 1rem 0; }
.totals b { display: block; font-size: 1.5rem; font-variant-numeric: tabular-nums; }
.bar { display: flex; height: 1.6rem; border-radius: 6px; overflow: hidden; margin: .5rem 0; }
.charts { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(20rem, 100%), 1fr));
  gap: 1rem; }
.charts svg { width: 100%; height: auto; }
.wide { overflow-x: auto; }
table { border-collapse: collapse; width: 100%; font-size: .9rem; }
th, td { text-align: right; padding: .25rem .6rem; border-bottom: 1px solid var(--edge);
  font-variant-numeric: tabular-nums; white-space: nowrap; }
th:first-child, td:first-child { text-align: left; white-space: normal; overflow-wrap: anywhere;
  min-width: 12rem; }
th:nth-child(2).reason, td:nth-child(2).reason { text-align: left; white-space: normal; }
th { color: var(--dim); font-weight: 600; }
"""

Found = tuple[str, Segment]


def write_report(
    videos: Mapping[str, AnalysedVideo], failed: Mapping[str, str], root: str, out_html: Path
) -> None:
    """Write the page.

    Args:
        videos: what was seen, by path relative to the root.
        failed: why the others could not be analysed, by path.
        root: where the videos lie.
        out_html: replaced if it exists.

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
    totals = "".join(f"<div><b>{number}</b>{what}</div>" for what, number in numbers.items())
    parts = [
        f'<p class="dim">{escape(root)}</p><div class="totals">{totals}</div>',
        _shares(found),
        f'<div class="charts">{_charts(found)}</div>' if found else "",
        _where("Where is slow motion", "slow_motion", found),
        _where("Where is sped-up video", "sped_up", found),
        _least_certain(videos),
        _failed(failed),
    ]
    write_page(out_html, "How fast do these videos play?", "\n".join(parts), STYLE)


def _length_s(segment: Segment) -> float:
    return segment.end_s - segment.start_s


def _shares(found: Sequence[Found]) -> str:
    seconds = {label: sum(_length_s(s) for _, s in found if s.label == label) for label in BANDS}
    whole_s = sum(seconds.values()) or 1
    bar = "".join(
        f'<div class="{label}" style="width:{part_s / whole_s:.2%}"></div>'
        for label, part_s in seconds.items()
    )
    words = " ".join(
        f'<span class="tag {label}">{words} {seconds[label] / whole_s:.1%}</span> {clock(seconds[label])}'
        for label, words in LABEL_WORDS.items()
    )
    return f'<div class="bar">{bar}</div><p>{words}</p>'


def _where(title: str, label: Label, found: Sequence[Found]) -> str:
    """The longest segments of a kind."""
    of_kind = sorted((f for f in found if f[1].label == label), key=lambda f: -_length_s(f[1]))
    rows = [
        [
            path,
            stamp(s.start_s),
            stamp(s.end_s),
            f"{_length_s(s):.1f} s",
            f"{s.factor:.2f}×",
            f"{s.confidence:.2f}",
        ]
        for path, s in of_kind[:MOST_ROWS]
    ]
    return _section(title, ("video", "start", "end", "length", "factor", "confidence"), rows, len(of_kind))


def _least_certain(videos: Mapping[str, AnalysedVideo]) -> str:
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
    return _section("Least certain", ("video", "length", "segments", "mean confidence"), rows, len(means))


def _failed(failed: Mapping[str, str]) -> str:
    rows = [[path, reason] for path, reason in sorted(failed.items())]
    return _section("Not readable", ("video", "reason"), rows[:MOST_ROWS], len(rows), " class=reason")


def _section(
    title: str, columns: Sequence[str], rows: Sequence[Sequence[str]], whole: int, kind: str = ""
) -> str:
    if not rows:
        return f'<h2>{title}</h2><p class="dim">none</p>'
    head = "".join(f"<th{kind}>{column}</th>" for column in columns)
    body = "".join(f"<tr>{''.join(f'<td{kind}>{escape(cell)}</td>' for cell in row)}</tr>" for row in rows)
    more = f'<p class="dim">and {whole - len(rows):,} more</p>' if whole > len(rows) else ""
    return (
        f'<h2>{title}</h2><div class="wide"><table><thead><tr>{head}</tr></thead><tbody>{body}</tbody>'
        f"</table></div>{more}"
    )


def _charts(found: Sequence[Found]) -> str:
    segments = [segment for _, segment in found]
    longest_s = max(map(_length_s, segments))
    factors = np.geomspace(0.1, 10, 31)
    return "".join(
        [
            _histogram("estimated playback factor", segments, lambda s: s.factor, factors, "log"),
            _histogram("confidence", segments, lambda s: s.confidence, np.linspace(0, 1, 21), "linear"),
            _histogram(
                "length of a segment in seconds",
                segments,
                _length_s,
                np.geomspace(0.1, max(longest_s * 1.01, 1), 25),
                "log",
            ),
        ]
    )


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
        ticks = [
            tick for tick in (0.1, 0.25, 0.5, 1, 2, 4, 10, 30, 100, 1000) if edges[0] <= tick <= edges[-1]
        ]
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
