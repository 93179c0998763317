"""What an audit does to videos: changes of everything but their speed, and what is expected after each."""

# F frames of H x W x C, luma or RGB, 0..255

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from speediness import sampling
from speediness.datasets.decoded_video import DecodedVideo
from speediness.datasets.encoding import Encoding
from speediness.evaluation.speed_accuracy import halve

Make = Callable[[DecodedVideo, np.random.Generator], DecodedVideo]

Expectation = Literal["same answers", "no faster", "not fast"]
"""same answers: as for the reference, within ``Change.tolerance``. no faster: no window looks faster
than in the reference, or than 0.5. not fast: no window looks faster than 0.5."""

Order = Literal["forwards", "backwards", "there and back"]

# The paper decides speeds on a grid of thresholds 0.1 apart (SpeedNet §4.2: rho). A mean move of P
# by less than half a step leaves most of them alone: asked of changes no viewer can see. By a whole
# step: allowed where the frames do look different. report.py: FULL_EFFECT may shrink both.
UNSEEN, SEEN = 0.05, 0.10

BLUR_PX = 9  # side of the box, applied twice: sigma 3.7 px, about 1 px where a network sees 64
NOISE_GREY = 12.0  # standard deviation, about 3 where a network sees 64 px: a phone in poor light
BAR_SHARE = 1 / 8  # of the short side, on either side
FAST_CAMERA_FPS = 99.0  # nearest frames of such a video are at most 5 ms off
CHANGING_FPS = (24.0, 60.0)  # of a variable frame rate, from one frame to the next
PAPER_FPS = 16  # frames of a clip a second (SpeedNet §5.1)

CLEAN = Encoding(options={"preset": "veryfast", "crf": "12"})  # well above visually lossless (18)
FAIR = {"preset": "veryfast", "crf": "28"}


@dataclass(frozen=True)
class Change:
    """One row of an audit: what is done to every video, and what is expected of the answers."""

    name: str
    why: str
    """Why the answers must not depend on it, in one line."""
    make: Make
    """The changed video; the generator is seeded by the video and the same for the reference."""
    encoding: Encoding = CLEAN
    """How the changed video is stored: every change passes through a file."""
    tolerance: float = SEEN
    expects: Expectation = "same answers"
    reference: tuple[Make, Encoding] | None = None
    """How the video to compare with is made; None: the video as it is."""
    order: Order = "forwards"
    """Windows of the reference that those of the changed video show."""
    least_fps: float = 0.0
    """Videos of a lower frame rate cannot show it."""

    @property
    def missing_encoder(self) -> str:
        """The encoder that this build of FFmpeg lacks, empty if none."""
        used = [self.encoding, *([self.reference[1]] if self.reference else [])]
        return next((encoding.encoder for encoding in used if not encoding.is_available), "")


def changes() -> list[Change]:
    """All changes, in the order of the report."""
    return [*_unseen(), *_recoded(), *_looks(), *_timings(), *_stills()]


def _unseen() -> list[Change]:
    key_frames = {**FAIR, "g": "9999", "sc_threshold": "0", "forced-idr": "1"}

    def placed(first: int) -> Encoding:
        return Encoding(options=key_frames, key_frames_from=first)

    return [
        Change(
            "H.264, quality 18",
            "nobody sees this compression",
            _as_it_is,
            Encoding(options={"preset": "veryfast", "crf": "18"}),
            UNSEEN,
        ),
        Change(
            "key frames elsewhere",
            "where an encoder starts afresh is not motion",
            _as_it_is,
            placed(7),
            UNSEEN,
            reference=(_as_it_is, placed(0)),
        ),
        Change(
            "every frame stored twice",
            "twice the frame rate, the same motion",
            _twice,
            tolerance=UNSEEN,
        ),
        Change(
            "wrong frame rate in the header",
            "the stamps say when frames are shown, the header does not",
            _as_it_is,
            Encoding(options={"preset": "veryfast", "crf": "18"}, suffix=".mkv", declared_rate=0.5),
            UNSEEN,
        ),
    ]


