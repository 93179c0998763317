"""Keeps dependencies from reporting their use, and their caches from lying about.

The package calls :func:`switch_off_reports` when it is imported, which is before it imports anything
that reports. Every verb, worker and job of the page imports the package, so none can forget.
"""

import logging
import os
import sys
from pathlib import Path

SWITCHES = {
    "ORT_DISABLE_TELEMETRY": "1",  # ONNX Runtime, docs/Privacy.md: events, uploader, device identifier
    "RAY_USAGE_STATS_ENABLED": "0",  # Ray, "Usage stats collection"
    "HF_HUB_DISABLE_TELEMETRY": "1",  # huggingface_hub, "Environment variables"
    "HF_HUB_DISABLE_UPDATE_CHECK": "1",
}
"""Documented environment variables that switch off reports of use; child processes inherit them."""

OPTIONAL_REPORTERS = ("openvino_telemetry",)
"""Packages that do nothing but report.

OpenVINO reports that it was imported, unless this package is missing. Its opt-out command would
write to the user's home, and ``CI=true``, which it also obeys, would mean something to others.
"""


def switch_off_reports() -> None:
    """Switch off what dependencies send to their makers; a package imported earlier is left alone."""
    os.environ.update(SWITCHES)
    for package in OPTIONAL_REPORTERS:
        # Python's import system: a None here means "there is no such module".
        sys.modules.setdefault(package, None)  # pyright: ignore[reportArgumentType]


def cache_folder() -> Path | None:
    """$SPEEDINESS_CACHE, or ``speediness`` where the platform keeps what can be made again.

    None when not even a home folder is known.
    """
    if named := os.environ.get("SPEEDINESS_CACHE"):
        return Path(named)
    from platformdirs import user_cache_path

    try:
        return user_cache_path("speediness", appauthor=False, opinion=False)
    except RuntimeError:
        return None


def keep_caches_inside() -> None:
    """Let dependencies keep their files in :func:`cache_folder`, where the user names no other place.

    For programs, not for the package: in a notebook Matplotlib's settings are the user's own.
    """
    if folder := cache_folder():
        os.environ.setdefault("MPLCONFIGDIR", str(folder / "matplotlib"))
        os.environ.setdefault("TORCHINDUCTOR_CACHE_DIR", str(folder / "torch"))
    # It warns where its list of fonts cannot be kept; that list is made again at no loss.
    logging.getLogger("matplotlib.font_manager").setLevel(logging.ERROR)
