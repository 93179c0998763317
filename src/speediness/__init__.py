"""Speediness: how fast does this move, compared with how fast it should?

Three calls do the main job (no torch needed)::

    curve = analyse("video.mp4")
    plan = plan_speedup(curve, rate=2)
    render_speedup("video.mp4", plan, "video-2x.mp4")

For research: ``list_models()`` names the shipped weights, ``load_network(name)`` loads them for the
runtime, ``load_speednet(name)`` as a torch module.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from speediness.offline import switch_off_reports
from speediness.version import __version__

__all__ = [
    "__version__",
    "analyse",
    "list_models",
    "load_network",
    "load_speednet",
    "plan_speedup",
    "render_speedup",
]

if TYPE_CHECKING:
    from speediness.analysis.analyse import analyse
    from speediness.models.checkpoint import load_speednet
    from speediness.runtime.network import list_models, load_network
    from speediness.speedup.render import render_speedup
    from speediness.speedup.solver import plan_speedup

switch_off_reports()

_HOMES = {
    "analyse": "speediness.analysis.analyse",
    "list_models": "speediness.runtime.network",
    "load_network": "speediness.runtime.network",
    "load_speednet": "speediness.models.checkpoint",
    "plan_speedup": "speediness.speedup.solver",
    "render_speedup": "speediness.speedup.render",
}


def __getattr__(name: str) -> Any:
    """Import on first use, so that `import speediness` and `--help` cost nothing."""
    if name not in _HOMES:
        raise AttributeError(f"module 'speediness' has no attribute {name!r}")
    return getattr(import_module(_HOMES[name]), name)