def _recoded() -> list[Change]:
    quiet = {"preset": "superfast", "crf": "32", "x265-params": "log-level=none:frame-threads=1:pools=1"}
    brisk = {"crf": "40", "b": "0", "deadline": "realtime", "cpu-used": "8"}
    why = "blocks and smear are not motion"
    return [
        Change("H.264, quality 28", why, _as_it_is, Encoding(options=FAIR)),
        Change("H.264, quality 38", why, _as_it_is, Encoding(options={**FAIR, "crf": "38"})),
        Change("H.265, quality 32", why, _as_it_is, Encoding("libx265", quiet)),
        Change("VP9, quality 40", why, _as_it_is, Encoding("libvpx-vp9", brisk, ".webm")),
        Change("MPEG-4, quantiser 8", why, _as_it_is, Encoding("mpeg4", {"qmin": "8", "qmax": "8"})),
    ]


def _looks() -> list[Change]:
    return [
        Change("a quarter of the resolution", "a small copy moves as fast", _quarter),
        Change("blur", "out of focus is not slow", _blurred),
        Change("noise", "grain that changes every frame is not motion", _noisy),
        Change("half the light", "darkness is not speed", _darker),
        Change("black bars", "a letterbox is not motion", _barred),
        Change("mirrored", "left and right move alike", _mirrored),
    ]


def _timings() -> list[Change]:
    rates: list[tuple[str, Make]] = [
        (f"{rate} instead of 30 fps", partial(_at_rate, rate)) for rate in (24, 25, 50, 60)
    ]
    rates.append(("variable frame rate instead of 30 fps", _at_changing_rate))
    return [
        Change("played backwards", "time reversed runs as fast", _backwards, order="backwards"),
        Change(
            "played there and back",
            "turning round is not fast",
            _there_and_back,
            expects="no faster",
            order="there and back",
        ),
        *(
            Change(
                name,
                "more frames a second are not more motion",
                make,
                reference=(partial(_at_rate, 30), CLEAN),
                least_fps=FAST_CAMERA_FPS,
            )
            for name, make in rates
        ),
        Change(
            "a third of the frames dropped",
            "a frame that is missing leaves a gap, not motion",
            _thinned,
        ),
        Change(
            "frames skipped at random",
            "jerky is not fast: this is how the paper's training makes fast clips",
            _jerky,
            reference=(_even, CLEAN),
        ),
    ]


def _stills() -> list[Change]:
    return [
        Change("still frame", "nothing moves", _still, Encoding(options=FAIR), expects="not fast"),
        Change("still frame with noise", "only grain moves", _still_noisy, expects="not fast"),
        Change("stops half-way", "standing still is not fast", _stopping, expects="no faster"),
    ]


def _as_it_is(video: DecodedVideo, rng: np.random.Generator) -> DecodedVideo:
    return video


def _twice(video: DecodedVideo, rng: np.random.Generator) -> DecodedVideo:
    gaps_s = np.diff(video.times_s)
    half_s = np.append(gaps_s, gaps_s[-1]) / 2
    times_s = np.stack([video.times_s, video.times_s + half_s], 1).ravel()
    return replace(video, times_s=times_s, frames_FHWC=video.frames_FHWC.repeat(2, 0))


def _quarter(video: DecodedVideo, rng: np.random.Generator) -> DecodedVideo:
    return replace(video, frames_FHWC=halve(halve(video.frames_FHWC)))


def _blurred(video: DecodedVideo, rng: np.random.Generator) -> DecodedVideo:
    return _each_frame(video, lambda frame_HWC: _box(_box(frame_HWC)))


