"""Makers of tiny copies of published data sets, laid out on disk as those are."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from fractions import Fraction
from pathlib import Path
from typing import Any

import av

from synthetic import Image, numbered_frame


def put(root: Path, files: Mapping[str, bytes | str]) -> Path:
    """Write files, named relative to a folder, and the folders they need."""
    for name, content in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content.encode() if isinstance(content, str) else content)
    return root


def encode_frame(pixels_HWC: Image, codec: str = "png") -> bytes:
    """A still frame as a file's content; ``mjpeg`` for JPEG."""
    pixel_format = "rgb24" if codec == "png" else "yuvj420p"
    encoder: Any = av.CodecContext.create(codec, "w")
    encoder.width, encoder.height, encoder.pix_fmt = pixels_HWC.shape[1], pixels_HWC.shape[0], pixel_format
    encoder.time_base = Fraction(1, 25)
    frame = av.VideoFrame.from_ndarray(pixels_HWC, format="rgb24").reformat(format=pixel_format)
    return b"".join(bytes(packet) for packet in [*encoder.encode(frame), *encoder.encode(None)])


def put_scene(root: Path, scene: str, numbers: Iterable[int], rate: int = 240) -> Path:
    """One scene of Need for Speed; every frame shows its number."""
    frames = {f"{number:05d}.jpg": encode_frame(numbered_frame(number), "mjpeg") for number in numbers}
    put(root / scene / str(rate) / scene, frames)
    return root


def put_ucf101(root: Path, video: bytes, videos: str = "UCF-101", lists: str = "ucfTrainTestlist") -> Path:
    """Two classes of two groups of two clips; group 1 is tested, the others are learned from."""
    listed = {
        (group, number): [f"{name}/v_{name}_g0{group}_c0{clip}.avi" for clip in (1, 2)]
        for group in (1, 2)
        for number, name in enumerate(("Archery", "Basketball"), 1)
    }
    train = [f"{path} {n}" for (group, n), paths in listed.items() if group == 2 for path in paths]
    test = [path for (group, _), paths in listed.items() if group == 1 for path in paths]
    put(root / videos, {path: video for paths in listed.values() for path in paths})
    put(
        root / lists,
        {
            "classInd.txt": "1 Archery\n2 Basketball\n",
            "trainlist01.txt": "\r\n".join(train),
            "testlist01.txt": "\n".join(test) + "\n",
        },
    )
    return root


def put_hmdb51(root: Path, video: bytes, videos: str = "hmdb51_org") -> Path:
    """Two classes; the video ``Up_2`` serves both, on different sides."""
    lists = {
        "kick_ball": {
            "Up_2_kick_ball_f_cm_np1_fr_bad_0.avi": 1,
            "Amazing_Soccer_#2_kick_ball_f_cm_np1_fr_bad_3.avi": 2,
            "Up_2_kick_ball_f_cm_np1_fr_bad_1.avi": 0,
        },
        "smile": {
            "Re-_Show_your_Smile!_smile_h_nm_np1_fr_goo_0.avi": 1,
            "Up_2_smile_h_nm_np1_fr_med_7.avi": 2,
        },
    }
    put(root / videos, {f"{label}/{name}": video for label, codes in lists.items() for name in codes})
    put(
        root / "testTrainMulti_7030_splits",
        {
            f"{label}_test_split1.txt": "".join(f"{name} {code} \n" for name, code in codes.items())
            for label, codes in lists.items()
        },
    )
    return root


KINETICS_CLIPS = {
    "train": ("dunking basketball", "--0edUL8zmA", 4, 14),
    "val": ("massaging person's head", "a_b-CdEfGhI", 120, 130),
    "test": ("", "ZZZZZZZZZZZ", 0, 10),
}


def put_kinetics(root: Path, video: bytes, pattern: str, annotations: str = "annotations") -> Path:
    """One clip in each split; ``pattern`` says where, of split, label, name and id."""
    for split, (label, id_, start_s, end_s) in KINETICS_CLIPS.items():
        columns, cells = "youtube_id,time_start,time_end,split", f"{id_},{start_s},{end_s},{split}"
        if label:
            columns, cells = f"label,{columns}", f"{label},{cells}"
        put(root / annotations, {f"{split}.csv": f"{columns}\n{cells}\n"})
        name = f"{id_}_{start_s:06d}_{end_s:06d}"
        put(root, {pattern.format(split=split, label=label or "unknown", name=name, id=id_): video})
    return root
