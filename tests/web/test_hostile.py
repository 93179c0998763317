"""What a stranger may send: every request and file here is refused or contained, and the server goes on."""

from __future__ import annotations

import io
import logging
import socket
import struct
import zipfile
from collections.abc import Callable, Iterator
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest

from synthetic import numbered_frame, steady, tone, write_video
from web_site import Site, made_up_curve, made_up_features, serving, settings_in, with_curve

SECRET = b"the-secret-of-another-folder"
UPLOAD_BYTES = 4_000_000
EVIL = "http://evil.example"


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    root = tmp_path_factory.mktemp("hostile")
    settings = settings_in(
        root, upload_bytes=UPLOAD_BYTES, video_s=2.5, memory_bytes=2 << 30, look_s=30, queued_jobs=3
    )
    write_video(settings.folder / "film.mp4", steady(50, 25))
    (root / "secret.mp4").write_bytes(SECRET)
    write_video(root / "secret.ts", steady(25, 25))
    with_curve(settings, "film.mp4", made_up_curve(2), made_up_features(2, 0.7))
    with serving(settings) as site:
        yield site


@pytest.fixture(autouse=True)
def nothing_unforeseen(site: Site, caplog: pytest.LogCaptureFixture) -> Iterator[None]:
    """What the server writes down as an error of its own is a bug, though the request was refused."""
    log = logging.getLogger("uvicorn.error")
    log.addHandler(caplog.handler)
    yield
    site.get("about")  # whoever hung up was not waited for
    log.removeHandler(caplog.handler)
    records = [*caplog.get_records("call"), *caplog.get_records("teardown")]
    assert not [record for record in records if record.levelno >= logging.ERROR]


def talk(site: Site, text: str | bytes, hang_up: bool = True) -> bytes:
    """Send bytes as they are and read what comes back until the server closes or falls silent.

    Who hangs up is not waited for: an answer that takes the server a moment is not sent.
    """
    data = text.encode("latin-1") if isinstance(text, str) else text
    answer = b""
    with socket.create_connection(("127.0.0.1", site.settings.port), timeout=10) as line:
        try:
            line.sendall(data)
            if hang_up:
                line.shutdown(socket.SHUT_WR)
            while block := line.recv(65536):
                answer += block
        except OSError:  # closed on us, or silent for too long
            pass
    return answer


def request(
    site: Site, first: str, *headers: str, host: str | None = None, body: str = "", hang_up: bool = True
) -> bytes:
    named = f"127.0.0.1:{site.settings.port}" if host is None else host
    lines = [f"{first} HTTP/1.1", f"Host: {named}", "Connection: close", *headers, "", body]
    return talk(site, "\r\n".join(lines), hang_up)


def post(site: Site, path: str, body: str, *headers: str) -> bytes:
    return request(
        site,
        f"POST {path}",
        "Content-Type: application/json",
        f"Content-Length: {len(body)}",
        *headers,
        body=body,
        hang_up=False,
    )


OURS = "X-Speediness: 1"
WISH = '{"rate": 2, "locks": []}'
SEARCH = '{"start_s": 0.2, "end_s": 0.9}'  # which the page itself is answered