def _box(frame_HWC: NDArray[np.integer | np.floating]) -> NDArray[np.float64]:
    """Mean over a square of BLUR_PX, the border repeated."""
    frame = frame_HWC.astype(np.float64)
    for axis in (0, 1):
        width = [(0, 0)] * 3
        width[axis] = (BLUR_PX // 2 + 1, BLUR_PX // 2)
        sums = np.moveaxis(np.pad(frame, width, mode="edge").cumsum(axis), axis, 0)
        frame = np.moveaxis((sums[BLUR_PX:] - sums[:-BLUR_PX]) / BLUR_PX, 0, axis)
    return frame


def _noisy(video: DecodedVideo, rng: np.random.Generator) -> DecodedVideo:
    return _each_frame(
        video, lambda frame_HWC: frame_HWC + NOISE_GREY * rng.standard_normal(frame_HWC.shape, np.float32)
    )


def _each_frame(
    video: DecodedVideo, change: Callable[[NDArray[np.uint8]], NDArray[np.floating]]
) -> DecodedVideo:
    """One by one: a video in floating point would not fit a small machine."""
    changed = [(np.clip(change(frame), 0, 255) + 0.5).astype(np.uint8) for frame in video.frames_FHWC]
    return replace(video, frames_FHWC=np.stack(changed))


def _darker(video: DecodedVideo, rng: np.random.Generator) -> DecodedVideo:
    return replace(video, frames_FHWC=video.frames_FHWC // 2)


def _barred(video: DecodedVideo, rng: np.random.Generator) -> DecodedVideo:
    frames_FHWC = video.frames_FHWC.copy()
    across = int(np.argmin(frames_FHWC.shape[1:3]))  # bars lie along the longer side
    upright = np.moveaxis(frames_FHWC, 1 + across, 0)
    thickness = round(BAR_SHARE * len(upright))
    upright[:thickness] = upright[-thickness:] = 0
    return replace(video, frames_FHWC=frames_FHWC)


def _mirrored(video: DecodedVideo, rng: np.random.Generator) -> DecodedVideo:
    return replace(video, frames_FHWC=video.frames_FHWC[:, :, ::-1])


def _backwards(video: DecodedVideo, rng: np.random.Generator) -> DecodedVideo:
    times_s = video.end_s - video.times_s[::-1]
    return replace(video, times_s=times_s, frames_FHWC=video.frames_FHWC[::-1])


def _there_and_back(video: DecodedVideo, rng: np.random.Generator) -> DecodedVideo:
    return _shown(video, np.minimum(video.times_s, video.end_s - video.times_s), video.times_s)


def _at_rate(rate_fps: int, video: DecodedVideo, rng: np.random.Generator) -> DecodedVideo:
    times_s = np.arange(int(video.end_s * rate_fps + 1e-6) + 1) / rate_fps
    return _shown(video, times_s, times_s)


def _at_changing_rate(video: DecodedVideo, rng: np.random.Generator) -> DecodedVideo:
    slow, fast = CHANGING_FPS
    times_s = np.cumsum(np.append(0, 1 / rng.uniform(slow, fast, int(video.end_s * fast))))
    times_s = times_s[times_s <= video.end_s]
    return _shown(video, times_s, times_s)


def _thinned(video: DecodedVideo, rng: np.random.Generator) -> DecodedVideo:
    times_s = video.times_s[np.arange(len(video.times_s)) % 3 != 1]
    return _shown(video, times_s, times_s)


def _jerky(video: DecodedVideo, rng: np.random.Generator) -> DecodedVideo:
    """At natural speed on the whole, as jerky as the paper's fast clips (SpeedNet §3.1).

    Of moments at twice PAPER_FPS half are dropped at random.
    """
    times_s = _paper_times(video)
    kept = np.sort(rng.choice(2 * len(times_s), len(times_s), replace=False))
    return _shown(video, kept / (2 * PAPER_FPS), times_s)


def _even(video: DecodedVideo, rng: np.random.Generator) -> DecodedVideo:
    return _shown(video, _paper_times(video), _paper_times(video))


def _paper_times(video: DecodedVideo) -> sampling.Times:
    return np.arange(int(video.end_s * PAPER_FPS + 1e-6) + 1) / PAPER_FPS


def _shown(video: DecodedVideo, moments_s: sampling.Times, times_s: sampling.Times) -> DecodedVideo:
    """A video that shows given moments of another at given times."""
    indices = sampling.nearest_frames(video.times_s, moments_s)
    return replace(video, times_s=times_s, frames_FHWC=video.frames_FHWC[indices])


def _still(video: DecodedVideo, rng: np.random.Generator) -> DecodedVideo:
    middle = video.frames_FHWC[len(video.times_s) // 2]
    return replace(video, frames_FHWC=np.broadcast_to(middle, video.frames_FHWC.shape))


def _still_noisy(video: DecodedVideo, rng: np.random.Generator) -> DecodedVideo:
    return _noisy(_still(video, rng), rng)


def _stopping(video: DecodedVideo, rng: np.random.Generator) -> DecodedVideo:
    stop = int(np.searchsorted(video.times_s, video.end_s / 2))
    shown = np.minimum(np.arange(len(video.times_s)), stop)
    return replace(video, frames_FHWC=video.frames_FHWC[shown])
