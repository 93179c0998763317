"""Final Cut Pro 7 XML (xmeml version 5): clips with a Time Remap filter.

In the filter, the keyframes of ``graphdict`` pair a frame of the retimed clip (``when``) with the
frame of the source shown then (``value``, which may be a fraction). All frames are counted at the
sequence's rate: ``timebase`` frames per second, or 1000/1001 of them where ``ntsc`` is TRUE.
"""

from xml.etree.ElementTree import Element

from speediness.timeline.format import Format
from speediness.timeline.time_map import TimeMap
from speediness.timeline.xml_text import add, to_text
from speediness.video.info import VideoInfo


def write(time_map: TimeMap, info: VideoInfo) -> str:
    """A sequence with one video track and a track for each channel of sound, their clips linked."""
    writer = _Writer(time_map, info)
    root = Element("xmeml", version="5")
    writer.sequence(root)
    return to_text(root, "xmeml")


class _Writer:
    def __init__(self, time_map: TimeMap, info: VideoInfo) -> None:
        self.map, self.info = time_map, info
        channels = info.audio_channels if info.has_audio else 0
        self.tracks = [("video", 1), *(("audio", 1 + channel) for channel in range(channels))]

    def sequence(self, root: Element) -> None:
        sequence = add(root, "sequence", id="sequence-1")
        add(sequence, "name", self.info.path.stem)
        add(sequence, "duration", self.map.n_frames)
        self.rate(sequence)
        timecode = add(sequence, "timecode")
        self.rate(timecode)
        for tag, text in (("string", "00:00:00:00"), ("frame", 0), ("displayformat", "NDF")):
            add(timecode, tag, text)
        media = add(sequence, "media")
        kinds = {"video": add(media, "video")}
        self.frame_size(add(kinds["video"], "format"))
        if len(self.tracks) > 1:
            kinds["audio"] = add(media, "audio")
        for kind, index in self.tracks:
            self.clip(add(kinds[kind], "track"), kind, index)

    def clip(self, track: Element, kind: str, index: int) -> None:
        clip = add(track, "clipitem", id=_clip_id(kind, index))
        add(clip, "name", self.info.path.name)
        add(clip, "duration", self.map.n_frames)
        self.rate(clip)
        for tag, frame in (("start", 0), ("end", self.map.n_frames), ("in", 0), ("out", self.map.n_frames)):
            add(clip, tag, frame)
        file = add(clip, "file", id="file-1")
        if kind == "video":  # told once, then referred to
            self.file(file)
        source = add(clip, "sourcetrack")
        add(source, "mediatype", kind)
        add(source, "trackindex", index)
        self.time_remap(clip, kind)
        for other, other_index in self.tracks if len(self.tracks) > 1 else []:
            link = add(clip, "link")
            add(link, "linkclipref", _clip_id(other, other_index))
            add(link, "mediatype", other)
            add(link, "trackindex", other_index)
            add(link, "clipindex", 1)

    def file(self, file: Element) -> None:
        add(file, "name", self.info.path.name)
        add(file, "pathurl", self.info.path.resolve().as_uri())
        self.rate(file)
        add(file, "duration", round(self.map.source_duration_s * self.map.frame_rate))
        media = add(file, "media")
        self.frame_size(add(media, "video"))
        if self.info.has_audio:
            audio = add(media, "audio")
            add(add(audio, "samplecharacteristics"), "samplerate", self.info.audio_rate_hz)
            add(audio, "channelcount", self.info.audio_channels)

    def time_remap(self, clip: Element, kind: str) -> None:
        effect = add(add(clip, "filter"), "effect")
        for tag, text in (
            ("name", "Time Remap"),
            ("effectid", "timeremap"),
            ("effectcategory", "motion"),
            ("effecttype", "motion"),
            ("mediatype", kind),
        ):
            add(effect, tag, text)
        mean = self.map.source_duration_s * self.map.frame_rate / self.map.n_frames
        _parameter(effect, "variablespeed", 1)
        _parameter(effect, "speed", f"{float(100 * mean):.6f}")
        _parameter(effect, "reverse", "FALSE")
        _parameter(effect, "frameblending", "FALSE")
        graph = _parameter(effect, "graphdict")
        marks = {0: "speedkfin", self.map.n_frames: "speedkfout"}
        for frame, source_s in self.map.knots:
            keyframe = add(graph, "keyframe")
            add(keyframe, "when", frame)
            add(keyframe, "value", f"{float(source_s * self.map.frame_rate):.4f}")
            if frame in marks:
                add(keyframe, marks[frame], "TRUE")
        add(add(graph, "interpolation"), "name", "FCPCurve")

    def rate(self, parent: Element) -> None:
        rate = add(parent, "rate")
        add(rate, "timebase", round(self.map.frame_rate))
        add(rate, "ntsc", "TRUE" if self.map.frame_rate.denominator == 1001 else "FALSE")

    def frame_size(self, parent: Element) -> None:
        sample = add(parent, "samplecharacteristics")
        self.rate(sample)
        add(sample, "width", self.info.width_px)
        add(sample, "height", self.info.height_px)


def _clip_id(kind: str, index: int) -> str:
    return f"clip-{kind}-{index}"


def _parameter(effect: Element, name: str, value: object = None) -> Element:
    parameter = add(effect, "parameter")
    add(parameter, "parameterid", name)
    add(parameter, "name", name)
    if value is not None:
        add(parameter, "value", value)
    return parameter


FORMAT = Format(write, max_error_frames=0.25)
