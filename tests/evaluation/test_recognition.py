from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor

from speediness.clip import ClipSpec
from speediness.datasets.clip_cache import CachedVideo
from speediness.datasets.video_list import VideoItem
from speediness.errors import DataError
from speediness.evaluation.centre_clips import centre_clip
from speediness.evaluation.intervals import share_interval
from speediness.evaluation.probes import video_features
from speediness.evaluation.recognition import Recognised, confusion, recognise, ten_clips
from speediness.evaluation.relative_speed import holds_both_speeds, ranked_right, same_video_found
from speediness.models.encoder import Encoder, EncoderConfig
from speediness.models.recogniser import Recogniser
from speediness.models.rspnet import RSPNet

CLIP = ClipSpec(4, Fraction(8), 32, 1)
CONFIG = EncoderConfig(CLIP, "motion", 0.125)


def grey(level: int, frames: int = 41, rate: float = 20, label: str = "dark") -> CachedVideo:
    """A video whose frame n is as bright as ``level`` + n all over."""
    pixels = np.zeros((frames, 64, 96, 1), np.uint8) + (level + np.arange(frames))[:, None, None, None]
    times_s = np.arange(frames) / rate
    item = VideoItem(Path(f"{label}-{level}.mp4"), f"source-{level}", label)
    return CachedVideo(item, times_s, pixels.astype(np.uint8), np.ones(frames - 1, np.float32))


class ByBrightness(Recogniser):
    """Calls bright what is brighter than 100."""

    def forward(self, clips_BTHWC: Tensor) -> tuple[Tensor]:
        bright = clips_BTHWC.float().mean((1, 2, 3, 4)) - 100
        return (torch.stack([bright, -bright], 1),)


def test_ten_clips_reach_from_the_start_of_a_video_to_its_end() -> None:
    clips = list(ten_clips(grey(0), CLIP))
    assert len(clips) == 10
    assert clips[0].shape == (4, 32, 32, 1)
    shown = np.stack([frames[:, 0, 0, 0] for frames in clips]).astype(int)
    assert (np.diff(shown) == 2).all()  # at 8 a second of 20 a frame is 2.5 of the video
    assert shown[0, 0] <= 1 and shown[-1, -1] >= 39
    middles = 20 * (np.linspace(0, 2 - 3 / 8, 10) + 1.5 / 8)
    assert np.abs(shown.mean(1) - middles).max() <= 0.5 + 1e-9


def test_of_a_video_shorter_than_a_clip_all_is_shown_evenly_and_one_of_too_few_frames_is_left_out() -> None:
    slow = ClipSpec(4, Fraction(2), 32, 1)  # every tenth frame: 31 of them
    shown = [frames[:, 0, 0, 0].tolist() for frames in ten_clips(grey(0, frames=12), slow)]
    assert shown == [[1, 4, 7, 10]] * 10
    with pytest.raises(DataError, match="fewer than 4 frames"):
        next(ten_clips(grey(0, frames=3), CLIP))
    network = ByBrightness(CONFIG, ["bright", "dark"])
    said = recognise(network, [grey(1), grey(2, frames=3)])
    assert [video.name for video in said] == ["dark-1.mp4"]
    assert video_features(network, [grey(1), grey(2, frames=3)]).sources == ("source-1",)
    with pytest.raises(DataError, match="none of the 1 videos has the 4 frames"):
        recognise(network, [grey(2, frames=3)])


def test_triplets_are_cut_from_videos_that_hold_a_clip_at_2x() -> None:
    videos = [grey(level, frames=12 if level else 41) for level in (0, 60)]
    network = KnowsSpeed(CONFIG)
    assert [holds_both_speeds(video, CLIP) for video in videos] == [True, False]  # 2 x 3 / 8 s and more
    assert ranked_right(network, videos) == ranked_right(network, videos[:1]) == 1
    with pytest.raises(DataError, match="clip at 2x"):
        ranked_right(network, videos[1:])


def test_all_clips_of_a_video_show_one_random_square_that_repeats_with_its_seed() -> None:
    rng = np.random.default_rng(0)
    video = grey(0)
    video.frames_FHWC[:] = rng.integers(0, 255, video.frames_FHWC.shape[1:], np.uint8)
    first, again = (list(ten_clips(video, CLIP, crops=np.random.default_rng(1))) for _ in range(2))
    assert all((a == b).all() for a, b in zip(first, again, strict=True))
    assert all((clip == first[0][:1]).all() for clip in first)  # of a still video
    plain = list(ten_clips(video, CLIP))
    assert not any((a == b).all() for a, b in zip(first, plain, strict=True))


