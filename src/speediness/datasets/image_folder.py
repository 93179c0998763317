"""A video stored as numbered images in a folder, as tracking benchmarks publish theirs."""

import io
import re
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path

import av
from av.error import FFmpegError

from speediness.errors import VideoError
from speediness.video.orientation import Orientation
from speediness.video.reader import Frame, FrameScaler

IMAGE_SUFFIXES = {".jpg", ".jpeg", ".png"}


class ImageFolder:
    """Reads a folder of images as :class:`~speediness.video.reader.VideoReader` reads a file.

    Image n is shown (n - first) / frame_rate seconds after the first: an image that is not there
    leaves a gap and moves no other.

    Attributes:
        images: (number, file) in order of number.

    Raises:
        VideoError: no such folder, no images in it, or not one number each.
    """

    def __init__(self, folder: Path, frame_rate: Fraction) -> None:
        self.folder, self.frame_rate = folder, frame_rate
        if not folder.is_dir():
            raise VideoError(f"{folder} does not exist; unpack the images there")
        files = {path for path in folder.iterdir() if path.suffix.lower() in IMAGE_SUFFIXES}
        numbers = {path: re.search(r"\d+$", path.stem) for path in files if not path.name.startswith("._")}
        if not numbers:
            raise VideoError(f"{folder} holds no images; unpack the JPEG or PNG files there")
        self.images: list[tuple[int, Path]] = []
        for path, number in numbers.items():
            if number is None:
                raise VideoError(f"{path} has no number at the end of its name; call it 00001.jpg or so")
            self.images.append((int(number[0]), path))
        self.images.sort()
        for (number, path), (following, other) in zip(self.images, self.images[1:], strict=False):
            if number == following:
                raise VideoError(f"{path} and {other} have the same number; remove one of them")

    def frames(
        self, short_side_px: int | None = None, channels: int = 3, scene_px: int | None = None
    ) -> Iterator[Frame]:
        """Every image in order, upright, with its exact time from the first.

        Arguments are those of :meth:`speediness.video.reader.VideoReader.frames`.

        Raises:
            VideoError: an image cannot be decoded or differs from the first in size.
        """
        first = _decode(self.images[0][1])
        scaler = FrameScaler((first.width, first.height), Orientation.of_frame(first))
        return scaler.frames(self._decoded(first), short_side_px, channels, scene_px)

    def _decoded(self, first: av.VideoFrame) -> Iterator[tuple[Fraction, av.VideoFrame]]:
        first_number, first_path = self.images[0]
        for number, path in self.images:
            image = first if path == first_path else _decode(path)
            if (image.width, image.height) != (first.width, first.height):
                raise VideoError(f"{path} is not as large as {first_path.name}; they are not of one video")
            yield (number - first_number) / self.frame_rate, image


def _decode(path: Path) -> av.VideoFrame:
    # From memory: FFmpeg takes a % in a file's name for a pattern of numbered files.
    try:
        with av.open(io.BytesIO(path.read_bytes()), "r") as container:
            stream = container.streams.video[0]
            # Without it the part of a JPEG that is missing would be grey and nothing said.
            stream.codec_context.options = {"err_detect": "explode"}
            for image in container.decode(stream):
                return image
    except (FFmpegError, IndexError, ValueError) as error:
        raise VideoError(f"{path} is not an image, or is damaged or cut short; unpack it again") from error
    raise VideoError(f"{path} holds no image; unpack it again")
