"""``speediness align``."""

from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from speediness.cli.options import Force, Json
from speediness.cli.terminal import print_json, print_outputs, print_table, stamp
from speediness.errors import OutputError


def align(
    a: Path,
    b: Path,
    /,
    *,
    out: Annotated[Path | None, Parameter(name="-o", metavar="OUT.mp4")] = None,
    moments: Annotated[str, Parameter(metavar="S,S,..")] = "",
    model: Annotated[Path | None, Parameter(metavar="FILE.onnx")] = None,
    json: Json = False,
    force: Force = False,
) -> None:
    """Bring a video into step with another of the same action.

    Args:
        a: video that leads, at its own speed
        b: video that follows
        out: video to write, both side by side
        moments: moments of A (seconds or mm:ss, with commas between) to find in B
        model: features that train wrote (default: those that are shipped)
    """
    import numpy as np

    from speediness.align.align import align_videos
    from speediness.align.features import load_features
    from speediness.progress import progress_bar
    from speediness.speedup.stretches import parse_moment

    if out is None and not (moments or json):
        raise OutputError("nothing to make: give -o OUT.mp4, --moments or --json")
    asked_s = np.array([parse_moment(text) for text in moments.split(",")] if moments else [], np.float64)
    with progress_bar(f"aligning {b.name}") as progress:
        made = align_videos(
            a, b, out, moments_s=asked_s, model=load_features(model), force=force, progress=progress
        )
    found = list(zip(asked_s.tolist(), made.moments_s.tolist(), strict=True))
    if json:
        print_json(
            {
                "schema": "speediness.alignment/1",
                "a": str(a),
                "b": str(b),
                "map": {"a_s": made.time_map.a_s.tolist(), "b_s": np.round(made.time_map.b_s, 6).tolist()},
                "moments": [{"a_s": a_s, "b_s": round(b_s, 6)} for a_s, b_s in found],
                "notes": list(made.warnings),
                "outputs": {} if out is None else {"film": str(out)},
            }
        )
        return
    for warning in made.warnings:
        print(f"note: {warning}")
    if found:
        print_table((a.name, b.name), [(stamp(a_s), stamp(b_s)) for a_s, b_s in found], left=())
    if out is not None:
        print_outputs({"film": out})
