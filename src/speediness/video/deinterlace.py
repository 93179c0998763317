"""Interlaced video made progressive, so that moving edges are not combed."""

from collections import deque
from collections.abc import Iterable, Iterator

import av
from av.error import BlockingIOError as NothingYet
from av.error import EOFError as NothingMore
from av.filter import Graph


def deinterlaced(frames: Iterable[av.VideoFrame]) -> Iterator[av.VideoFrame]:
    """One progressive frame of the same time for every frame; progressive ones stay as they are.

    FFmpeg's bwdif (https://ffmpeg.org/ffmpeg-filters.html#bwdif) keeps the lines of the field shown
    first and fills in the others from their neighbours in space and time.
    """
    graph: Graph | None = None
    kind: tuple[str, int, int] | None = None
    given: deque[av.VideoFrame] = deque()
    for frame in frames:
        if graph is None and not frame.interlaced_frame:
            yield frame
            continue
        if kind != (frame.format.name, frame.width, frame.height):  # a stream may change on the way
            if graph is not None:
                graph.vpush(None)
                yield from _finished(graph, given)
            kind = (frame.format.name, frame.width, frame.height)
            graph = _graph(frame)
        assert graph is not None
        given.append(frame)
        graph.vpush(frame)
        yield from _finished(graph, given)
    if graph is not None:
        graph.vpush(None)
        yield from _finished(graph, given)


def _graph(frame: av.VideoFrame) -> Graph:
    graph = Graph()
    source = graph.add_buffer(
        width=frame.width, height=frame.height, format=frame.format, time_base=frame.time_base
    )
    graph.link_nodes(
        source, graph.add("bwdif", "mode=send_frame:deint=interlaced"), graph.add("buffersink")
    ).configure()
    return graph


def _finished(graph: Graph, given: deque[av.VideoFrame]) -> Iterator[av.VideoFrame]:
    """What the filter lets go of; it keeps one frame back, and counts time on a clock of its own."""
    while True:
        try:
            frame = graph.vpull()
        except (NothingYet, NothingMore):
            return
        source = given.popleft()
        frame.pts, frame.dts, frame.time_base = source.pts, source.dts, source.time_base
        frame.duration = source.duration
        yield frame
