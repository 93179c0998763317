"""How large is every backbone, and what does it cost, against what is published?

    python benchmarks/backbones.py

Prints the Markdown table of docs/backbones.md; nothing is run, only counted. Published figures are from:

- torchvision: num_params and GFLOPS in the documentation of its weights; with 400 classes.
- mmaction2: the table on its page of C3D; with fc6, fc7 and 101 classes.
- I3D: Carreira and Zisserman 2017, Table 1, two streams of 25 M together, so half of it; with 400 classes.
- lite0: TensorFlow's page of EfficientNet-Lite, and timm to the last parameter; with 1000 classes.
- two_stream_i3d: as I3D. non_local: Wang et al. 2018, Table 2e, is of ResNet-101: 1.2 times 43.2 M, 34.2 G.
- space_time_attention: Bertasius et al. 2021; with 174 classes and a class token; 0.59 T for three crops.
- r3d18: none for this very stem. torchvision's r3d_18, 33,371,472, plus the larger stem's weights.
"""

from __future__ import annotations

from argparse import ArgumentParser, RawDescriptionHelpFormatter
from dataclasses import dataclass

import torch

from speediness.models.backbones import BACKBONES
from speediness.models.cost import count_macs, count_parameters


@dataclass(frozen=True)
class Published:
    """What is said of a network elsewhere, and at which clip (T, H, W) it is counted here."""

    paper: str = ""
    clip: tuple[int, int, int] = (16, 112, 112)
    classifier: int = 0
    """Parameters that the published figure has beyond the backbone."""
    parameters: str = ""
    gmacs: str = ""


K400 = 400 * (1024 + 1)
RESNET_K400 = 400 * (512 + 1)
# fc6, fc7 and 101 classes; the paper's convolutions have a bias where these have batch norm's two numbers.
C3D_REST = (8192 + 1) * 4096 + (4096 + 1) * 4096 + (4096 + 1) * 101 - 2752

PUBLISHED = {
    "motion": Published("ours, cells of 8 x 8 px", (16, 8, 8)),
    "s3dg": Published("Xie et al. 2018, as SpeedNet §3.2 has it", (16, 224, 224)),
    "s3dg_strided": Published("Xie et al. 2018", (64, 224, 224)),
    "s3dg_rspnet": Published("RSPNet 2021", (64, 224, 224)),
    "s3d": Published("Xie et al. 2018", (16, 224, 224), K400, "8.320 M", "17.98"),
    "i3d": Published("Carreira and Zisserman 2017", (64, 224, 224), K400, "12.5 M"),
    "c3d": Published("Tran et al. 2015", (16, 112, 112), C3D_REST, "78.4 M", "38.5"),
    "r3d18": Published("Hara et al. 2018", (16, 112, 112), RESNET_K400, "33.409 M"),
    "r2plus1d18": Published("Tran et al. 2018", (16, 112, 112), RESNET_K400, "31.505 M", "40.52"),
    "single_frame": Published("Karpathy et al. 2014", (1, 170, 170)),
    "late_fusion": Published("Karpathy et al. 2014", (16, 170, 170)),
    "late_pooling": Published("the lecture", (16, 170, 170)),
    "early_fusion": Published("Karpathy et al. 2014, T = 16", (16, 170, 170)),
    "slow_fusion": Published("Karpathy et al. 2014", (10, 170, 170)),
    "multiresolution": Published("Karpathy et al. 2014", (1, 178, 178)),
    "spatial_stream": Published("Simonyan and Zisserman 2014", (10, 224, 224)),
    "temporal_stream": Published("Simonyan and Zisserman 2014", (10, 224, 224)),
    "two_stream": Published("Simonyan and Zisserman 2014", (10, 224, 224)),
    "two_stream_i3d": Published("Carreira and Zisserman 2017", (64, 224, 224), 2 * K400, "25 M"),
    "frame_resnet18": Published("Jabri et al. 2020, three stages", (1, 256, 256)),
    "lite0": Published("EfficientNet-Lite0", (1, 224, 224), 1000 * (1280 + 1), "4.652 M", "0.407"),
    "inflated_lite0": Published("Carreira and Zisserman 2017, section 2.4", (16, 224, 224)),
    "lrcn": Published("Donahue et al. 2015", (16, 224, 224)),
    "non_local": Published("Wang et al. 2018, ResNet-50", (32, 224, 224)),
    "space_time_attention": Published(
        "Bertasius et al. 2021", (8, 224, 224), 2 * 768 - 8 * 768 + 174 * (768 + 1), "121.4 M", "197"
    ),
}


def main() -> None:
    """Count and print."""
    ArgumentParser(description=__doc__, formatter_class=RawDescriptionHelpFormatter).parse_args()
    print("| name | paper | parameters | with classifier | published | clip | GMAC | published | maps |")
    print("|---|---|---|---|---|---|---|---|---|")
    for name, (stem, backbone) in BACKBONES.items():
        published = PUBLISHED.get(name, Published())
        with torch.device("meta"):
            network = backbone(stem.out_channels, 1.0).eval()
            maps = network(torch.empty(1, stem.out_channels, *published.clip))
        parameters = count_parameters(network)
        whole = f"{(parameters + published.classifier) / 1e6:.3f} M" if published.classifier else ""
        gmacs = count_macs(network, (1, stem.out_channels, *published.clip)) / 1e9
        cells = (
            f"`{name}`",
            published.paper,
            f"{parameters / 1e6:.3f} M",
            whole,
            published.parameters,
            by(published.clip),
            f"{gmacs:.2f}",
            published.gmacs,
            by(tuple(maps.shape[1:])),
        )
        print(f"| {' | '.join(cells)} |")


def by(shape: tuple[int, ...]) -> str:
    """Sizes as they are written."""
    return " x ".join(map(str, shape))


if __name__ == "__main__":
    main()
