"""A video that holds all a file can: sound in two languages, subtitles, chapters, tags."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
from av.stream import Disposition
from av.subtitles.subtitle import SubtitleSet
from numpy.typing import NDArray

from synthetic import steady, write_video

MS = Fraction(1, 1000)
RATE_HZ = 48_000
STYLES = b"""[Script Info]
ScriptType: v4.00+

[V4+ Styles]
Format: Name, Fontname, Fontsize, PrimaryColour, SecondaryColour, OutlineColour, BackColour, Bold, \
Italic, Underline, StrikeOut, ScaleX, ScaleY, Spacing, Angle, BorderStyle, Outline, Shadow, Alignment, \
MarginL, MarginR, MarginV, Encoding
Style: Default,Arial,16,&Hffffff,&Hffffff,&H0,&H0,0,0,0,0,100,100,0,0,1,1,0,2,10,10,10,0

[Events]
Format: Layer, Start, End, Style, Name, MarginL, MarginR, MarginV, Effect, Text
"""
CUES = ((500, 1500, "Hello"), (2000, 2750, "second, {\\i1}slanted{\\i0}"), (4000, 5500, "two\\Nlines"))
"""Start and end in milliseconds, text in ASS."""
CHAPTERS = ((0, 1200, "Out"), (1200, 6000, "Back"))
TAGS = {"title": "A walk", "artist": "Me", "creation_time": "2020-01-02T03:04:05.000000Z"}
LANGUAGES = ("deu", "eng")
"""Of the sound; English, the second, is what a player takes."""


def clicks(duration_s: float, at_s: Sequence[float]) -> NDArray[np.float32]:
    """Stereo silence with a click of 2 ms at each moment."""
    sound_CN = np.zeros((2, round(duration_s * RATE_HZ)), np.float32)
    for time_s in at_s:
        sound_CN[:, round(time_s * RATE_HZ) : round(time_s * RATE_HZ) + 96] = 0.9
    return sound_CN


def write_full_video(
    path: Path,
    duration_s: int = 6,
    text_codec: str = "subrip",
    sounds_CN: Sequence[NDArray[np.float32]] = (),
    **video: Any,
) -> Path:
    """Write it with the cues, chapters and tags above; of sound as many tracks as given."""
    plain = write_video(path.with_name(f"plain-{path.stem}.mp4"), steady(duration_s * 25), **video)
    with av.open(str(plain)) as source, av.open(str(path), "w") as container:
        container.metadata.update(TAGS)
        container.set_chapters(
            [
                {"id": n, "start": start, "end": end, "time_base": MS, "metadata": {"title": title}}
                for n, (start, end, title) in enumerate(CHAPTERS, 1)
            ]
        )
        frames = container.add_stream_from_template(source.streams.video[0])
        waves: list[Any] = []
        for k in range(len(sounds_CN)):
            wave: Any = container.add_stream("aac", rate=RATE_HZ, layout="stereo")
            wave.metadata.update(language=LANGUAGES[k], title=f"Sound {LANGUAGES[k]}")
            wave.disposition = Disposition.default if k else Disposition(0)
            waves.append(wave)
        text: Any = container.add_stream(text_codec)
        text.codec_context.subtitle_header = STYLES
        text.metadata.update(language="eng", title="Words")
        for n, (start, end, words) in enumerate(CUES):
            line = f"{n},0,Default,,0,0,0,,{words}".encode()
            packet = text.codec_context.encode_subtitle(SubtitleSet.create(line, 0, end - start, start))
            packet.pts = packet.dts = start
            packet.duration, packet.time_base, packet.stream = end - start, MS, text
            container.mux(packet)
        for packet in source.demux(video=0):
            if packet.dts is not None:
                packet.stream = frames
                container.mux(packet)
        for wave, sound_CN in zip(waves, sounds_CN, strict=True):
            for at in range(0, sound_CN.shape[1], 4096):
                block = np.ascontiguousarray(sound_CN[:, at : at + 4096])
                frame = av.AudioFrame.from_ndarray(block, format="fltp", layout="stereo")
                frame.sample_rate, frame.pts, frame.time_base = RATE_HZ, at, Fraction(1, RATE_HZ)
                container.mux(wave.encode(frame))
            container.mux(wave.encode(None))
    plain.unlink()
    return path