def test_videos_are_recognised_by_the_mean_of_their_clips() -> None:
    network = ByBrightness(CONFIG, ["bright", "dark"])
    videos = [grey(10), grey(150, label="bright"), grey(90, label="bright"), grey(65)]
    said = recognise(network, videos)
    assert [video.said for video in said] == ["dark", "bright", "bright", "dark"]
    for video, one in zip(videos, said, strict=True):
        by_hand = [
            network(torch.from_numpy(frames)[None])[0].softmax(1)[0].numpy()
            for frames in ten_clips(video, CLIP)
        ]
        np.testing.assert_allclose(one.probability_K, np.mean(by_hand, 0), atol=1e-6)


def test_the_mean_of_logits_weighs_a_sure_clip_more_than_that_of_probabilities() -> None:
    network = ByBrightness(CONFIG, ["bright", "dark"])
    video = grey(75)
    video.frames_FHWC[:] = np.linspace(20, 140, len(video.times_s), dtype=np.uint8)[:, None, None, None]
    (said,) = recognise(network, [video], "logits")
    with torch.no_grad():
        logits = [network(torch.from_numpy(frames)[None])[0][0] for frames in ten_clips(video, CLIP)]
    by_hand = torch.stack(logits).mean(0).softmax(0).numpy()
    np.testing.assert_allclose(said.probability_K, by_hand, atol=1e-6)
    assert np.abs(recognise(network, [video])[0].probability_K - by_hand).max() > 0.01


def test_confusion_counts_what_was_shown_by_what_was_said() -> None:
    pairs = [("a", "a"), ("a", "b"), ("b", "b"), ("c", "a"), ("c", "a")]
    said = [Recognised("film", "s", shown, told, np.zeros(3, np.float32)) for shown, told in pairs]
    assert confusion(said, ["a", "b", "c"]).tolist() == [[1, 1, 0], [0, 1, 0], [2, 0, 0]]
    assert [video.right for video in said] == [True, False, True, False, False]


@pytest.mark.parametrize("pool", ["max", "mean"])
def test_features_are_pooled_over_space_then_averaged(pool: str) -> None:
    torch.manual_seed(0)
    encoder = Encoder(CONFIG).eval()
    rng = np.random.default_rng(3)
    video = grey(0)
    video.frames_FHWC[:] = rng.integers(0, 255, video.frames_FHWC.shape, np.uint8)
    found = video_features(encoder, [video], pool)  # pyright: ignore[reportArgumentType]
    by_hand = []
    for frames in ten_clips(video, CLIP):
        with torch.no_grad():
            maps = encoder.encode(torch.from_numpy(frames)[None])[0]
        flat = maps.flatten(2).numpy()
        by_hand.append((flat.max(2) if pool == "max" else flat.mean(2)).mean(1))
    np.testing.assert_allclose(found.vectors_FD[0], np.mean(by_hand, 0), rtol=1e-4, atol=1e-5)
    assert found.labels == ("dark",) and found.sources == ("source-0",)


def test_intervals_resample_sources_and_not_videos() -> None:
    right = [True] * 10 + [False] * 10
    assert share_interval(right, ["a"] * 10 + ["b"] * 10) == (0, 1)
    low, high = share_interval(right, [str(n) for n in range(20)])
    assert 0.2 < low < 0.4 and 0.6 < high < 0.8
    assert share_interval([True] * 5, list("abcde")) == (1, 1)


class KnowsSpeed(RSPNet):
    """Says how much brighter a clip of :func:`grey` gets, or its negative; appearance: how bright it is."""

    sign = 1.0

    def forward(self, clips_BTHWC: Tensor) -> tuple[Tensor, Tensor]:
        level_BT = clips_BTHWC.float().mean((2, 3, 4))
        angle_B = self.sign * (level_BT[:, -1] - level_BT[:, 0]).abs() / 30
        motion = torch.stack([angle_B.cos(), angle_B.sin()], 1)
        where_B = level_BT.mean(1) / 60
        return motion, torch.stack([where_B.cos(), where_B.sin()], 1)


def rig(videos: Sequence[CachedVideo], broken: bool = False) -> tuple[float, float]:
    network = KnowsSpeed(CONFIG)
    if broken:
        network.forward = lambda clips: (torch.ones(len(clips), 2),) * 2  # pyright: ignore
    return ranked_right(network, videos), same_video_found(network, videos)


def test_a_network_that_sees_speed_ranks_every_triplet_and_one_that_sees_nothing_none() -> None:
    videos = [grey(level) for level in (0, 60, 120, 180)]
    assert rig(videos) == (1.0, 1.0)
    ranked, found = rig(videos, broken=True)
    assert ranked == 0 and found == 0.25


def test_centre_clips_are_what_the_speed_is_measured_on() -> None:
    video = grey(5)
    frames = centre_clip(video, 0.5 + np.arange(4) / 8, CLIP)
    assert frames[:, 16, 16, 0].tolist() == [16, 18, 20, 22]
