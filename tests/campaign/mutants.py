"""Damaged copies of a video: of its bytes, its boxes, its packets, its time stamps.

Everything follows from the generator that is handed in, so that a mutant can be made again from its number.
"""

from __future__ import annotations

import io
import struct
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import av
import numpy as np
from av.error import FFmpegError

Random = np.random.Generator
EXTREMES = (0, 1, 0x7F, 0xFF, 0x7FFF, 0xFFFF, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFF)
STEPS_S = (0.04, 0.5, 2.0, 9.0, 11.0, 100.0, 3_700.0, 95_000.0)  # a frame to more than a day
BLOCK = 512  # bytes that stand for a part where a container has no boxes that we know


class Part(NamedTuple):
    """A box, element, chunk or packet of a container."""

    start: int
    inside: int
    end: int


def mutate(content: bytes, rng: Random) -> bytes:
    """One mutant, of a kind drawn evenly; never the video as it was."""
    while True:
        mutant = KINDS[list(KINDS)[rng.integers(len(KINDS))]](content, rng)
        if mutant != content:
            return mutant


def of_bytes(content: bytes, rng: Random) -> bytes:
    """Bits flipped, runs overwritten, cut or put in: one to four times."""
    data = bytearray(content)
    for _ in range(rng.integers(1, 5)):
        at, length = int(rng.integers(len(data) or 1)), int(2 ** rng.uniform(0, 12))
        noise = rng.integers(0, 256, length, np.uint8).tobytes()
        match rng.integers(7):
            case 0:
                for place in rng.integers(0, len(data), rng.integers(1, 33) if data else 0):
                    data[place] ^= 1 << rng.integers(8)
            case 1:
                data[at : at + length] = noise[: len(data) - at]
            case 2:
                data[at : at + length] = bytes([rng.choice((0, 255))]) * (min(length, len(data) - at))
            case 3:
                del data[at : at + length]
            case 4:
                data[at:at] = noise
            case 5:
                data[at:at] = data[at : at + length]
            case _:
                del data[at:]
    return bytes(data)


def of_boxes(content: bytes, rng: Random) -> bytes:
    """Boxes dropped, doubled, exchanged, emptied or misnamed, or a number in one made extreme."""
    data = content
    for _ in range(rng.integers(1, 4)):
        found = parts(data)
        part, other = (found[rng.integers(len(found))] for _ in range(2))
        whole, head = data[part.start : part.end], data[part.start : part.inside]
        match rng.integers(8):
            case 0:
                changed = b""
            case 1:
                changed = whole * int(rng.integers(2, 4))
            case 2:
                changed = data[other.start : other.end]
            case 3:
                changed = head
            case 4:
                changed = rng.integers(0, 256, len(head), np.uint8).tobytes() + whole[len(head) :]
            case _:  # most often, since this is where programs break
                changed = _extreme(whole, rng)
        data = data[: part.start] + changed + data[part.end :]
    return data


def _extreme(box: bytes, rng: Random) -> bytes:
    at = int(rng.integers(min(len(box), 256) or 1))
    kind = ("B", ">H", ">I", "<I", ">Q")[rng.integers(5)]
    most = (1 << 8 * struct.calcsize(kind)) - 1
    number = struct.pack(kind, int(rng.choice(EXTREMES)) & most)
    return box[:at] + number + box[at + len(number) :]


def parts(content: bytes) -> list[Part]:
    """The parts of a container, outer and inner; blocks where it has none that we know."""
    found = []
    if content[4:8] == b"ftyp":
        found = list(_mp4(content, 0, len(content)))
    elif content[:4] == b"\x1a\x45\xdf\xa3":
        found = list(_matroska(content, 0, len(content)))
    elif content[:4] == b"RIFF":
        found = list(_riff(content, 12, len(content)))
    elif content[:1] == b"\x47" and content[188:189] == b"\x47":
        found = [Part(at, at + 4, at + 188) for at in range(0, len(content), 188)]
    return found or [
        Part(at, min(at + 8, len(content)), min(at + BLOCK, len(content)))
        for at in range(0, len(content) or 1, BLOCK)
    ]


def _mp4(content: bytes, at: int, end: int) -> Iterator[Part]:
    while at + 8 <= end:
        size, name = struct.unpack_from(">I4s", content, at)
        if not 8 <= size <= end - at:
            return
        yield Part(at, at + 8, at + size)
        if name in (b"moov", b"trak", b"mdia", b"minf", b"stbl", b"edts", b"moof", b"traf", b"mvex"):
            yield from _mp4(content, at + 8, at + size)
        elif name == b"stsd":
            yield from _mp4(content, at + 16, at + size)
        at += size


