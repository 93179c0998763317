"""What a written video does not keep of the one it was made from, named one by one."""

from __future__ import annotations

from collections.abc import Iterator

from av.container import InputContainer
from av.stream import Disposition

from speediness.video.info import VideoInfo, sound_stream
from speediness.video.reader import open_media

PQ, HLG = 16, 18  # transfer characteristics, ITU-T H.273
KEPT_BITS = 8
NEVER_OF_THE_VIDEO = {"encoder", "major_brand", "minor_version", "compatible_brands", "duration"}
"""Tags that describe the file as such."""


def losses(info: VideoInfo, with_sound: bool = True) -> tuple[str, ...]:
    """One sentence for each thing that is lost or changed, none for what is kept.

    Args:
        info: of the source.
        with_sound: whether sound is written at all; a sound track left out on request is no loss.
    """
    with open_media(info.path) as container:
        return (*_frames(info), *(_sound(container) if with_sound else ()), *_beside(container))


def _frames(info: VideoInfo) -> Iterator[str]:
    if info.colour.transfer in (PQ, HLG):
        curve = "PQ" if info.colour.transfer == PQ else "HLG"
        yield (
            f"HDR ({curve}) is written in {KEPT_BITS} bits without its mastering data: gradients may show "
            "bands; convert it to SDR first if that matters"
        )
    elif info.bit_depth > KEPT_BITS:
        yield f"{info.bit_depth} bits a channel become {KEPT_BITS}"
    if info.interlaced:
        yield "interlaced frames were deinterlaced: one progressive frame for every two fields"
    if info.pixel_aspect != 1:
        yield f"pixels of {info.pixel_aspect.numerator}:{info.pixel_aspect.denominator} became square"


def _sound(container: InputContainer) -> Iterator[str]:
    taken = sound_stream(container)
    others = [stream for stream in container.streams.audio if stream is not taken]
    if taken is not None and others:
        which = ", ".join(stream.language or f"number {stream.index}" for stream in others)
        yield f"{len(others)} further audio track(s) left out: {which}"
    if taken is not None and taken.channels > 2:
        yield f"{taken.layout.name} sound is mixed down to stereo"


def _beside(container: InputContainer) -> Iterator[str]:
    tracks = {
        "video": sum(not s.disposition & Disposition.attached_pic for s in container.streams.video) - 1,
        "subtitle": len(container.streams.subtitles),
        "data": len(container.streams.data),
    }
    for kind, n_tracks in tracks.items():
        if n_tracks > 0:
            yield f"{n_tracks} {'further video' if kind == 'video' else kind} track(s) left out"
    if chapters := container.chapters():
        yield f"{len(chapters)} chapter(s) left out"
    if tags := sorted(name for name in container.metadata if name.lower() not in NEVER_OF_THE_VIDEO):
        yield f"tags left out: {', '.join(tags)}"
