"""What a file holds beside frames and sound, on the clock of another: subtitles, chapters, tags."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from fractions import Fraction
from pathlib import Path
from typing import Any, TypeVar

import av
import numpy as np
from av.container import InputContainer, OutputContainer
from av.error import FFmpegError
from av.stream import Disposition
from av.subtitles.subtitle import SubtitleSet

from speediness.results.curve import Float64s
from speediness.video.reader import find_video_stream, open_media
from speediness.video.sound_tracks import language_and_title

When = Callable[[Float64s], Float64s]
"""From moments of the source to moments of the output, seconds."""

OF_THE_FILE = {"encoder", "major_brand", "minor_version", "compatible_brands", "duration"}
"""Tags that describe the file as such."""
MS = Fraction(1, 1000)
# What Matroska holds by the decoder's name; all else, and all in MP4, is converted.
MATROSKA_TEXT = {"ass": "ass", "ssa": "ass", "webvtt": "webvtt"}


@dataclass(frozen=True)
class Cue:
    """One subtitle."""

    start_s: float
    end_s: float
    text: SubtitleSet
    """As FFmpeg decodes it, in the ASS of its track's header."""


@dataclass(frozen=True)
class TextTrack:
    """A subtitle track of text."""

    codec: str
    header: bytes
    """Styles, in ASS."""
    tags: dict[str, str]
    disposition: Disposition
    cues: tuple[Cue, ...]


@dataclass(frozen=True)
class Chapter:
    """A named stretch."""

    start_s: float
    end_s: float
    tags: dict[str, str]


Span = TypeVar("Span", Cue, Chapter)


@dataclass(frozen=True)
class Extras:
    """All of it; times count from the first frame."""

    tags: dict[str, str] = field(default_factory=dict[str, str])
    """Title, creation time and whatever else is told of the video."""
    video_tags: dict[str, str] = field(default_factory=dict[str, str])
    """Language and title of the frame track."""
    chapters: tuple[Chapter, ...] = ()
    texts: tuple[TextTrack, ...] = ()
    attachments: tuple[tuple[str, str, bytes], ...] = ()
    """Names, MIME types and contents, such as the fonts of ASS; only MKV holds them."""

    @classmethod
    def read(cls, path: Path, start_s: Fraction) -> Extras:
        """Read them from a video whose first frame is stamped ``start_s``.

        Raises:
            VideoError: the file vanished or is no video.
        """
        with open_media(path) as container:
            chapters = tuple(
                Chapter(
                    start_s=float(chapter["start"] * tick_s - start_s),
                    end_s=float(chapter["end"] * tick_s - start_s),
                    tags=chapter["metadata"],
                )
                for chapter in container.chapters()
                if (tick_s := chapter["time_base"])
            )
            return cls(
                tags={k: v for k, v in container.metadata.items() if k.lower() not in OF_THE_FILE},
                video_tags=language_and_title(find_video_stream(container, path)),
                chapters=chapters,
                attachments=tuple(
                    (file.name or "", file.mimetype or "", file.data)
                    for file in container.streams.attachments
                ),
                texts=tuple(_text_tracks(container, float(start_s))),
            )

    def mapped(self, when: When) -> Extras:
        """The same at other times; what would last no millisecond, as what lies outside the video, goes."""
        return replace(
            self,
            chapters=_mapped(self.chapters, when),
            texts=tuple(replace(track, cues=_mapped(track.cues, when)) for track in self.texts),
        )


def _mapped(spans: tuple[Span, ...], when: When) -> tuple[Span, ...]:
    starts_s, ends_s = (
        when(np.array(moments, np.float64)).tolist()
        for moments in ([span.start_s for span in spans], [span.end_s for span in spans])
    )
    moved = (
        replace(span, start_s=start_s, end_s=end_s)
        for span, start_s, end_s in zip(spans, starts_s, ends_s, strict=True)
    )
    return tuple(span for span in moved if span.end_s - span.start_s >= MS)


def text_streams(container: InputContainer) -> list[Any]:
    """Subtitle streams of text; others are images."""
    return [s for s in container.streams.subtitles if s.codec_context and s.codec_context.codec.text_sub]


def _text_tracks(container: InputContainer, start_s: float) -> Iterator[TextTrack]:
    streams = text_streams(container)
    if not streams:
        return
    cues: dict[int, list[Cue]] = {stream.index: [] for stream in streams}
    try:
        for packet in container.demux(streams):
            if packet.pts is None or packet.time_base is None:
                continue
            try:
                stream: Any = packet.stream
                text = stream.codec_context.decode2(packet)
            except FFmpegError:
                continue  # one damaged subtitle
            if text is None or not len(text):
                continue
            at_s = float(packet.pts * packet.time_base) - start_s
            lasts_s = float((packet.duration or 0) * packet.time_base) or text.end_display_time / 1000
            cues[packet.stream.index].append(Cue(at_s, at_s + lasts_s, text))
    except FFmpegError:
        pass  # the file breaks off; the reader of its frames says so
    for stream in streams:
        header = stream.codec_context.subtitle_header
        if cues[stream.index] and header:
            yield TextTrack(
                codec=stream.codec_context.name,
                header=header,
                tags=language_and_title(stream),
                disposition=stream.disposition,
                cues=tuple(cues[stream.index]),
            )


def add_extras(container: OutputContainer, extras: Extras) -> list[Any]:
    """Declare tags, chapters and text tracks in a file to be written, before its first packet."""
    container.metadata.update(extras.tags)
    container.set_chapters(
        [
            {
                "id": number,
                "start": round(chapter.start_s * 1000),
                "end": round(chapter.end_s * 1000),
                "time_base": MS,
                "metadata": chapter.tags,
            }
            for number, chapter in enumerate(extras.chapters, 1)
        ]
    )
    matroska = container.format.name == "matroska"
    for name, mime_type, data in extras.attachments if matroska else ():
        container.add_attachment(name, mime_type, data)
    streams = []
    for track in extras.texts:
        codec = MATROSKA_TEXT.get(track.codec, "subrip") if matroska else "mov_text"
        stream: Any = container.add_stream(codec)
        stream.codec_context.subtitle_header = track.header
        stream.metadata.update(track.tags)
        stream.disposition = track.disposition
        streams.append(stream)
    return streams


def write_texts(container: OutputContainer, streams: list[Any], extras: Extras) -> None:
    """Write all subtitles; the muxer holds them back until the frames come to them.

    Of two that begin in the same millisecond the later is moved by one: MP4 allows no such pair.
    """
    for stream, track in zip(streams, extras.texts, strict=True):
        latest = -1
        for cue in sorted(track.cues, key=lambda cue: cue.start_s):
            try:
                packet: av.Packet = stream.codec_context.encode_subtitle(cue.text)
            except FFmpegError:
                continue  # one damaged subtitle is no reason to lose the video
            latest = max(round(cue.start_s * 1000), latest + 1)
            packet.pts = packet.dts = latest
            packet.duration = max(round(cue.end_s * 1000) - latest, 1)
            packet.time_base, packet.stream = MS, stream
            container.mux(packet)
