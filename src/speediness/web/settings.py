"""What a server is allowed to do: which folder, for whom, and how much of the machine."""

import ipaddress
from dataclasses import dataclass, field
from pathlib import Path

GIB = 1 << 30


@dataclass(frozen=True)
class Limits:
    """How much one video, and one job on it, may take."""

    upload_bytes: int = 4 * GIB
    video_s: float = 3 * 3600.0
    """Longest video that is worked on, seconds."""
    memory_bytes: int = 8 * GIB
    """Address space of a worker process. A small video takes up to 2.4 GiB, large frames more."""
    look_s: float = 60.0
    """Wall time for opening a video and decoding its first frame."""
    work_s_per_video_s: float = 30.0
    """Wall time of any other job for each second of video; an analysis on two cores takes about 1 s."""
    work_s: float = 300.0
    """Wall time of any other job in addition to that."""
    queued_jobs: int = 20


@dataclass(frozen=True)
class Settings:
    """One server's folders, address and limits."""

    folder: Path
    """Videos are taken from here and from nowhere else; absolute, without symbolic links."""
    state: Path
    """Uploads, results and votes are kept here; absolute, without symbolic links."""
    host: str = "127.0.0.1"
    port: int = 8000
    token: str | None = None
    """What a browser must present once; None on loopback, where only this machine can ask."""
    limits: Limits = field(default_factory=Limits)


def is_loopback(host: str) -> bool:
    """Whether an address to listen on can be reached from this machine alone."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
