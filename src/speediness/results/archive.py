"""Arrays and curves as bytes that are read exactly as they were written, or not at all."""

import hashlib
import json
import zipfile
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import asdict
from io import BytesIO

import numpy as np
from numpy.typing import NDArray

from speediness.results.curve import Segment, SpeedinessCurve
from speediness.results.features import MotionFeatures

DIGEST_BYTES = hashlib.sha256().digest_size


def to_bytes(arrays: Mapping[str, NDArray]) -> bytes:
    """Arrays as the archive np.load reads, uncompressed and without pickle, and its SHA-256.

    Raises:
        ValueError: an array of Python objects, which would need pickle.
    """
    buffer = BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:  # np.savez stumbles over an array named "file"
        for name, array in arrays.items():
            with archive.open(f"{name}.npy", "w", force_zip64=True) as member:
                np.lib.format.write_array(member, array, allow_pickle=False)
    return buffer.getvalue() + hashlib.sha256(buffer.getbuffer()).digest()


def from_bytes(content: bytes) -> dict[str, NDArray] | None:
    """What :func:`to_bytes` was given, or None if the content was damaged since."""
    archive, digest = content[:-DIGEST_BYTES], content[-DIGEST_BYTES:]
    if hashlib.sha256(archive).digest() != digest:
        return None
    with suppress(ValueError), np.load(BytesIO(archive), allow_pickle=False) as arrays:
        return dict(arrays)
    return None  # whole, but of a kind this NumPy does not know


def curve_to_arrays(curve: SpeedinessCurve) -> dict[str, NDArray]:
    """A curve's long parts as they are, the others as JSON.

    Measured on an hour of video: read in 10 ms, where the whole curve as JSON takes 390.

    Raises:
        TypeError: ``made_by`` holds what JSON has no words for.
    """
    arrays = {name: value for name, value in vars(curve).items() if isinstance(value, np.ndarray)}
    parts = {name: value for name, value in vars(curve).items() if name not in arrays}
    parts["segments"] = [asdict(segment) for segment in curve.segments]
    return arrays | {"parts": np.array(json.dumps(parts))}


def curve_from_arrays(arrays: Mapping[str, NDArray]) -> SpeedinessCurve:
    """The curve that :func:`curve_to_arrays` was given, bit for bit.

    Raises:
        KeyError, TypeError, ValueError: not the arrays of a curve.
    """
    parts = json.loads(str(arrays["parts"]))
    parts["segments"] = [Segment(**segment) for segment in parts["segments"]]
    long = {name: arrays[name] for name in ("times_s", "normal", "motion")}
    many = {name: tuple(parts[name]) for name in ("factors", "segments", "cuts_s", "notes")}
    return SpeedinessCurve(**parts | long | many)


def features_to_arrays(features: MotionFeatures) -> dict[str, NDArray]:
    """The same for features; the names differ from a curve's, so that both fit in one archive."""
    return {f"features.{name}": np.asarray(value) for name, value in vars(features).items()}


def features_from_arrays(arrays: Mapping[str, NDArray]) -> MotionFeatures:
    """What :func:`features_to_arrays` was given, bit for bit.

    Raises:
        KeyError, TypeError, ValueError: not the arrays of features.
    """
    times_s, vectors, motion = (arrays[f"features.{name}"] for name in ("times_s", "vectors", "motion"))
    return MotionFeatures(
        times_s,
        vectors,
        motion,
        shot_starts_s=tuple(arrays["features.shot_starts_s"].tolist()),
        duration_s=float(arrays["features.duration_s"]),
    )
