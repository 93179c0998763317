"""Videos from stdin and to stdout, by way of files: a video is read more than once, and written whole."""

import shutil
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from speediness.errors import OutputError

PIPE = Path("-")


@contextmanager
def piped(video: Path, out: Path | None) -> Iterator[tuple[Path, Path | None]]:
    """The files to read and to write where ``-`` stands for a stream; others stay as they are.

    What is read from stdin is kept on disk, in any container. What goes to stdout is MKV, and goes
    there when the block is left in peace: nothing half written.

    Raises:
        OutputError: stdout is a terminal.
    """
    if PIPE not in (video, out):
        yield video, out
        return
    if out == PIPE and sys.stdout.isatty():
        raise OutputError("a video is no text for a terminal; pipe it on, or name a file with -o")
    with TemporaryDirectory(prefix="speediness-") as folder:
        if video == PIPE:
            video = Path(folder, "stdin")
            with video.open("wb") as file:
                shutil.copyfileobj(sys.stdin.buffer, file)
        if out != PIPE:
            yield video, out
            return
        made = Path(folder, "stdout.mkv")
        yield video, made
        with made.open("rb") as file:
            shutil.copyfileobj(file, sys.stdout.buffer)
        sys.stdout.buffer.flush()
