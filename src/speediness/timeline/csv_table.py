"""The knots of a plan as a table, for spreadsheets and scripts."""

from speediness.timeline.format import Format
from speediness.timeline.time_map import TimeMap
from speediness.video.info import VideoInfo

HEAD = "output_frame,output_s,source_s,factor"


def write(time_map: TimeMap, info: VideoInfo) -> str:
    """A row a knot: output frame, its time, the moment of the source shown, and S from there on.

    The last row is the end of both; its factor repeats the one before.
    """
    pieces = list(time_map.pieces())
    factors = [*(piece.factor for piece in pieces), pieces[-1].factor]
    rows = [
        f"{frame},{float(frame / time_map.frame_rate):.9f},{float(source_s):.9f},{float(factor):.6f}"
        for (frame, source_s), factor in zip(time_map.knots, factors, strict=True)
    ]
    return "\n".join([HEAD, *rows, ""])


FORMAT = Format(write, max_error_frames=0.25)
