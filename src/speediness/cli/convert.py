"""``speediness convert``."""

from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from speediness.cli.options import Force, Settings
from speediness.cli.outputs import check_file
from speediness.cli.terminal import print_outputs


def convert(
    file: Path,
    recipe: str,
    /,
    *,
    out: Annotated[Path, Parameter(name="-o", metavar="OUT.safetensors")],
    settings: Settings = (),
    force: Force = False,
) -> None:
    """Take a backbone from weights of another project, and say which layers were taken and left.

    Args:
        file: weights that torch.save wrote: .pth, .pt, .pth.tar
        recipe: whose backbone and clips the network gets, such as finetune_112 --set backbone=r2plus1d18
        out: file to write
    """
    from speediness.models.checkpoint import save_network
    from speediness.models.convert import convert
    from speediness.training.recipes import find_recipe

    config = find_recipe(recipe, settings).config
    check_file(out, force)
    found = convert(file, config)
    save_network(out, found.encoder, found.encoder.made_by)
    print(f"{config.backbone}: {found.taken} layers, from {found.first} to {found.last}")
    if found.left:
        some = ", ".join(found.left[:6]) + (", .." if len(found.left) > 6 else "")
        print(f"left: {len(found.left)} layers, {some}")
    print_outputs({"weights": out})
