"""Masks as PNG files: 0 background, 1.. objects, each of a colour of its own."""

# H W frame size

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
from numpy.typing import NDArray
from PIL import Image, UnidentifiedImageError

from speediness.errors import DataError, OutputError

Labels = NDArray[np.uint8]
"""(H, W), 0 background, 1.. objects."""

MOST_OBJECTS = 32
NAME = "{:05d}.png"  # as in DAVIS


def palette() -> NDArray[np.uint8]:
    """(256, 3) red, green and blue of the labels, black first: those of PASCAL VOC and DAVIS.

    The bits of a number, three by three from the low end, are the high bits of its colour.
    """
    numbers = np.arange(256)
    colours = np.zeros((256, 3), np.uint8)
    for place in range(8):
        for channel in range(3):
            bit = numbers >> (3 * place + channel) & 1 if 3 * place + channel < 8 else numbers * 0
            colours[:, channel] |= (bit << (7 - place)).astype(np.uint8)
    return colours


def read_mask(path: Path, empty: bool = False) -> Labels:
    """A mask: numbers of a palette as they are; other colours are numbered, darkest first.

    Black is background. So a white object on black is 1, and of grey levels the darkest.

    Args:
        path: of the image.
        empty: a mask without an object is one too.

    Raises:
        DataError: missing, no image, without an object, or of more colours than a mask has.
    """
    try:
        with Image.open(path) as image:
            if image.mode == "P":
                labels = np.asarray(image)
            else:
                rgb = np.asarray(image.convert("RGB")).astype(np.uint32)
                codes, labels = np.unique(
                    rgb @ np.array([1 << 16, 1 << 8, 1], np.uint32), return_inverse=True
                )
                labels = labels.reshape(rgb.shape[:2]) + int(codes[0] != 0)
    except FileNotFoundError as error:
        raise DataError(f"{path} does not exist; give the mask of the first frame as a PNG") from error
    except (UnidentifiedImageError, OSError) as error:
        raise DataError(f"{path} is not an image that can be read; give the mask as a PNG") from error
    if labels.max() > MOST_OBJECTS:
        raise DataError(
            f"{path} has {labels.max()} colours or more besides black, a mask at most {MOST_OBJECTS}:"
            " save it as a PNG with one flat colour an object, without smooth edges"
        )
    if not (empty or labels.any()):
        raise DataError(f"{path} marks no object: it is all background; paint the object in another colour")
    return labels.astype(np.uint8)


def fitted(labels_HW: Labels, height: int, width: int, path: Path) -> Labels:
    """The mask at the size of the frame; one of the same shape is scaled.

    Raises:
        DataError: the mask is of another shape.
    """
    if labels_HW.shape == (height, width):
        return labels_HW
    rows, columns = labels_HW.shape
    if abs(rows * width - columns * height) > max(rows * width, columns * height) * 0.02:
        raise DataError(
            f"{path} is {columns}x{rows}, the video {width}x{height}: give a mask of its first frame"
        )
    scaled = Image.fromarray(labels_HW).resize((width, height), Image.Resampling.NEAREST)
    return np.asarray(scaled)


def write_mask(path: Path, labels_HW: Labels) -> None:
    """Write a PNG with :func:`palette`.

    Raises:
        OutputError: it cannot be written.
    """
    image = Image.fromarray(labels_HW)
    image.putpalette(palette().tobytes())
    try:
        image.save(path)
    except OSError as error:
        raise OutputError(f"cannot write {path}: {error.strerror}; free some space") from error


def check_masks(folder: Path, force: bool) -> None:
    """Make sure that no files are replaced unasked; the folder may be missing.

    Raises:
        OutputError: it holds files and ``force`` is off, or is no folder.
    """
    if folder.exists() and not folder.is_dir():
        raise OutputError(f"{folder} is a file; choose another name with --masks")
    if folder.is_dir() and any(folder.iterdir()) and not force:
        raise OutputError(f"{folder} holds files already; add --force to replace its masks")


@contextmanager
def new_masks(folder: Path) -> Iterator[Path]:
    """A folder to write masks into; they are moved to ``folder`` when all are there, in place of old ones.

    Raises:
        OutputError: they cannot be moved.
    """
    with TemporaryDirectory(dir=folder.parent, prefix=f".{folder.name}.") as made:
        yield Path(made)
        try:
            folder.mkdir(exist_ok=True)
            for old in folder.glob("[0-9]" * 5 + "*.png"):
                old.unlink()
            for path in Path(made).iterdir():
                path.replace(folder / path.name)
        except OSError as error:
            raise OutputError(f"cannot write into {folder}: {error.strerror}; choose another") from error
