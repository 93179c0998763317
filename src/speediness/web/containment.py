"""What a worker process takes upon itself before it touches a stranger's file."""

import os
import sys
import threading
from pathlib import Path

import av
from av.error import FFmpegError

from speediness.errors import VideoError

# Containers that hold their frames themselves. Playlists (HLS, DASH, concat, SDP) name other files
# and addresses, which FFmpeg would open: a video from outside the folder, a request to another machine.
SELF_CONTAINED = (
    "aiff,asf,avi,dv,flv,gif,h264,hevc,ivf,m4v,matroska,mov,mp4,mpeg,mpegts,mpegvideo,mxf,nut,ogg,rm,"
    "webm,yuv4mpegpipe"
)


def limit_process(memory_bytes: int, cpu_s: float, file_bytes: int) -> None:
    """Let the system end this process when it takes too much, and step back for the server.

    Args:
        memory_bytes: address space.
        cpu_s: processor time of all threads; the parent watches the wall clock besides.
        file_bytes: largest file that may be written.
    """
    if sys.platform == "win32":
        return  # which knows no such limits; the parent's clock still holds
    import resource

    for kind, most in (
        (resource.RLIMIT_AS, memory_bytes),
        (resource.RLIMIT_CPU, int(cpu_s) + 1),
        (resource.RLIMIT_FSIZE, file_bytes),
        (resource.RLIMIT_CORE, 0),
    ):
        _, hard = resource.getrlimit(kind)
        most = most if hard == resource.RLIM_INFINITY else min(most, hard)
        resource.setrlimit(kind, (most, most))
    os.nice(10)


def end_with_parent() -> None:
    """End this process as soon as the server does, however it ends: it holds our standard input."""

    def wait() -> None:
        sys.stdin.read()
        os._exit(1)

    threading.Thread(target=wait, daemon=True).start()


def open_contained(path: Path) -> tuple[str, float]:
    """See that a file is a video that needs no other file, by decoding its head.

    Returns:
        FFmpeg's name of the container, and where its clock starts in seconds.

    Raises:
        VideoError: it is something else.
    """
    options = {"format_whitelist": SELF_CONTAINED, "protocol_whitelist": "file"}
    try:
        with av.open(str(path.absolute()), container_options=options, metadata_errors="replace") as video:
            return video.format.name, (video.start_time or 0) / av.time_base
    except (FFmpegError, OSError, ValueError) as error:
        raise VideoError(
            f"{path} is not a video, or a playlist that names other files; give a whole MP4, MOV, MKV,"
            " WebM, AVI or GIF file"
        ) from error
