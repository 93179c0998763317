"""``speediness heatmap``."""

from pathlib import Path
from typing import Annotated, Literal

from cyclopts import Parameter

from speediness.cli.options import Force, Quiet
from speediness.cli.outputs import check_file
from speediness.cli.terminal import print_outputs
from speediness.errors import OutputError


def heatmap(
    video: Path,
    /,
    *,
    out: Annotated[Path, Parameter(name="-o", metavar="OUT.mp4")],
    signed: bool = False,
    layout: Literal["overlay", "side-by-side", "map"] = "overlay",
    strip: Annotated[Path | None, Parameter(metavar="FILE.png")] = None,
    save_maps: Annotated[Path | None, Parameter(metavar="FILE.npz")] = None,
    force: Force = False,
    quiet: Quiet = False,
) -> None:
    """Show where in the frame the answer comes from.

    Args:
        video: video to look at
        out: video to write
        signed: which part looks natural, which sped up (default: which regions drive the prediction)
        layout: the map over the video, beside it, or alone
        strip: also draw key moments in one image
        save_maps: also keep the maps as numbers
    """
    from speediness.heatmap.maps import find_maps
    from speediness.heatmap.render import render_heatmap
    from speediness.progress import bar_for
    from speediness.video.reader import VideoReader
    from speediness.video.writer import check_output

    VideoReader(video)
    check_output(out, video, force)
    extra = {"strip": (strip, "--strip", ".png"), "maps": (save_maps, "--save-maps", ".npz")}
    outputs = {"film": out}
    for kind, (path, option, suffix) in extra.items():
        if path is None:
            continue
        if path.suffix.lower() != suffix:
            raise OutputError(f"{path}: give a name that ends in {suffix}")
        check_file(path, force, option)
        outputs[kind] = path
    bar = bar_for("none" if quiet else "bar")
    with bar(f"looking at {video.name}") as progress:
        maps = find_maps(video, "speed" if signed else "drive", progress=progress)
    if save_maps:
        maps.save(save_maps)
    if strip:
        from speediness.heatmap.strip import draw_strip

        draw_strip(video, maps, strip)
    with bar(f"drawing {out.name}") as progress:
        render_heatmap(video, maps, out, layout=layout, force=force, progress=progress)
    if not quiet:
        for warning in maps.warnings:
            print(f"note: {warning}")
        print_outputs(outputs)
