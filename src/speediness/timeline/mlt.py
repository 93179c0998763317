"""MLT XML: a chain with a ``timeremap`` link, as Shotcut and Kdenlive build on.

The link's ``time_map`` (MLT 7.14 and later) is an animation: at output frame, a moment of the source
in seconds. MLT 7.0 to 7.12 call the same thing ``map``, which later versions still take for
``time_map``; both are written. ``pitch`` keeps the pitch of the sound.
"""

from xml.etree.ElementTree import Element

from speediness.timeline.format import Format
from speediness.timeline.time_map import TimeMap
from speediness.timeline.xml_text import add, to_text
from speediness.video.info import VideoInfo

# MLT shows the frame that began last before a moment: rounding must not put one just before its start.
NUDGE_S = 1e-6


def write(time_map: TimeMap, info: VideoInfo) -> str:
    """A profile with the video's size and the output's rate, and one track with one clip."""
    rate, last = time_map.frame_rate, time_map.n_frames - 1
    root = Element("mlt", LC_NUMERIC="C", version="7.0.0", producer="timeline", title=info.path.stem)
    add(
        root,
        "profile",
        width=info.width_px,
        height=info.height_px,
        progressive=1,
        sample_aspect_num=1,
        sample_aspect_den=1,
        display_aspect_num=info.width_px,
        display_aspect_den=info.height_px,
        frame_rate_num=rate.numerator,
        frame_rate_den=rate.denominator,
    )
    span = {"in": 0, "out": last}
    chain = add(root, "chain", id="video", **span)
    _set(chain, "length", time_map.n_frames)
    _set(chain, "resource", info.path.resolve())
    _set(chain, "mlt_service", "avformat")
    link = add(chain, "link", **span)
    _set(link, "mlt_service", "timeremap")
    end_s = float(time_map.source_duration_s)
    keys = ";".join(
        f"{frame}={min(float(source_s) + NUDGE_S, end_s):.9f}" for frame, source_s in time_map.knots
    )
    _set(link, "time_map", keys)
    _set(link, "map", keys)
    _set(link, "pitch", 1)
    playlist = add(root, "playlist", id="track")
    add(playlist, "entry", producer="video", **span)
    tractor = add(root, "tractor", id="timeline", **span)
    add(tractor, "track", producer="track")
    return to_text(root)


def _set(parent: Element, name: str, value: object) -> None:
    add(parent, "property", value, name=name)


FORMAT = Format(write, max_error_frames=0.25)
