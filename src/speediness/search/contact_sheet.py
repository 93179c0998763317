"""What a search found, to look at: a page of video strips, and short videos."""

import re
from collections.abc import Iterator, Sequence
from fractions import Fraction
from html import unescape
from itertools import chain
from pathlib import Path

import av
import numpy as np
from av.video.reformatter import ColorRange, Colorspace
from numpy.typing import NDArray

from speediness.corpus.page import write_page
from speediness.corpus.window_images import jpeg, upright
from speediness.errors import VideoError
from speediness.search.hits import Hit
from speediness.video.frame_choice import choose
from speediness.video.reader import VideoReader, find_video_stream, open_media
from speediness.video.resume_point import keyframe_before
from speediness.video.writer import VideoWriter
from speediness.video.yuv420 import BT709

FRAMES = 6
STRIP_PX = 240  # long side of an image in a strip
PREVIEW_PX, PREVIEW_RATE = 320, Fraction(12)
LISTED = re.compile(r'<div class="head"><b>(\d+)</b>.*?<span class="dim path">([^<]*)</span>', re.DOTALL)
"""Place and path of a hit on the page."""


def contact_sheet(hits: Sequence[Hit], out_html: Path) -> None:
    """Write one page that needs nothing else: of every hit, in order, six images over its length.

    A video that cannot be read any more is listed without images. The page is replaced once it is whole.

    Raises:
        OutputError: it cannot be written.
    """
    write_page(out_html, "hits.html", hits=[(hit, *_strip(hit)) for hit in hits])


def previews(hits: Sequence[Hit], folder: Path) -> tuple[list[Path], dict[Path, str]]:
    """Write a short silent video of every hit, numbered in their order, at its own speed.

    Returns:
        Paths of those written, where files of these names are replaced; and of every video that
        cannot be read any more, why.

    Raises:
        OutputError: a preview cannot be written.
    """
    written, failed = [], {}
    for n, hit in enumerate(hits, 1):
        out = folder / _preview_name(n, hit.path)
        try:
            _write_preview(hit, out)
        except VideoError as error:
            failed[hit.path] = str(error)
        else:
            written.append(out)
    return written, failed


def earlier_previews(out_html: Path) -> set[Path]:
    """The short videos that were written beside a page; no other file, whatever it is called.

    Args:
        out_html: the page; without one there are none.
    """
    try:
        page = out_html.read_text("utf-8")
    except (OSError, UnicodeDecodeError):
        return set()
    return {
        out_html.with_name(_preview_name(int(n), Path(unescape(path)))) for n, path in LISTED.findall(page)
    }


def _preview_name(n: int, video: Path) -> str:
    return f"{n:02d}-{video.stem[:60]}.mp4"


def _write_preview(hit: Hit, out: Path) -> None:
    count = max(round((hit.end_s - hit.start_s) * PREVIEW_RATE), 1)
    moments_s = hit.start_s + np.arange(count) / float(PREVIEW_RATE)
    images = _images(hit.path, moments_s, PREVIEW_PX)
    first_HWC = next(images)
    height_px, width_px = first_HWC.shape[:2]
    with VideoWriter(out, (width_px, height_px), PREVIEW_RATE, BT709) as video:
        for pixels_HWC in chain([first_HWC], images):
            frame = av.VideoFrame.from_ndarray(pixels_HWC, format="rgb24")
            video.add_frame(
                frame.reformat(
                    format="yuv420p", dst_colorspace=Colorspace.ITU709, dst_color_range=ColorRange.MPEG
                )
            )


def _strip(hit: Hit) -> tuple[list[bytes], str]:
    """Images over the length of a hit, as JPEG; or what is wrong with its video."""
    moments_s = hit.start_s + (np.arange(FRAMES) + 0.5) / FRAMES * (hit.end_s - hit.start_s)
    try:
        return [jpeg(pixels) for pixels in _images(hit.path, moments_s, STRIP_PX)], ""
    except VideoError as error:
        return [], str(error)


def _images(path: Path, moments_s: NDArray[np.float64], long_side_px: int) -> Iterator[NDArray[np.uint8]]:
    """What a video shows at ascending moments, to the next frame that others lean on."""
    reader = VideoReader(path)
    with open_media(path) as container:
        found = keyframe_before(
            container, find_video_stream(container, path), reader.start_s, float(moments_s[0])
        )
    frames = reader.decoded() if found is None else reader.reference_frames(found[1])
    for _, frame in choose(frames, moments_s):
        yield upright(reader, frame, long_side_px)
