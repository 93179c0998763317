"""The sound tracks of a file: which there are, and which are wanted."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from av.audio.stream import AudioStream
from av.container import InputContainer
from av.stream import Disposition

from speediness.errors import OutputError

ASIDE = Disposition.comment | Disposition.hearing_impaired | Disposition.visual_impaired


@dataclass(frozen=True)
class SoundTrack:
    """One sound track that can be decoded."""

    number: int
    """From 1, as the file holds them."""
    sample_rate_hz: int
    channels: int
    layout: str
    tags: dict[str, str]
    """Language and title."""
    disposition: Disposition


def sound_streams(container: InputContainer) -> list[AudioStream]:
    """The streams that can be decoded, in the order a player prefers: default first, comments last."""
    usable = [s for s in container.streams.audio if s.codec_context is not None and s.rate and s.channels]
    return sorted(
        usable, key=lambda s: (not s.disposition & Disposition.default, bool(s.disposition & ASIDE))
    )


def sound_stream(container: InputContainer, number: int | None = None) -> AudioStream | None:
    """The track of this number, or the one that a player takes; None where none can be decoded."""
    if number is not None:
        return container.streams.audio[number - 1]
    return next(iter(sound_streams(container)), None)


def sound_tracks(container: InputContainer) -> list[SoundTrack]:
    """What :func:`sound_streams` gives, described."""
    place = {stream.index: number for number, stream in enumerate(container.streams.audio, 1)}
    return [
        SoundTrack(
            number=place[stream.index],
            sample_rate_hz=stream.rate,
            channels=stream.channels,
            layout=stream.layout.name,
            tags=language_and_title(stream),
            disposition=stream.disposition,
        )
        for stream in sound_streams(container)
    ]


def wanted_tracks(tracks: list[SoundTrack], audio: str, path: Path) -> list[SoundTrack]:
    """The tracks that a choice means.

    Args:
        tracks: all that can be decoded, as :func:`sound_tracks` orders them.
        audio: ``all``, ``first``, ``mute`` (the first, silent), ``none``, or numbers such as ``1,3``.
        path: of the file, for messages.

    Raises:
        OutputError: no such choice, or no track of such a number.
    """
    if audio == "none":
        return []
    if audio in ("first", "mute"):
        return tracks[:1]
    if audio == "all":
        return tracks
    words = audio.split(",")
    if not all(word.strip().isdecimal() for word in words):
        raise OutputError(
            f"there is no sound {audio!r}; choose all, first, mute, none, or numbers such as 1,3"
        )
    numbers = {int(word) for word in words}
    if missing := numbers - {track.number for track in tracks}:
        known = ", ".join(str(track.number) for track in sorted(tracks, key=lambda track: track.number))
        raise OutputError(
            f"{path} has no audio track {min(missing)} that can be decoded; it has {known or 'none'}"
        )
    return [track for track in tracks if track.number in numbers]


def language_and_title(stream: Any) -> dict[str, str]:
    """The tags of a stream that are of its content; QuickTime calls a title a name."""
    tags = {name.lower(): value for name, value in stream.metadata.items()}
    found = {"language": tags.get("language"), "title": tags.get("title") or tags.get("name")}
    return {name: value for name, value in found.items() if value and value != "und"}
