"""``speediness serve`` in a process of its own, and the workers it starts."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from pathlib import Path

from speediness.web.settings import Settings
from web_site import PATIENCE_S, Site, workers

UPLOAD_GB = 0.004


class Server:
    """A server that runs apart.

    Attributes:
        site: a client of it.
        pid: its process number.
    """

    def __init__(self, settings: Settings, pid: int) -> None:
        self.site, self.pid = Site(settings), pid

    def wait_for_worker(self, job_id: str) -> None:
        """Wait until a job runs."""
        until_s = time.monotonic() + PATIENCE_S
        while not (self.site.get(f"jobs/{job_id}")["state"] == "running" and workers(self.pid)):
            assert time.monotonic() < until_s, "the job does not begin"
            time.sleep(0.02)

    def kill_workers(self) -> None:
        """``kill -9`` to whatever worker runs."""
        for worker in workers(self.pid):
            with suppress(ProcessLookupError):  # done a moment ago
                os.kill(worker, signal.SIGKILL)


def error_log(settings: Settings) -> Path:
    """What a server complained of; a traceback in it is a bug."""
    return settings.state / "server.err"


@contextmanager
def served(settings: Settings, cache: Path) -> Iterator[Server]:
    """Serve a folder until the end of the block.

    Args:
        settings: its folders; it chooses a port of its own and has the limits of the command line.
        cache: where its workers keep results.
    """
    given = ["--port", "0", "--state", str(settings.state), "--max-upload", str(UPLOAD_GB)]
    process = subprocess.Popen(
        [sys.executable, "-m", "speediness.cli.main", "serve", str(settings.folder), *given],
        stdout=subprocess.PIPE,
        stderr=error_log(settings).open("w"),
        text=True,
        start_new_session=True,
        env=os.environ | {"SPEEDINESS_CACHE": str(cache)},
    )
    try:
        assert process.stdout is not None
        address = process.stdout.readline().split()[-1]
        server = Server(replace(settings, port=int(address.rstrip("/").rpartition(":")[2])), process.pid)
        with server.site.client:
            yield server
    finally:
        process.send_signal(signal.SIGINT)
        process.wait(PATIENCE_S)
