"""OpenTimelineIO: one clip with a LinearTimeWarp for each piece, as the JSON of its schema.

A clip's source range is where it begins in the source and how long it lasts in the *output*; the
warp's ``time_scalar`` says how much of the source passes in that time.
"""

import json
from fractions import Fraction
from typing import Any

from speediness.timeline.format import Format
from speediness.timeline.time_map import Piece, TimeMap
from speediness.video.info import VideoInfo

Node = dict[str, Any]


def write(time_map: TimeMap, info: VideoInfo) -> str:
    """A timeline with a video track and, if the video has sound, an audio track of the same clips."""
    rate = time_map.frame_rate
    media: Node = {
        "OTIO_SCHEMA": "ExternalReference.1",
        "name": info.path.name,
        "metadata": {},
        "target_url": info.path.resolve().as_uri(),
        "available_range": _range(Fraction(0), time_map.source_duration_s * rate, rate),
    }
    tracks = [
        _item(
            "Track.1", kind, kind=kind, children=[_clip(piece, media, rate) for piece in time_map.pieces()]
        )
        for kind in (["Video", "Audio"] if info.has_audio else ["Video"])
    ]
    timeline: Node = {
        "OTIO_SCHEMA": "Timeline.1",
        "name": info.path.stem,
        "metadata": {},
        "global_start_time": None,
        "tracks": _item("Stack.1", "tracks", children=tracks),
    }
    return json.dumps(timeline, indent=1) + "\n"


def _clip(piece: Piece, media: Node, rate: Fraction) -> Node:
    warp: Node = {
        "OTIO_SCHEMA": "LinearTimeWarp.1",
        "name": "",
        "metadata": {},
        "effect_name": "LinearTimeWarp",
        "time_scalar": float(piece.factor),
    }
    return _item(
        "Clip.2",
        media["name"],
        source_range=_range(piece.source_start_s * rate, Fraction(piece.frames), rate),
        effects=[warp],
        media_references={"DEFAULT_MEDIA": media},
        active_media_reference_key="DEFAULT_MEDIA",
    )


def _item(schema: str, name: str, **fields: Any) -> Node:
    """What clips, tracks and stacks have in common."""
    common = {"source_range": None, "effects": [], "markers": [], "enabled": True}
    return {"OTIO_SCHEMA": schema, "name": name, "metadata": {}} | common | fields


def _range(start: Fraction, duration: Fraction, rate: Fraction) -> Node:
    """Both in frames at ``rate``."""
    return {
        "OTIO_SCHEMA": "TimeRange.1",
        "start_time": _time(start, rate),
        "duration": _time(duration, rate),
    }


def _time(frames: Fraction, rate: Fraction) -> Node:
    return {"OTIO_SCHEMA": "RationalTime.1", "value": float(frames), "rate": float(rate)}


FORMAT = Format(write, max_error_frames=0.5, whole_source_frames=True)
