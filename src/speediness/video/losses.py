"""What a written video does not keep of the one it was made from, named one by one."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from av.container import InputContainer
from av.stream import Disposition

from speediness.video.extras import OF_THE_FILE, text_streams
from speediness.video.info import VideoInfo, bit_depth
from speediness.video.reader import open_media
from speediness.video.sound_tracks import SoundTrack, language_and_title, sound_tracks, wanted_tracks

PQ, HLG = 16, 18  # transfer characteristics, ITU-T H.273


def losses(info: VideoInfo, out: Path, audio: str = "all") -> tuple[str, ...]:
    """One sentence for each thing that is lost or changed, none for what is kept.

    What the video that was written holds is looked up, not foretold. To leave out sound tracks that were
    not asked for is no loss.
    """
    with open_media(info.path) as source, open_media(out) as written:
        kept = [] if audio == "mute" else wanted_tracks(sound_tracks(source), audio, info.path)
        return (
            *_frames(info, bit_depth(written.streams.video[0].format)),
            *_sound(source, audio, kept),
            *_beside(source, written, kept),
        )


def _frames(info: VideoInfo, kept_bits: int) -> Iterator[str]:
    if kept_bits < info.bit_depth:
        text = f"{info.bit_depth} bits a channel become {kept_bits}"
        if kept_bits < 10 and info.colour.transfer in (PQ, HLG):
            text += ", too few for HDR: gradients may show bands"
        yield text + ("; the codecs hevc and av1 keep 10" if kept_bits < 10 else "")
    if info.mastering_data:
        yield "the mastering data of HDR left out"
    if info.interlaced:
        yield "interlaced frames were deinterlaced: one progressive frame for every two fields"
    if info.pixel_aspect != 1:
        yield f"pixels of {info.pixel_aspect.numerator}:{info.pixel_aspect.denominator} became square"


def _sound(source: InputContainer, audio: str, kept: list[SoundTrack]) -> Iterator[str]:
    unread = len(source.streams.audio) - len(sound_tracks(source))
    if unread and audio == "all":
        yield f"{unread} audio track(s) that cannot be decoded left out"
    for track in kept:
        if track.channels > 2:
            yield f"{track.layout} sound is mixed down to stereo"


def _beside(source: InputContainer, written: InputContainer, sound: list[SoundTrack]) -> Iterator[str]:
    covers = sum(bool(s.disposition & Disposition.attached_pic) for s in source.streams.video)
    texts = text_streams(source)
    # The titles of chapters are a track of their own in MP4 and MOV.
    data = [s for s in source.streams.data if not (source.chapters() and s.name == "bin_data")]
    left_out = {
        "further video track(s)": len(source.streams.video) - covers - 1,
        "cover image(s)": covers,
        "subtitle track(s) of images": len(source.streams.subtitles) - len(texts),
        "subtitle track(s)": len(texts) - len(text_streams(written)),
        "data track(s)": len(data),
        "attachment(s)": len(source.streams.attachments) - len(written.streams.attachments),
        "chapter(s)": len(source.chapters()) - len(written.chapters()),
    }
    yield from (f"{count} {what} left out" for what, count in left_out.items() if count > 0)
    languages = [tags.get("language") for tags in ([track.tags for track in sound] + _tags_of(texts))]
    known = _tags_of([*written.streams.audio, *written.streams.subtitles])
    if lost := set(languages) - {None, *(tags.get("language") for tags in known)}:
        yield f"languages that this container has no room for left out: {', '.join(sorted(map(str, lost)))}"
    kept = OF_THE_FILE | {name.lower() for name in written.metadata}
    if tags := sorted(name for name in source.metadata if name.lower() not in kept):
        yield f"tags left out: {', '.join(tags)}"


def _tags_of(streams: Sequence[Any]) -> list[dict[str, str]]:
    return [language_and_title(stream) for stream in streams]
