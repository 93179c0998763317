import json
from html.parser import HTMLParser
from pathlib import Path

import pytest

from speediness.cli.main import main


def test_a_folder_to_one_table_and_one_page(
    videos: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    import pyarrow.parquet as parquet

    (videos / "<script>alert(1)<").mkdir()
    (videos / "<script>alert(1)<" / "bad & ugly.mp4").write_text("no video")
    command = ["analyse", str(videos), "--batch", "-o", str(tmp_path / "out"), "--json"]
    assert main(command) == 2
    out, err = capsys.readouterr()
    document = json.loads(out)
    assert document["films"] == 4 and list(document["failed"]) == ["<script>alert(1)</bad & ugly.mp4"]
    assert "bad & ugly.mp4 is not a video" in err
    rows = parquet.read_table(tmp_path / "out" / "segments.parquet").to_pylist()
    assert [row["path"] for row in rows] == sorted(row["path"] for row in rows)
    for path in {row["path"] for row in rows}:
        ends = [(row["start_s"], row["end_s"]) for row in rows if row["path"] == path]
        assert ends[0][0] == 0 and ends[-1][1] == pytest.approx(2.5)
    assert {row["duration_s"] for row in rows} == {2.5} and {len(row["sha256"]) for row in rows} == {64}
    page = (tmp_path / "out" / "report.html").read_text()
    assert page.count("<svg") == 3 and "currentColor" in page and "<script" not in page
    assert "http" not in page.replace("http-equiv", "").replace("http://www.w3.org", "").replace(
        "http://purl.org", ""
    ).replace("http://creativecommons.org", "")
    HTMLParser().feed(page)
    assert main(command) == 2 and "add --force" in capsys.readouterr().err
    assert main([*command, "--force"]) == 2
    assert parquet.read_table(tmp_path / "out" / "segments.parquet").to_pylist() == rows


@pytest.mark.parametrize("more", [["--batch"], ["--ray"], ["second", "--batch", "-o", "x"]])
def test_refusals(videos: Path, more: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["analyse", str(videos), *more]) == 2
    assert "--batch" in capsys.readouterr().err
