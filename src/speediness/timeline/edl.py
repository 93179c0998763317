"""Edit decision list, CMX 3600: one event for each piece, its speed on an M2 line.

An event names the source frames it takes and the output frames it fills; their ratio is the exact
speed, the M2 line repeats it in frames per second, rounded to a tenth as the format has it.
Timecodes count frames without drops, at the output's rate rounded up to whole frames per second.
"""

from speediness.timeline.format import Format
from speediness.timeline.time_map import TimeMap
from speediness.video.info import VideoInfo

REEL = "AX"  # "auxiliary": a source that is a file, not a tape
START_H = 1  # programmes begin at 01:00:00:00
CHANNELS = {0: "V", 1: "B"}  # B is the video and one channel of sound
TWO_CHANNELS = "AA/V"


def write(time_map: TimeMap, info: VideoInfo) -> str:
    """Timecodes HH:MM:SS:FF; the source begins at 00:00:00:00."""
    rate = time_map.frame_rate
    base = -(-rate.numerator // rate.denominator)
    name = " ".join(info.path.name.split())
    channels = CHANNELS.get(info.audio_channels if info.has_audio else 0, TWO_CHANNELS)
    lines = [f"TITLE: {name}", "FCM: NON-DROP FRAME"]
    for number, piece in enumerate(time_map.pieces(), 1):
        source = [round(moment_s * rate) for moment_s in (piece.source_start_s, piece.source_end_s)]
        record = [frame + START_H * 3600 * base for frame in (piece.start_frame, piece.end_frame)]
        codes = " ".join(timecode(frame, base) for frame in source + record)
        lines.append(f"{number:03d}  {REEL:8} {channels:5} C        {codes}")
        if source[1] - source[0] != piece.frames:
            speed = float(rate * (source[1] - source[0]) / piece.frames)
            lines.append(f"M2   {REEL:8} {speed:05.1f}                {timecode(source[0], base)}")
        lines.append(f"* FROM CLIP NAME: {name}")
    return "\n".join([*lines, ""])


def timecode(frame: int, base: int) -> str:
    """HH:MM:SS:FF of a frame number at ``base`` frames per second."""
    seconds, frames = divmod(frame, base)
    return f"{seconds // 3600:02d}:{seconds // 60 % 60:02d}:{seconds % 60:02d}:{frames:02d}"


FORMAT = Format(write, max_error_frames=0.5, whole_source_frames=True)
