"""``speediness propagate``."""

from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from speediness.cli.options import Force
from speediness.cli.outputs import check_folder
from speediness.cli.terminal import print_outputs


def propagate(
    video: Path,
    /,
    *,
    mask: Annotated[Path, Parameter(metavar="FIRST.png")],
    out: Annotated[Path, Parameter(name="-o", metavar="OUT.mp4")],
    masks: Annotated[Path | None, Parameter(metavar="DIR")] = None,
    model: Annotated[Path | None, Parameter(metavar="FILE.onnx")] = None,
    force: Force = False,
) -> None:
    """Carry the mask of the first frame through a video.

    Args:
        video: video to carry it through
        mask: PNG of the first frame: black background, a flat colour for each object
        out: video to write, with the objects in colour
        masks: also write a PNG for every frame, named in order
        model: features of places that train wrote (default: those that are shipped)
    """
    from speediness.progress import progress_bar
    from speediness.propagate.render import propagate as carry
    from speediness.propagate.track import load_features

    if masks is not None:
        check_folder(masks.parent, "choose another with --masks")
    with progress_bar(f"following {video.name}") as progress:
        made = carry(
            video, mask, out, masks=masks, model=load_features(model), force=force, progress=progress
        )
    for warning in made.warnings:
        print(f"note: {warning}")
    print(f"{made.objects} object{'s' if made.objects > 1 else ''} in {made.frames} frames")
    print_outputs({"film": out} | ({"masks": masks} if masks is not None else {}))
