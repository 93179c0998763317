"""A curve that is given instead of analysing again."""

from pathlib import Path

from speediness.errors import DataError
from speediness.results.curve import SpeedinessCurve
from speediness.video.info import VideoInfo


def curve_of(path: Path, info: VideoInfo) -> SpeedinessCurve:
    """Load a curve and see that it can be of this video.

    Raises:
        DataError: it is damaged, or of another video.
    """
    curve = SpeedinessCurve.load(path)
    # What the container promises, not what could be decoded: a file may be cut short.
    then_s, now_s = curve.made_by.get("container_duration_s") or curve.duration_s, info.duration_s
    if now_s is not None and abs(float(now_s) - then_s) > max(0.5, 0.02 * then_s):
        raise DataError(
            f"{path} is of a video of {then_s:.2f} s, but {info.path} has {float(now_s):.2f} s;"
            " leave --from out or give the curve of this video"
        )
    return curve
