"""mpv in a process of its own, driven by its JSON IPC (mpv's manual, "JSON IPC")."""

import json
import shutil
import socket
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from speediness.errors import SpeedinessError

GRACE_S = 5  # to close its window
READ_BYTES = 1 << 16
POSITION = "time-pos"
"""The property that says which moment of the video is shown, seconds."""


def find_mpv() -> str:
    """The program.

    Raises:
        SpeedinessError: mpv is missing, or this system has no sockets to talk to it.
    """
    if sys.platform == "win32":
        # There mpv talks through a named pipe, which Python cannot read and write at once.
        raise SpeedinessError("play does not work on Windows; use the page: speediness serve")
    program = shutil.which("mpv")
    if program is None:
        raise SpeedinessError("mpv was not found; install it (mpv.io), or use the page: speediness serve")
    return program


class Mpv:
    """mpv with a video open, paused at its start; a context manager that ends it.

    Times it reports are those of the container, whose first frame need not be at 0.

    Args:
        video: to play.
        options: of mpv's command line, such as ``--fs``; they come last.

    Raises:
        SpeedinessError: as :func:`find_mpv`.
    """

    def __init__(self, video: Path, options: Sequence[str] = ()) -> None:
        program = find_mpv()
        self._socket, theirs = socket.socketpair()
        own = ["--pause", "--rebase-start-time=no", "--no-input-terminal", "--msg-level=all=error"]
        with theirs:
            self._process = subprocess.Popen(
                [program, f"--input-ipc-client=fd://{theirs.fileno()}", *own, *options, "--", str(video)],
                pass_fds=[theirs.fileno()],
                stdin=subprocess.DEVNULL,
            )

    def __enter__(self) -> Self:
        """Nothing to do: it runs already."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """End it if it still runs."""
        self._socket.close()
        self._process.terminate()
        try:
            self._process.wait(GRACE_S)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()

    def command(self, *words: Any, **named: Any) -> None:
        """Give a command by words, or by name with named arguments; what it answers is not waited for."""
        command = {"name": words[0], **named} if named else list(words)
        with suppress(BrokenPipeError, ConnectionResetError):  # it was closed; :meth:`events` ends
            self._socket.sendall(json.dumps({"command": command}).encode() + b"\n")

    def events(self) -> Iterator[dict[str, Any]]:
        """What happens, until mpv is closed; of several positions that wait to be read only the last.

        Raises:
            SpeedinessError: mpv gave up.
        """
        rest = b""
        with suppress(ConnectionResetError):
            while data := self._socket.recv(READ_BYTES):
                *lines, rest = (rest + data).split(b"\n")
                events = [json.loads(line) for line in lines]
                positions = [n for n, event in enumerate(events) if event.get("name") == POSITION]
                old = set(positions[:-1])
                yield from (event for n, event in enumerate(events) if "event" in event and n not in old)
        code = self._process.wait()
        if code > 0 and code != 4:  # 4: it was told to quit by a signal
            raise SpeedinessError(f"mpv gave up (exit code {code}); try it alone: mpv VIDEO")
