"""``speediness play``."""

from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from speediness.analysis.options import AnalysisOptions
from speediness.cli.options import PlanningOptions, analyse_video


def play(
    video: Path,
    /,
    *mpv: Annotated[str, Parameter(show=False)],
    rate: float = 2.0,
    planning: PlanningOptions = PlanningOptions(),
    model: str = AnalysisOptions.model,
) -> None:
    """Play a video along its plan in mpv, without writing one; the plan can be changed by keys.

    What comes after -- goes to mpv.

    Args:
        video: video to play
        rate: how many times shorter it is
        model: shipped network or a .onnx file
    """
    from dataclasses import replace

    import numpy as np

    from speediness.live.mpv import find_mpv
    from speediness.live.session import Session
    from speediness.speedup.curve_file import curve_of
    from speediness.video.reader import VideoReader

    find_mpv()
    job, reader = planning.job(rate), VideoReader(video)
    job.options.check_rate(rate)
    speech_s = job.speech_in(reader)
    curve = (
        curve_of(planning.curve, reader.info)
        if planning.curve
        else analyse_video(video, AnalysisOptions(model))
    )
    session = Session(
        curve,
        lambda wanted: replace(job, rate=wanted).plan(curve, speech_s),
        rate,
        float(reader.start_s),
    )
    session.play(video, mpv)
    if session.drifts_s:
        off_ms = 1000 * np.abs(session.drifts_s)
        print(
            f"off the plan by {np.median(off_ms):.0f} ms in the middle,"
            f" {np.quantile(off_ms, 0.95):.0f} ms at most for 95 % of the frames"
        )