REQUESTS: dict[str, Callable[[Site, str], bytes]] = {
    # Another site's page, or another name pointed at this machine (DNS rebinding)
    "another name": lambda site, video: request(site, "GET /api/films", host="evil.example"),
    "another name, our port": lambda site, video: request(
        site, "GET /api/films", host=f"evil.example:{site.settings.port}"
    ),
    "a name that begins like ours": lambda site, video: request(
        site, "GET /api/films", host=f"127.0.0.1.evil.example:{site.settings.port}"
    ),
    "a name with a user": lambda site, video: request(
        site, "GET /api/films", host=f"evil.example@127.0.0.1:{site.settings.port}"
    ),
    "another port": lambda site, video: request(site, "GET /api/films", host="127.0.0.1:1"),
    "no name": lambda site, video: talk(site, "GET /api/films HTTP/1.1\r\nConnection: close\r\n\r\n"),
    "no name, old protocol": lambda site, video: talk(site, "GET /api/films HTTP/1.0\r\n\r\n"),
    "two names": lambda site, video: request(site, "GET /api/films", "Host: evil.example"),
    "another origin": lambda site, video: post(
        site, f"/api/films/{video}/jobs", '{"kind": "look"}', OURS, f"Origin: {EVIL}"
    ),
    "no origin at all (a sandboxed frame)": lambda site, video: post(
        site, f"/api/films/{video}/jobs", '{"kind": "look"}', OURS, "Origin: null"
    ),
    "another port of this machine": lambda site, video: post(
        site, f"/api/films/{video}/jobs", '{"kind": "look"}', OURS, "Origin: http://127.0.0.1:1"
    ),
    "a video on another site's page": lambda site, video: request(
        site, f"GET /api/films/{video}/video", "Sec-Fetch-Site: cross-site"
    ),
    "a page of a neighbouring site": lambda site, video: request(
        site, "GET /api/study/votes.csv", "Sec-Fetch-Site: same-site"
    ),
    "a form on another site's page": lambda site, video: request(
        site,
        f"POST /api/films/{video}/jobs",
        "Content-Type: text/plain",
        "Content-Length: 16",
        body='{"kind": "look"}',
    ),
    "asking leave for our header": lambda site, video: request(
        site,
        f"OPTIONS /api/films/{video}/jobs",
        f"Origin: {EVIL}",
        "Access-Control-Request-Method: POST",
        "Access-Control-Request-Headers: x-speediness",
    ),
    "a socket": lambda site, video: request(
        site,
        "GET /api/films",
        "Upgrade: websocket",
        "Connection: Upgrade",
        "Sec-WebSocket-Version: 13",
        "Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==",
        f"Origin: {EVIL}",
    ),
    # Ways out of the folder
    "dots": lambda site, video: request(site, "GET /static/../../errors.py"),
    "encoded dots": lambda site, video: request(site, "GET /static/%2e%2e/%2e%2e/errors.py"),
    "encoded slashes": lambda site, video: request(site, "GET /static/..%2f..%2ferrors.py"),
    "twice encoded": lambda site, video: request(site, "GET /static/%252e%252e/errors.py"),
    "back slashes": lambda site, video: request(site, "GET /static/..\\..\\errors.py"),
    "an absolute path": lambda site, video: request(site, "GET /static//etc/passwd"),
    "a path for a video": lambda site, video: request(
        site, "GET /api/films/..%2f..%2f..%2f..%2fetc%2fpasswd/video"
    ),
    "the secret for a video": lambda site, video: request(site, "GET /api/films/..%2fsecret.mp4/video"),
    "a path for a job": lambda site, video: request(site, "GET /api/jobs/..%2f..%2fsecret/files/film"),
    "a path for a result": lambda site, video: request(
        site, f"GET /api/jobs/{site.get(f'films/{video}')['done']['analyse']}/files/..%2fcurve.json"
    ),
    "a null byte": lambda site, video: request(site, "GET /api/films/film%00.mp4/video"),
    "SQL": lambda site, video: request(site, "GET /api/jobs/'%20OR%201=1%20--"),
    "SQL in a comparison": lambda site, video: post(
        site, "/api/study/trials/x';DROP%20TABLE%20trials;--/vote", '{"choice": "left"}', OURS
    ),
    # Nonsense
    "a video by its path": lambda site, video: post(
        site, f"/api/films/{video}/jobs", '{"kind": "look", "video": "/etc/passwd"}', OURS
    ),
    "another kind of work": lambda site, video: post(
        site, f"/api/films/{video}/jobs", '{"kind": "__import__"}', OURS
    ),
    "a rate without end": lambda site, video: post(
        site, f"/api/films/{video}/plan", '{"rate": 1e999, "locks": []}', OURS
    ),
    "a rate that is no number": lambda site, video: post(
        site, f"/api/films/{video}/plan", '{"rate": NaN, "locks": []}', OURS
    ),
    "a rate below natural": lambda site, video: post(
        site, f"/api/films/{video}/plan", '{"rate": -2, "locks": []}', OURS
    ),
    "locks outside the video": lambda site, video: post(
        site, f"/api/films/{video}/plan", '{"rate": 2, "locks": [[5, 9]]}', OURS
    ),
    "a search on another site's page": lambda site, video: post(
        site, f"/api/films/{video}/search", SEARCH, OURS, f"Origin: {EVIL}"
    ),
    "a search by a form": lambda site, video: post(site, f"/api/films/{video}/search", SEARCH),
    "a search by an address": lambda site, video: request(
        site, f"GET /api/films/{video}/search?start_s=0&end_s=1", OURS
    ),
    "a search in a video by its path": lambda site, video: post(
        site, "/api/films/..%2fsecret.mp4/search", SEARCH, OURS
    ),
    "a search among features elsewhere": lambda site, video: post(
        site, f"/api/films/{video}/search", '{"start_s": 0, "end_s": 1, "features": "/etc/passwd"}', OURS
    ),
    "a search for no number": lambda site, video: post(
        site, f"/api/films/{video}/search", '{"start_s": NaN, "end_s": 1}', OURS
    ),
    "a search without end": lambda site, video: post(
        site, f"/api/films/{video}/search", '{"start_s": 0, "end_s": 1e999}', OURS
    ),
    "a search that takes all day": lambda site, video: post(
        site, f"/api/films/{video}/search", '{"start_s": 0, "end_s": 1e15}', OURS
    ),
    "a search backwards": lambda site, video: post(
        site, f"/api/films/{video}/search", '{"start_s": 1, "end_s": 0}', OURS
    ),
    "a search before the beginning": lambda site, video: post(
        site, f"/api/films/{video}/search", '{"start_s": -1, "end_s": 1}', OURS
    ),
    "a search behind the end": lambda site, video: post(
        site, f"/api/films/{video}/search", '{"start_s": 50, "end_s": 51}', OURS
    ),
    "an outline of thousands of corners": lambda site, video: post(
        site,
        f"/api/films/{video}/jobs",
        f'{{"kind": "propagate", "mask": {{"objects": [[{"[0,1]," * 5000}[0,1]]]}}}}',
        OURS,
    ),
    "an outline around no number": lambda site, video: post(
        site,
        f"/api/films/{video}/jobs",
        '{"kind": "propagate", "mask": {"objects": [[[0, 0], [1, 0], [NaN, 1]]]}}',
        OURS,
    ),
    "a part of a curve without end": lambda site, video: request(
        site, f"GET /api/films/{video}/columns?start_s=0&end_s=inf"
    ),
    "a timeline by a path": lambda site, video: post(
        site, f"/api/films/{video}/jobs", f'{{"kind": "export", "wish": {WISH}, "media": "/etc"}}', OURS
    ),
    "thousands of locks": lambda site, video: post(
        site, f"/api/films/{video}/plan", f'{{"rate": 2, "locks": [{"[0,1]," * 5000}[0,1]]}}', OURS
    ),
    "deep nesting": lambda site, video: post(site, f"/api/films/{video}/plan", "[" * 60_000, OURS),
    "not JSON": lambda site, video: post(site, f"/api/films/{video}/plan", "\x00\xff<xml/>", OURS),
    "a megabyte where a line belongs": lambda site, video: post(
        site, f"/api/films/{video}/plan", "x" * 1_000_000, OURS
    ),
    "no length": lambda site, video: request(
        site,
        f"POST /api/films/{video}/plan",
        OURS,
        "Transfer-Encoding: chunked",
        body="5\r\nxxxxx\r\n0\r\n\r\n",
    ),
    "two lengths": lambda site, video: request(
        site, f"POST /api/films/{video}/plan", OURS, "Content-Length: 2", "Content-Length: 50", body="{}"
    ),
    "a smuggled request": lambda site, video: request(
        site,
        f"POST /api/films/{video}/plan",
        OURS,
        "Content-Length: 4",
        "Transfer-Encoding: chunked",
        body="0\r\n\r\nGET /api/films HTTP/1.1\r\n\r\n",
    ),
    "an endless header": lambda site, video: request(site, "GET /", f"X-Long: {'x' * 200_000}"),
    "no HTTP": lambda site, video: talk(site, b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" * 20),
    "another verb": lambda site, video: request(site, "TRACE /api/films"),
    "a video replaced": lambda site, video: request(
        site, f"PUT /api/films/{video}/video", OURS, "Content-Length: 1", body="x"
    ),
    "a video of the folder removed": lambda site, video: request(site, f"DELETE /api/films/{video}", OURS),
    "beyond the end": lambda site, video: request(
        site, f"GET /api/films/{video}/video", "Range: bytes=99999999999-"
    ),
    "a range backwards": lambda site, video: request(
        site, f"GET /api/films/{video}/video", "Range: bytes=9-1,x-y"
    ),
    "an upload that promises too much": lambda site, video: request(
        site, "POST /api/uploads?name=x.mp4", OURS, "Content-Length: 999999999999"
    ),
    "an upload without end": lambda site, video: request(
        site,
        "POST /api/uploads?name=x.mp4",
        OURS,
        "Transfer-Encoding: chunked",
        body=(f"{100_000:x}\r\n" + "x" * 100_000 + "\r\n") * 50,
    ),
    "an upload that breaks off": lambda site, video: request(
        site, "POST /api/uploads?name=x.mp4", OURS, "Content-Length: 1000", body="x"
    ),
    "an upload without a name": lambda site, video: request(
        site, "POST /api/uploads", OURS, "Content-Length: 1", body="x"
    ),
}


@pytest.mark.parametrize("name", REQUESTS)
def test_a_hostile_request_is_refused(site: Site, name: str) -> None:
    video = site.video_id("film.mp4")
    answer = REQUESTS[name](site, video)
    status = int(answer.split(b" ", 2)[1]) if answer.startswith(b"HTTP/1.1 ") else None
    # No answer at all is a refusal too: the connection was closed on somebody who does not speak HTTP.
    assert status is None or 400 <= status < 500, answer[:300]
    assert SECRET not in answer and b"root:" not in answer and b"Traceback" not in answer
    assert b"access-control-allow" not in answer.lower()
    assert [video["name"] for video in site.get("films")] == ["film.mp4"]
    assert not list((site.settings.state / "uploads").iterdir())
    assert site.get("jobs") == []


def test_what_is_refused_to_others_is_answered_to_the_page(site: Site) -> None:
    answer = post(site, f"/api/films/{site.video_id('film.mp4')}/search", SEARCH, OURS)
    assert answer.startswith(b"HTTP/1.1 200")


def test_many_ranges_at_once_are_answered_once(site: Site) -> None:
    """A list of overlapping ranges asks for the video many times over."""
    video = site.video_id("film.mp4")
    size = (site.settings.folder / "film.mp4").stat().st_size
    answer = request(site, f"GET /api/films/{video}/video", "Range: bytes=" + "0-," * 4000 + "0-")
    assert len(answer) < 2 * size + 1000
    assert site.get("about")


def test_hundreds_of_half_open_connections_do_not_stop_the_server(site: Site) -> None:
    lines = [socket.create_connection(("127.0.0.1", site.settings.port)) for _ in range(300)]
    try:
        for line in lines:
            line.sendall(b"GET / HTTP/1.1\r\nHost: ")
        assert site.get("about")
    finally:
        for line in lines:
            line.close()


def test_every_answer_forbids_what_the_page_does_not_need(site: Site) -> None:
    video = site.video_id("film.mp4")
    for path in ("/", "/static/app.js", "/api/films", f"/api/films/{video}/video", "/api/nothing"):
        headers = site.client.get(path).headers
        policy = headers["content-security-policy"]
        assert "default-src 'none'" in policy and "frame-ancestors 'none'" in policy
        assert "unsafe" not in policy and "http" not in policy and "*" not in policy
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["x-frame-options"] == "DENY" and headers["referrer-policy"] == "no-referrer"
        assert headers["cross-origin-resource-policy"] == "same-origin"
    refused = site.client.get("/", headers={"Host": "evil.example"})
    assert "default-src 'none'" in refused.headers["content-security-policy"]


# Files


def gif_of_size(width_px: int, height_px: int) -> bytes:
    """A frame of seventeen gigabytes in forty bytes."""
    screen = struct.pack("<HHBBB", width_px, height_px, 0x80, 0, 0) + bytes(6)
    image = b"\x2c" + struct.pack("<HHHHB", 0, 0, width_px, height_px, 0) + b"\x02\x02\x44\x01\x00"
    return b"GIF89a" + screen + image + b"\x3b"


def zip_bomb() -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("film.mp4", bytes(100_000_000))
    return packed.getvalue()


def sound_alone(folder: Path) -> bytes:
    path = folder / "sound.mp4"
    with av.open(str(path), "w") as video:
        stream = video.add_stream("aac", rate=48_000, layout="stereo")
        frame = av.AudioFrame.from_ndarray(tone(0.02)[:, :1024], format="fltp", layout="stereo")
        frame.sample_rate = 48_000
        video.mux(stream.encode(frame))
        video.mux(stream.encode(None))
    return path.read_bytes()


def of_length(folder: Path, seconds: int) -> bytes:
    """A video that claims to last long: two frames, far apart."""
    times_s = [Fraction(0), Fraction(seconds), Fraction(seconds + 1)]
    return write_video(folder / "long.mp4", times_s).read_bytes()


def cut_short(folder: Path) -> bytes:
    return write_video(folder / "whole.mp4", steady(25, 25)).read_bytes()[:3000]


def scrambled(folder: Path) -> bytes:
    content = bytearray(write_video(folder / "whole.mp4", steady(25, 25)).read_bytes())
    noise = np.random.default_rng(0).integers(0, 256, len(content) - 64, np.uint8)
    content[64:] = noise.tobytes()
    return bytes(content)


def playlist(address: str) -> bytes:
    return f"#EXTM3U\n#EXT-X-TARGETDURATION:9\n#EXTINF:9,\n{address}\n#EXT-X-ENDLIST\n".encode()


def huge_boxes() -> bytes:
    """An MP4 whose tables claim four billion entries."""
    table = struct.pack(">I4sII", 16, b"stts", 0, 0xFFFFFFFF)
    inside = table
    for name in (b"stbl", b"minf", b"mdia", b"trak", b"moov"):
        inside = struct.pack(">I4s", 8 + len(inside), name) + inside
    return struct.pack(">I4s4sI4s", 20, b"ftyp", b"isom", 0, b"isom") + inside


FILES: dict[str, Callable[[Path], bytes]] = {
    "text": lambda folder: b"this is no film\n" * 100,
    "a page": lambda folder: b"<!doctype html><script>fetch('/api/films')</script>",
    "a drawing": lambda folder: b'<svg xmlns="http://www.w3.org/2000/svg" onload="alert(1)"/>',
    "a program": lambda folder: b"\x7fELF\x02\x01\x01" + bytes(5000),
    "zeros": lambda folder: bytes(1_000_000),
    "an archive that unpacks to much": lambda folder: zip_bomb(),
    "a still frame": lambda folder: _png(),
    "sound alone": sound_alone,
    "an HLS playlist of a video elsewhere": lambda folder: playlist(f"file://{folder / 'secret.ts'}"),
    "a playlist of another machine": lambda folder: playlist("http://127.0.0.1:9/x.ts"),
    "a concatenation of files elsewhere": lambda folder: b"ffconcat version 1.0\nfile ../../secret.ts\n",
    "a session description": lambda folder: b"v=0\no=- 0 0 IN IP4 127.0.0.1\nm=video 9 RTP/AVP 96\n",
    "a manifest": lambda folder: b'<?xml version="1.0"?><MPD xmlns="urn:mpeg:dash:schema:mpd:2011"></MPD>',
    "a frame larger than memory": lambda folder: gif_of_size(65535, 65535),
    "tables larger than memory": lambda folder: huge_boxes(),
    "a video of an hour": lambda folder: of_length(folder, 3600),
    "cut short": cut_short,
    "scrambled": scrambled,
}


def _png() -> bytes:
    packed = io.BytesIO()
    with av.open(packed, "w", format="image2pipe") as out:
        stream = out.add_stream("png")
        stream.width, stream.height, stream.pix_fmt = 96, 64, "rgb24"  # type: ignore[attr-defined]
        frame = av.VideoFrame.from_ndarray(numbered_frame(0, 96, 64), format="rgb24")
        out.mux(stream.encode(frame))
        out.mux(stream.encode(None))
    return packed.getvalue()


@pytest.mark.parametrize("name", FILES)
def test_a_hostile_file_is_contained(site: Site, name: str, tmp_path: Path) -> None:
    video = site.upload(f"{name}.mp4", FILES[name](site.settings.folder.parent))
    try:
        job = site.run_job(video, "look")
        assert job["state"] == "failed" and job["message"]
        assert "bug" not in job["message"] and str(site.settings.state) not in job["message"]
        assert site.client.get(f"/api/films/{video}/video").status_code == 409  # never served
        assert site.get("about")
    finally:
        assert site.client.delete(f"/api/films/{video}").status_code == 200


def test_a_playlist_in_the_folder_itself_opens_no_other_file(site: Site) -> None:
    path = site.settings.folder / "list.ts"
    path.write_bytes(playlist(f"file://{site.settings.folder.parent}/secret.ts"))
    try:
        job = site.run_job(site.video_id("list.ts"), "look")
        assert job["state"] == "failed" and "playlist" in job["message"]
    finally:
        path.unlink()


def test_a_video_that_promises_no_length_is_stopped_where_it_counts(site: Site, tmp_path: Path) -> None:
    """Raw H.264 says nothing of its length; it is refused when it has played too long."""
    with av.open(str(write_video(tmp_path / "long.mp4", steady(150, 25)))) as video:
        bits = av.BitStreamFilterContext("h264_mp4toannexb", video.streams.video[0])
        packets = [bytes(out) for packet in video.demux(video=0) for out in bits.filter(packet)]
    video_id = site.upload("long.h264", b"".join(packets))
    assert site.run_job(video_id, "look")["state"] == "done"
    assert site.get(f"films/{video_id}")["info"]["duration_s"] is None
    job = site.run_job(video_id, "analyse")
    assert job["state"] == "failed" and "lasts longer than" in job["message"]
    site.client.delete(f"/api/films/{video_id}")


def test_names_cannot_break_out_of_a_header(site: Site, tmp_path: Path) -> None:
    content = write_video(tmp_path / "film.mp4", steady(25, 25)).read_bytes()
    video = site.upload('x"\r\nSet-Cookie: a=b;<script>.mp4', content)
    site.run_job(video, "look")
    copy = site.run_job(video, "playable")
    answer = site.client.get(f"/api/jobs/{copy['id']}/files/film")
    assert answer.status_code == 200 and "set-cookie" not in answer.headers
    assert answer.headers["content-disposition"].startswith("attachment; filename")
    site.client.delete(f"/api/films/{video}")


def test_a_flood_of_jobs_is_refused(site: Site, tmp_path: Path) -> None:
    content = write_video(tmp_path / "film.mp4", steady(25, 25)).read_bytes()
    videos = [site.upload(f"{n}.mp4", content) for n in range(8)]
    answers = [site.client.post(f"/api/films/{video}/jobs", json={"kind": "look"}) for video in videos]
    assert {answer.status_code for answer in answers} == {200, 429}
    for video in videos:
        assert site.client.delete(f"/api/films/{video}").status_code == 200
    assert site.get("jobs") == []


def test_the_list_is_long_enough() -> None:
    assert len(REQUESTS) + len(FILES) >= 60
