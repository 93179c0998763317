from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from speediness.errors import DataError, WeightsError
from speediness.evaluation.mask_accuracy import region_similarity
from speediness.evaluation.moving_shapes import moving_shapes
from speediness.propagate.mask_files import palette, read_mask, write_mask
from speediness.propagate.render import MaskPainter, propagate
from speediness.propagate.track import feature_size, load_features
from speediness.video.reader import VideoReader
from speediness.video.yuv420 import BT709, from_planes, planes
from synthetic import steady, tone, uneven, write_video

SHAPES = moving_shapes()[0]
FRAMES = 10


def shapes_video(path: Path, **options: object) -> Path:
    """The first frames of a drawn sequence, its mask beside it."""
    write_mask(path.with_suffix(".png"), SHAPES.masks[0])
    times = options.pop("times_s", steady(FRAMES))
    return write_video(
        path,
        times,  # type: ignore[arg-type]
        width_px=432,
        height_px=240,
        draw_frame=lambda n: SHAPES.frames[n],
        **options,  # type: ignore[arg-type]
    )


def test_objects_are_followed_and_coloured(tmp_path: Path) -> None:
    video = shapes_video(tmp_path / "v.mp4", sound_CN=tone(0.4))
    out, masks, reports = tmp_path / "o.mp4", tmp_path / "masks", []
    made = propagate(
        video, video.with_suffix(".png"), out, masks=masks, progress=lambda *now: reports.append(now)
    )
    assert (made.frames, made.objects, made.warnings) == (FRAMES, 1, ())
    assert reports[-1][0] == pytest.approx(reports[-1][1])
    names = [f"{n:05d}.png" for n in range(FRAMES)]
    assert sorted(path.name for path in masks.iterdir()) == names
    found = [read_mask(masks / name) for name in names]
    np.testing.assert_array_equal(found[0], SHAPES.masks[0])
    for one, true in zip(found[1:], SHAPES.masks[1:], strict=False):
        assert region_similarity(one > 0, true > 0) > 0.8
    assert region_similarity(SHAPES.masks[0] > 0, SHAPES.masks[FRAMES - 1] > 0) < 0.3
    info = VideoReader(out).info
    assert (info.width_px, info.height_px, info.frame_rate) == (432, 240, 25)
    assert info.has_audio
    before, after = (list(VideoReader(path).frames()) for path in (video, out))
    assert len(after) == FRAMES
    change = np.abs(after[5].pixels_HWC.astype(int) - before[5].pixels_HWC).mean(2)
    assert change[found[5] > 0].mean() > 5 * change[found[5] == 0].mean()


def test_turned_videos_of_uneven_clocks_have_a_mask_a_frame(tmp_path: Path) -> None:
    video = shapes_video(tmp_path / "v.mp4", times_s=uneven(6), rotate_deg=90)
    upright = VideoReader(video).info
    assert (upright.width_px, upright.height_px) == (240, 432)
    turned = np.rot90(SHAPES.masks[0])
    write_mask(tmp_path / "m.png", np.ascontiguousarray(turned))
    propagate(video, tmp_path / "m.png", tmp_path / "o.mp4", masks=tmp_path / "masks")
    found = [read_mask(path) for path in sorted((tmp_path / "masks").iterdir())]
    assert len(found) == 6
    assert region_similarity(found[5] > 0, np.rot90(SHAPES.masks[5]) > 0) > 0.7


def test_a_mask_that_does_not_fit_is_refused_and_nothing_written(tmp_path: Path) -> None:
    video = shapes_video(tmp_path / "v.mp4")
    Image.fromarray(np.full((50, 50), 255, np.uint8)).save(tmp_path / "m.png")
    with pytest.raises(DataError, match="50x50, the video 432x240"):
        propagate(video, tmp_path / "m.png", tmp_path / "o.mp4", masks=tmp_path / "masks")
    assert {path.name for path in tmp_path.iterdir()} == {"v.mp4", "v.png", "m.png"}


def test_the_painter_mixes_inside_covers_the_outline_and_leaves_the_rest() -> None:
    grey = from_planes([np.full((32, 48), 100, np.uint8)] + [np.full((16, 24), 128, np.uint8)] * 2)
    labels = np.zeros((33, 48), np.uint8)  # an odd frame has lost its last row
    labels[8:24, 8:40] = 1
    luma, cb, cr = planes(MaskPainter(BT709, 32).paint(grey, labels))
    red = 0.2126 * 219 * palette()[1][0] / 255 + 16
    assert luma[8, 20] == round(red)
    assert luma[16, 20] == pytest.approx((100 + red) / 2, abs=1)
    assert luma[2, 2] == 100 and (cb[0, 0], cr[0, 0]) == (128, 128)
    assert cr[8, 10] > 150
    assert planes(grey)[0].max() == 100


@pytest.mark.parametrize("size", [(854, 480), (1920, 1080), (96, 64), (240, 426)])
def test_frames_for_features_keep_their_shape(size: tuple[int, int]) -> None:
    made = feature_size(*size, 384)
    assert all(side % 16 == 0 for side in made)
    assert made[0] / made[1] == pytest.approx(size[0] / size[1], rel=0.05)
    assert min(made) <= 384


def test_features_that_are_none_are_refused(tmp_path: Path) -> None:
    with pytest.raises(WeightsError, match="does not exist"):
        load_features(tmp_path / "no.onnx")
    (tmp_path / "bad.onnx").write_bytes(b"nothing")
    with pytest.raises(WeightsError, match="no features of places"):
        load_features(tmp_path / "bad.onnx")


def test_shipped_features_are_directions_an_eighth_of_the_frame() -> None:
    features = load_features().features(np.zeros((2, 64, 96, 3), np.uint8))
    assert features.shape[:3] == (2, 8, 12)
    np.testing.assert_allclose(np.linalg.norm(features, axis=-1), 1, rtol=1e-4)
