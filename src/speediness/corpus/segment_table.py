"""Labelled segments of many videos as one table."""

from collections.abc import Mapping
from pathlib import Path

from speediness.corpus.analysed_video import AnalysedVideo
from speediness.packages import load
from speediness.results.documents import written_whole


def write_segments(videos: Mapping[str, AnalysedVideo], out_parquet: Path) -> None:
    """Write a row a segment, by path relative to the root and time (docs/formats.md); whole or not at all.

    Raises:
        DataError: pyarrow is not installed.
        OutputError: it cannot be written.
    """
    pa, parquet = load("pyarrow"), load("pyarrow.parquet")
    columns = {
        "path": pa.string(),
        "start_s": pa.float64(),
        "end_s": pa.float64(),
        "label": pa.string(),
        "factor": pa.float64(),
        "confidence": pa.float64(),
        "duration_s": pa.float64(),
        "frame_rate": pa.float64(),
        "sha256": pa.string(),
    }
    rows = [
        {
            "path": path,
            "duration_s": video.duration_s,
            "frame_rate": video.frame_rate,
            "sha256": video.sha256,
            **vars(segment),
        }
        for path, video in sorted(videos.items())
        for segment in video.segments
    ]
    with written_whole(out_parquet, "choose another folder with -o") as partial:
        parquet.write_table(pa.Table.from_pylist(rows, pa.schema(columns.items())), partial)
