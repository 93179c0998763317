"""Reading a video's sound on the frame's clock: no gaps, no drift, bounded memory."""

from collections.abc import Iterator
from fractions import Fraction

import av
import numpy as np
from av.error import FFmpegError
from numpy.typing import NDArray

from speediness.errors import VideoError
from speediness.video.clock import RESTART_S, longest_gap_s
from speediness.video.reader import VideoReader, find_video_stream, open_media
from speediness.video.sound_tracks import SoundTrack, sound_stream

Samples = NDArray[np.float32]

AAC_RATES_HZ = (8000, 11025, 12000, 16000, 22050, 24000, 32000, 44100, 48000, 64000, 88200, 96000)
USUAL_RATE_HZ = 48_000
JITTER_S = 0.02  # stamps in whole milliseconds or packets wander this much without meaning a gap
SILENCE_BLOCK = 65_536


class AudioReader:
    """Decodes a sound track of a video.

    Mono stays mono; anything wider is mixed down to stereo, which every player can play. A rate
    that AAC cannot carry becomes 48 kHz.

    Attributes:
        sample_rate_hz: samples per second and channel.
        channels: 1 or 2.
        warnings: what the last pass had to put up with, for people to read.

    Args:
        video: whose sound; its first frame sets the clock.
        track: which of its tracks; None: the one that a player takes.

    Raises:
        VideoError: the video has no sound.
    """

    def __init__(self, video: VideoReader, track: SoundTrack | None = None) -> None:
        info = video.info
        if not info.has_audio:
            raise VideoError(f"{video.path} has no sound track; render it without sound")
        self._video, self._number = video, track.number if track else None
        self.channels = min(track.channels if track else info.audio_channels, 2)
        rate_hz = track.sample_rate_hz if track else info.audio_rate_hz
        self.sample_rate_hz = rate_hz if rate_hz in AAC_RATES_HZ else USUAL_RATE_HZ
        self.warnings: list[str] = []

    def blocks(self) -> Iterator[Samples]:
        """The sound from the first video frame on, in blocks ``(channels, samples)``, about -1..1.

        Sample n of all blocks together is heard n / sample_rate_hz seconds after the first frame,
        to within 20 ms of the file's own stamps: sound before the first frame is cut off, a late
        start and gaps are filled with silence, overlaps are dropped. Where the clock starts again or
        jumps, as in files put one behind the other, the sound goes on as the frames do.
        """
        self.warnings = []
        gap = self._gap_s() * self.sample_rate_hz
        position = joined = 0
        jitter = round(JITTER_S * self.sample_rate_hz)
        for start, block in self._stamped_blocks():
            ahead = 0 if start is None else start + joined - position
            restarts = position and ahead < -RESTART_S * self.sample_rate_hz
            # A first stamp below 0 reads as the highest there is.
            if restarts or (ahead > gap and (not position or self._frames_jump(start or 0, ahead))):
                joined, ahead = joined - ahead, 0
            if abs(ahead) <= jitter and position:
                ahead = 0
            for at in range(0, ahead, SILENCE_BLOCK):
                yield np.zeros((self.channels, min(ahead - at, SILENCE_BLOCK)), np.float32)
            block = block[:, max(-ahead, 0) :]
            position += max(ahead, 0) + block.shape[1]
            if block.shape[1]:
                yield block

    def _gap_s(self) -> int:
        with open_media(self._video.path) as container:
            return longest_gap_s(container)

    def _frames_jump(self, after: int, before: int) -> bool:
        """Whether the frames leave out the same gap, between two samples of the container's clock."""
        first_s, last_s = (
            Fraction(at, self.sample_rate_hz) + self._video.start_s for at in (before, after)
        )
        with open_media(self._video.path) as container:
            stream = find_video_stream(container, self._video.path)
            gap_s, latest_s = longest_gap_s(container), None
            for packet in container.demux(stream):
                if packet.dts is None or packet.time_base is None:
                    continue
                stamp_s = packet.dts * packet.time_base
                jumped = latest_s is not None and stamp_s - latest_s > gap_s
                if jumped and latest_s is not None and latest_s <= last_s and stamp_s >= first_s:
                    return True
                latest_s = stamp_s
        return False

    def _stamped_blocks(self) -> Iterator[tuple[int | None, Samples]]:
        """Decoded blocks, each with the sample number of its stamp counted from the first frame."""
        resampler: av.AudioResampler | None = None
        kind: tuple[str, str, int] | None = None
        for frame in self._decoded():
            if kind != (frame.format.name, frame.layout.name, frame.sample_rate):
                # A stream may change its kind on the way; a resampler may not.
                if resampler is not None:
                    yield from self._stamp(resampler.resample(None))
                kind = (frame.format.name, frame.layout.name, frame.sample_rate)
                layout = "mono" if self.channels == 1 else "stereo"
                resampler = av.AudioResampler("fltp", layout, self.sample_rate_hz)
            assert resampler is not None
            yield from self._stamp(resampler.resample(frame))
        if resampler is not None:
            yield from self._stamp(resampler.resample(None))

    def _stamp(self, frames: list[av.AudioFrame]) -> Iterator[tuple[int | None, Samples]]:
        for frame in frames:
            start = None
            if frame.pts is not None and frame.time_base is not None:
                time_s: Fraction = frame.pts * frame.time_base - self._video.start_s
                start = round(time_s * self.sample_rate_hz)
            yield start, np.asarray(frame.to_ndarray(), np.float32)

    def _decoded(self) -> Iterator[av.AudioFrame]:
        damaged = 0
        with open_media(self._video.path) as container:
            stream = sound_stream(container, self._number)
            if stream is None:
                return
            try:
                for packet in container.demux(stream):
                    try:
                        yield from packet.decode()
                    except FFmpegError:
                        damaged += 1
            except FFmpegError as error:
                self.warnings.append(f"the sound broke off: {error.strerror}")
        if damaged:
            self.warnings.append(f"{damaged} damaged packet(s) of sound were replaced by silence")
