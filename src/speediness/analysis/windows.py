"""The network over a whole video at every playback factor, shot by shot, in bounded memory (§4.1).

The paper slides a window over every frame of every sped-up version: 4.6 windows per frame of video,
42 GMAC each. Here each pair of frames is measured once for all the windows it is in, and a network
of bounded context works once for all windows (:mod:`speediness.analysis.schedule`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from fractions import Fraction

import numpy as np
from numpy.typing import NDArray

from speediness.analysis.cuts import CutDetector
from speediness.analysis.schedule import Schedule, default_schedule
from speediness.analysis.shot import ShotScorer, ShotScores, packed, unpacked
from speediness.clip import ClipSpec
from speediness.engines.runtime import Runtime
from speediness.video.reader import Frame
from speediness.video.resume_point import ResumePoint

State = dict[str, NDArray]


class VideoScorer:
    """Splits a video at its cuts and scores every shot while its frames come in.

    Memory is bounded by the longest window, whatever the length of the video.

    Args:
        runtime: the network.
        clip: what the network looks at.
        factors: at which the video is analysed.
        schedule: which windows are scored; None: the product's.
    """

    def __init__(
        self, runtime: Runtime, clip: ClipSpec, factors: tuple[float, ...], schedule: Schedule | None = None
    ) -> None:
        self._runtime, self._clip, self._factors = runtime, clip, factors
        self._schedule = schedule or default_schedule(runtime)
        self._detector = CutDetector()
        self._closed: list[ShotScores] = []
        self._open: ShotScorer | None = None
        self._n_frames = 0
        self._held_times_s: dict[int, Fraction] = {}  # exact, by number in the video, for the way back
        self._to_hold_again = 0

    def add(self, frame: Frame) -> bool:
        """Take the next frame, at the clip's short side and with its channels.

        Returns:
            Whether windows were scored meanwhile, so that :meth:`state` is worth keeping.
        """
        if self._to_hold_again and self._open is not None:
            self._to_hold_again -= 1
            self._open.hold_again(frame.pixels_HWC)
            return False
        luma_HW = frame.pixels_HWC[:, :, 0] if self._clip.channels == 1 else frame.pixels_HWC.mean(2)
        cut = self._detector.is_cut(luma_HW.astype(np.uint8))
        if self._open is None or cut:
            self._close()
            self._open = self._new_shot()
            self._forget_times()
        self._held_times_s[self._n_frames] = frame.time_s
        self._n_frames += 1
        scored = self._open.add(float(frame.time_s), frame.pixels_HWC)
        if scored:
            self._forget_times()
        return scored or cut

    def finish(self) -> list[ShotScores]:
        """Score what is left; the video's shots in order."""
        self._close()
        return self._closed

    def _new_shot(self) -> ShotScorer:
        return ShotScorer(self._runtime, self._clip, self._factors, self._schedule)

    def _close(self) -> None:
        if self._open is not None:
            self._closed.append(self._open.close())
        self._open = None

    def _first_held(self) -> int:
        assert self._open is not None
        return self._n_frames - len(self._open.times_s) + self._open.first_held

    def _forget_times(self) -> None:
        """All but those of the frames held and of the one before."""
        first = self._first_held() - 1
        self._held_times_s = {n: time_s for n, time_s in self._held_times_s.items() if n >= first}

    def state(self) -> State:
        """All that is known so far but the pixels, right after :meth:`add` returned True."""
        assert self._open is not None
        first_held = self._first_held()
        return {
            "place": np.array([str(self._held_times_s.get(first_held - 1)), str(first_held)]),
            **packed("shots.times_s", [shot.times_s for shot in self._closed]),
            **packed("shots.moments_s", [part for shot in self._closed for part in shot.moments_s]),
            **packed("shots.answers", [part for shot in self._closed for part in shot.answers]),
            **packed("shots.features", [shot.features for shot in self._closed]),
            **packed("shots.features_s", [shot.features_s for shot in self._closed]),
            **{f"open.{name}": array for name, array in self._open.state().items()},
            **{f"cuts.{name}": array for name, array in self._detector.state().items()},
        }

    def restore(self, state: Mapping[str, NDArray]) -> ResumePoint | None:
        """Take up an earlier :meth:`state`; :meth:`add` must go on with the frame after the place.

        Returns:
            The place; None for the start of the video.

        Raises:
            KeyError, ValueError: not such a state.
        """
        place, first_held = state["place"]
        k = len(self._factors)
        times_s, moments_s, answers, features, features_s = (
            unpacked(f"shots.{name}", state)
            for name in ("times_s", "moments_s", "answers", "features", "features_s")
        )
        self._closed = [
            ShotScores(
                times_s[n],
                tuple(moments_s[n * k : (n + 1) * k]),
                tuple(answers[n * k : (n + 1) * k]),
                features[n],
                features_s[n],
            )
            for n in range(len(times_s))
        ]
        self._open = self._new_shot()
        self._open.restore(_below(state, "open."))
        self._detector.restore(_below(state, "cuts."))
        self._n_frames = sum(map(len, times_s)) + len(self._open.times_s)
        self._to_hold_again = self._n_frames - int(first_held)
        return ResumePoint(Fraction(str(place)), int(first_held)) if int(first_held) else None


def score_shots(
    frames: Iterable[Frame],
    runtime: Runtime,
    clip: ClipSpec,
    factors: tuple[float, ...],
    progress: Callable[[float], None] = lambda time_s: None,
    schedule: Schedule | None = None,
) -> list[ShotScores]:
    """All shots of a video, see :class:`VideoScorer`.

    Args:
        frames: in order, at the clip's short side and with its channels.
        runtime: the network.
        clip: what the network looks at.
        factors: at which the video is analysed.
        progress: receives the time in seconds up to which the video has been seen.
        schedule: which windows are scored; None: the product's.
    """
    scorer = VideoScorer(runtime, clip, factors, schedule)
    for frame in frames:
        scorer.add(frame)
        progress(float(frame.time_s))
    return scorer.finish()


def _below(state: Mapping[str, NDArray], prefix: str) -> State:
    return {name.removeprefix(prefix): array for name, array in state.items() if name.startswith(prefix)}