def _matroska(content: bytes, at: int, end: int) -> Iterator[Part]:
    while at < end:
        name_length = 9 - content[at].bit_length()
        length_at = at + name_length
        if name_length > 4 or length_at >= end or not content[length_at]:
            return
        length = 9 - content[length_at].bit_length()
        size = int.from_bytes(content[length_at : length_at + length], "big") & (1 << 7 * length) - 1
        inside = length_at + length
        stop = end if size == (1 << 7 * length) - 1 else min(inside + size, end)
        yield Part(at, inside, stop)
        # Segment, cluster, tracks, track, video, audio, cues, tags
        if content[at:length_at].hex() in ("18538067", "1f43b675", "1654ae6b", "ae", "e0", "e1",
                                           "1c53bb6b", "1254c367"):  # fmt: skip
            yield from _matroska(content, inside, stop)
        at = stop


def _riff(content: bytes, at: int, end: int) -> Iterator[Part]:
    while at + 8 <= end:
        name, size = struct.unpack_from("<4sI", content, at)
        stop = min(at + 8 + size + size % 2, end)
        yield Part(at, at + 8, stop)
        if name == b"LIST":
            yield from _riff(content, at + 12, stop)
        at = stop


def of_packets(content: bytes, rng: Random) -> bytes:
    """Packets left out, doubled, exchanged, cut short, emptied or scrambled, the container whole."""
    damage = rng.integers(1, 6)
    share = float(rng.choice((0.02, 0.1, 0.5)))
    kept: list[bytes] = []

    def change(packet: av.Packet) -> Iterator[av.Packet]:
        data = bytes(packet)
        kept.append(data)
        if rng.random() >= share:
            yield packet
            return
        match damage:
            case 1:
                return
            case 2:
                data = kept[rng.integers(len(kept))]
            case 3:
                data = data[: rng.integers(len(data) + 1)]
            case 4:
                data = of_bytes(data, rng)
            case _:
                yield packet
        other = av.Packet(data)
        other.pts, other.dts, other.duration = packet.pts, packet.dts, packet.duration
        other.time_base, other.stream, other.is_keyframe = (
            packet.time_base,
            packet.stream,
            packet.is_keyframe,
        )
        yield other

    return _muxed_again(content, change)


def of_stamps(content: bytes, rng: Random) -> bytes:
    """Time stamps that jump, go back, stand still, tremble, are missing or lie about durations."""
    damage, step_s = rng.integers(7), float(rng.choice(STEPS_S))
    from_packet, alone = rng.integers(60), bool(rng.integers(2))
    count = 0

    def change(packet: av.Packet) -> Iterator[av.Packet]:
        nonlocal count
        count += 1
        tick = packet.time_base or av.time_base
        step = round(step_s / float(tick))
        hit = count == from_packet if alone else count >= from_packet
        if hit and packet.dts is not None and packet.pts is not None:
            match damage:
                case 0:
                    packet.pts, packet.dts = packet.pts + step, packet.dts + step
                case 1:
                    packet.pts, packet.dts = packet.pts - step, packet.dts - step
                case 2:
                    packet.pts = packet.dts
                case 3:
                    packet.pts += int(rng.integers(-step, step + 1))
                case 4:
                    packet.pts = packet.dts = None
                case 5:
                    packet.duration = step
                case _:
                    packet.pts, packet.dts = packet.pts * 1000, packet.dts * 1000
        yield packet

    return _muxed_again(content, change)


def _muxed_again(content: bytes, change: Callable[[av.Packet], Iterator[av.Packet]]) -> bytes:
    """The same container with other packets; one that its writer refuses is left out."""
    written = io.BytesIO()
    with (
        av.open(io.BytesIO(content), "r") as source,
        av.open(written, "w", format=source.format.name.split(",")[0]) as out,
    ):
        streams: dict[int, Any] = {s.index: out.add_stream_from_template(s) for s in source.streams}
        for packet in source.demux():
            if not packet.size:
                continue
            packet.stream = streams[packet.stream_index]
            for changed in change(packet):
                try:
                    out.mux_one(changed)  # as it is, not sorted into the others
                except (FFmpegError, ValueError, OverflowError):
                    continue
    return written.getvalue()


KINDS: dict[str, Callable[[bytes, Random], bytes]] = {
    "bytes": of_bytes,
    "boxes": of_boxes,
    "packets": of_packets,
    "stamps": of_stamps,
}
