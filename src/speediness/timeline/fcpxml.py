"""FCPXML 1.10: one clip whose ``timeMap`` is the plan, all times exact fractions of a second.

``timept`` pairs a time of the retimed clip with the time of the media shown then. Between points
``interp="linear"`` is a straight line. ``preservesPitch`` keeps the pitch of the sound.
"""

from fractions import Fraction
from xml.etree.ElementTree import Element

from speediness.timeline.format import Format
from speediness.timeline.time_map import TimeMap
from speediness.timeline.xml_text import add, to_text
from speediness.video.info import VideoInfo

VERSION = "1.10"


def write(time_map: TimeMap, info: VideoInfo) -> str:
    """A library with one event, one project and one clip of video and sound."""
    name, rate, sound = info.path.stem, time_map.frame_rate, info.has_audio or None
    source_end = seconds(time_map.source_duration_s)
    root = Element("fcpxml", version=VERSION)
    resources = add(root, "resources")
    size = {"width": info.width_px, "height": info.height_px}
    add(resources, "format", id="r1", frameDuration=seconds(1 / rate), **size)
    asset = add(
        resources,
        "asset",
        id="r2",
        name=name,
        start="0s",
        duration=source_end,
        hasVideo=1,
        format="r1",
        videoSources=1,
        hasAudio=sound and 1,
        audioSources=sound and 1,
        audioChannels=sound and info.audio_channels,
        audioRate=sound and info.audio_rate_hz,
    )
    add(asset, "media-rep", kind="original-media", src=info.path.resolve().as_uri())
    project = add(add(add(root, "library"), "event", name=name), "project", name=name)
    length = seconds(time_map.n_frames / rate)
    sequence = add(project, "sequence", format="r1", duration=length, tcStart="0s", tcFormat="NDF")
    clip = add(
        add(sequence, "spine"),
        "asset-clip",
        ref="r2",
        name=name,
        offset="0s",
        duration=length,
        tcFormat="NDF",
    )
    curve = add(clip, "timeMap", preservesPitch=1)
    for output_s, source_s in time_map.pairs:
        add(curve, "timept", time=seconds(output_s), value=seconds(source_s), interp="linear")
    return to_text(root, "fcpxml")


def seconds(time_s: Fraction) -> str:
    """A time as the format has it: ``5s`` or ``1001/30000s``."""
    return f"{time_s}s"


FORMAT = Format(write, max_error_frames=0.25)
