"""speediness heatmap: show where in the image the network sees what it says."""

from __future__ import annotations

import argparse
from pathlib import Path

from speediness.cli.analyse import print_outputs
from speediness.cli.outputs import check_folder, check_new
from speediness.errors import OutputError


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options of this verb."""
    parser.add_argument("video", metavar="VIDEO", type=Path, help="video to look at")
    parser.add_argument(
        "-o", dest="out", metavar="OUT.mp4", type=Path, required=True, help="video to write"
    )
    parser.add_argument(
        "--signed",
        action="store_true",
        help="which part looks natural, which sped up (default: which regions drive the prediction)",
    )
    parser.add_argument(
        "--layout",
        choices=["overlay", "side-by-side", "map"],
        default="overlay",
        help="the map over the video, beside it, or alone (default: overlay)",
    )
    parser.add_argument("--strip", metavar="FILE.png", type=Path, help="also draw key moments in one image")
    parser.add_argument(
        "--save-maps", dest="maps", metavar="FILE.npz", type=Path, help="also keep the maps as numbers"
    )
    parser.add_argument("--force", action="store_true", help="replace results that exist")


def run(arguments: argparse.Namespace) -> int:
    """Find the maps, then draw them; all that can be refused is refused before the long work."""
    from speediness.heatmap.maps import find_maps
    from speediness.heatmap.render import render_heatmap
    from speediness.progress import progress_bar
    from speediness.video.reader import VideoReader
    from speediness.video.writer import check_output

    video, out = arguments.video, arguments.out
    VideoReader(video)
    check_output(out, video, arguments.force)
    extra = {"strip": (arguments.strip, ".png"), "maps": (arguments.maps, ".npz")}
    outputs = {"film": out}
    for kind, (path, suffix) in extra.items():
        if path is None:
            continue
        if path.suffix.lower() != suffix:
            raise OutputError(f"{path}: give a name that ends in {suffix}")
        check_folder(path.parent, "choose another")
        check_new(path, arguments.force)
        outputs[kind] = path
    with progress_bar(f"looking at {video.name}") as progress:
        maps = find_maps(video, "speed" if arguments.signed else "drive", progress=progress)
    if arguments.maps:
        maps.save(arguments.maps)
    if arguments.strip:
        from speediness.heatmap.strip import draw_strip

        draw_strip(video, maps, arguments.strip)
    with progress_bar(f"drawing {out.name}") as progress:
        render_heatmap(video, maps, out, layout=arguments.layout, force=arguments.force, progress=progress)
    for warning in maps.warnings:
        print(f"note: {warning}")
    print_outputs({kind: str(path) for kind, path in outputs.items()})
    return 0
