"""From a plan to a timeline in the format that a file name asks for."""

from pathlib import Path

import numpy as np

from speediness.results.curve import Float64s
from speediness.results.documents import write_text
from speediness.results.plan import SpeedPlan
from speediness.timeline import csv_table, edl, fcp7, fcpxml, mlt, otio
from speediness.timeline.format import Format
from speediness.timeline.time_map import TimeMap
from speediness.video.frame_choice import standard_rate
from speediness.video.info import VideoInfo

FORMATS: dict[str, Format] = {
    ".fcpxml": fcpxml.FORMAT,
    ".xml": fcp7.FORMAT,
    ".mlt": mlt.FORMAT,
    ".otio": otio.FORMAT,
    ".edl": edl.FORMAT,
    ".csv": csv_table.FORMAT,
}
"""Every format by the ending of its files."""


def export_timeline(plan: SpeedPlan, info: VideoInfo, path: Path) -> None:
    """Write a timeline that plays the video by the plan, at the rate that a render would have.

    Args:
        plan: made from this video.
        info: of the video; it is referred to by its absolute path, not copied.
        path: ends in one of FORMATS; an existing file is replaced.

    Raises:
        OutputError: the file cannot be written.
    """
    form = FORMATS[path.suffix.lower()]
    rate = standard_rate(info.frame_rate)
    time_map = TimeMap.of_plan(plan, rate, form.max_error_frames, form.source_step_s(rate))
    write_text(path, form.write(time_map, info))


def has_variable_rate(times_s: Float64s) -> bool:
    """Whether some frame is shown half a frame or more from where a constant rate would put it.

    Args:
        times_s: (F,) presentation times of all frames, ascending.
    """
    if len(times_s) < 3:
        return False
    even_s = np.linspace(times_s[0], times_s[-1], len(times_s))
    return bool(np.abs(times_s - even_s).max() >= (even_s[1] - even_s[0]) / 2)
