"""A video with the masks of its objects over it, and the masks themselves."""

# H W frame size, N labels

from collections.abc import Callable, Iterator
from contextlib import nullcontext
from dataclasses import dataclass
from pathlib import Path

import av
import numpy as np

from speediness.propagate.mask_files import (
    NAME,
    Labels,
    check_masks,
    fitted,
    new_masks,
    palette,
    read_mask,
    write_mask,
)
from speediness.propagate.track import Carried, PlaceFeatures, carry_masks, load_features
from speediness.video.audio_reader import AudioReader
from speediness.video.frame_choice import choose, standard_rate
from speediness.video.info import ColourTags
from speediness.video.reader import VideoReader
from speediness.video.writer import SoundFormat, VideoWriter, check_output
from speediness.video.yuv420 import Yuv420Converter, from_planes, planes, to_yuv

COVER = 0.5  # of an object by its colour; its outline is covered wholly


@dataclass(frozen=True)
class Propagated:
    """What was written."""

    frames: int
    """Of the video, and masks of them."""
    objects: int
    warnings: tuple[str, ...]
    """What the reader had to put up with."""


def propagate(
    video: str | Path,
    mask: str | Path,
    out: str | Path,
    *,
    masks: str | Path | None = None,
    model: PlaceFeatures | None = None,
    force: bool = False,
    progress: Callable[[float, float], None] | None = None,
) -> Propagated:
    """Carry the mask of the first frame through a video, and write it over the video, sound in step.

    Frame rate and choice of frames are as when a video is sped up at rate 1
    (:func:`speediness.speedup.render.render_speedup`).

    Args:
        video: path.
        mask: PNG of the first frame, see :func:`speediness.propagate.mask_files.read_mask`.
        out: an ``.mp4``, ``.mov`` or ``.mkv`` in an existing folder.
        masks: folder for a PNG of every frame of the video, 00000.png first.
        model: what places are told by; None: the features that are shipped.
        force: replace existing results.
        progress: called after every frame with seconds written and their total.

    Raises:
        DataError: the mask cannot be read or does not fit the video.
        VideoError: the video cannot be read.
        OutputError: results cannot be written; nothing is left behind.
        WeightsError: the shipped features are missing.
    """
    video, out, masks = Path(video), Path(out), Path(masks) if masks is not None else None
    reader = VideoReader(video)
    check_output(out, video, force)
    if masks is not None:
        check_masks(masks, force)
    info, mask = reader.info, Path(mask)
    first_HW = fitted(read_mask(mask), info.height_px, info.width_px, mask)
    model = model or load_features()
    source_frames = sum(1 for _ in reader.decoded())  # a fast pass: how long the video is, nobody promises
    maker, rate = Yuv420Converter(info), standard_rate(info.frame_rate)
    painter = MaskPainter(maker.colour, maker.height_px)
    n_frames = max(round(reader.end_s * rate), 1)
    sound = AudioReader(reader) if info.has_audio else None
    forms = [SoundFormat(sound.sample_rate_hz, sound.channels)] if sound else []

    def tracked(folder: Path | None) -> Iterator[Carried]:
        carried = carry_masks(reader.decoded(), info.orientation, first_HW, model)
        for number, (time_s, (frame, labels_HW)) in enumerate(carried):
            if folder is not None:
                write_mask(folder / NAME.format(number), labels_HW)
            yield time_s, (frame, labels_HW)

    def painted(source: Iterator[Carried]) -> Iterator[av.VideoFrame]:
        moments_s = np.arange(0.5, n_frames, dtype=np.float64) / float(rate)
        last, image = None, None
        for _, shown in choose(source, moments_s):
            if image is None or shown is not last:
                last = shown
                frame, labels_HW = shown
                image = painter.paint(maker.make(frame), labels_HW)
            yield image
        for _ in source:  # a video of more frames a second than are written has masks of all
            pass

    size_px = (maker.width_px, maker.height_px)
    with (
        new_masks(masks) if masks is not None else nullcontext() as folder,
        VideoWriter(out, size_px, rate, maker.colour, forms) as writer,
    ):
        writer.write(painted(tracked(folder)), [sound.blocks()] if sound else [], n_frames, progress)
    return Propagated(source_frames, len(np.unique(first_HW[first_HW > 0])), tuple(reader.warnings))


class MaskPainter:
    """Lays objects over yuv420p frames, each in its colour, with an outline.

    Args:
        colour: tags of the video.
        height_px: of the frames.
    """

    def __init__(self, colour: ColourTags, height_px: int) -> None:
        self._colours_N3 = to_yuv(palette() / 255, colour, height_px)

    def paint(self, frame: av.VideoFrame, labels_HW: Labels) -> av.VideoFrame:
        """The frame, painted; the one given is left as it is.

        Args:
            frame: of even sides.
            labels_HW: at its size, or one more row or column.
        """
        result = []
        opacity_HW = np.where(labels_HW > 0, np.float32(COVER), np.float32(0))
        opacity_HW[outlines(labels_HW)] = 1
        for number, plane in enumerate(planes(frame)):
            step = 2 if number else 1
            height, width = plane.shape
            place = (slice(0, height * step, step), slice(0, width * step, step))
            over, opacity = self._colours_N3[labels_HW[place], number], opacity_HW[place]
            mixed = plane + (over.astype(np.float32) - plane) * opacity
            result.append(np.rint(mixed).astype(np.uint8))
        return from_planes(result)


def outlines(labels_HW: Labels) -> np.ndarray:
    """(H, W) pixels of objects that touch something else, two pixels wide."""
    edge_HW = np.zeros(labels_HW.shape, bool)
    for axis in (0, 1):
        for shift in (-2, -1, 1, 2):
            edge_HW |= labels_HW != np.roll(labels_HW, shift, axis)
    return edge_HW & (labels_HW > 0)
