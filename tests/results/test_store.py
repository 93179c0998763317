import os
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from speediness.errors import OutputError, VideoError
from speediness.results.archive import to_bytes
from speediness.results.curve import SpeedinessCurve
from speediness.results.features import MotionFeatures
from speediness.results.store import CHECKPOINT, CURVE, ResultStore, StoreSize, cache_folder, file_sha256

KEY, OTHER, THIRD = "a" * 64, "b" * 64, "c" * 64
DAY_S = 86_400


def small_curve(video: str = "walk.mp4") -> SpeedinessCurve:
    normal = np.array([[0.9, 0.8, 0.7]], np.float32)
    motion = np.ones(3, np.float32)
    return SpeedinessCurve(
        np.array([0, 0.04, 0.08]), 0.12, (1.0,), normal, motion, made_by={"video": video}
    )


def small_features() -> MotionFeatures:
    vectors = np.array([[0.5, 0, 2], [1, 0.25, 0]], np.float16)
    return MotionFeatures(np.array([0, 0.125]), vectors, np.ones(2, np.float32), (0.0, 0.08), 0.12)


def state(value: int = 0, size: int = 100) -> dict[str, np.ndarray]:
    return {"done": np.full(size, value)}


def used_ago(folder: Path, name: str, ago_s: float) -> None:
    then_s = time.time() - ago_s
    os.utime(folder / name, (then_s, then_s))


def names(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir()}


@pytest.fixture
def store(tmp_path: Path) -> ResultStore:
    return ResultStore(tmp_path / "cache")


@pytest.fixture
def folder(store: ResultStore) -> Path:
    assert store.folder is not None
    store.folder.mkdir()
    return store.folder


@pytest.fixture
def video(tmp_path: Path) -> Path:
    path = tmp_path / "film.mp4"
    path.write_bytes(np.random.default_rng(0).bytes(700_001))
    return path


def test_name_and_date_of_a_video_do_not_count(store: ResultStore, video: Path) -> None:
    key = store.key(video, {"rates": 11})
    os.utime(video, (1, 1))
    assert store.key(video, {"rates": 11}) == key
    assert store.key(video.rename(video.with_name("other.mkv")), {"rates": 11}) == key


@pytest.mark.parametrize("at", [0, 350_000, 700_000])
def test_one_changed_byte_counts_whatever_the_date_says(store: ResultStore, video: Path, at: int) -> None:
    key, stat = store.key(video, {}), video.stat()
    content = bytearray(video.read_bytes())
    content[at] ^= 1
    video.write_bytes(content)
    os.utime(video, ns=(stat.st_atime_ns, stat.st_mtime_ns))
    assert store.key(video, {}) != key


def test_settings_count_their_order_does_not(store: ResultStore, video: Path) -> None:
    settings = {"factors": (1.0, 1.25), "network": {"name": "small", "sha256": "00"}}
    key = store.key(video, settings)
    assert store.key(video, {name: settings[name] for name in reversed(settings)}) == key
    assert store.key(video, settings | {"factors": (1.0, 1.26)}) != key
    assert store.key(video, settings | {"exact": False}) != key


def test_a_video_of_known_content_is_not_read(store: ResultStore, video: Path) -> None:
    key = store.key(video, {})
    content = file_sha256(video)
    video.unlink()
    assert store.key(video, {}, content) == key


def test_another_version_of_the_program_finds_nothing_old(
    store: ResultStore, video: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    key = store.key(video, {})
    monkeypatch.setattr("speediness.results.store.__version__", "99.0")
    assert store.key(video, {}) != key


def test_a_video_that_cannot_be_read_is_the_users_to_mend(store: ResultStore, tmp_path: Path) -> None:
    with pytest.raises(VideoError, match=r"gone\.mp4.*check"):
        store.key(tmp_path / "gone.mp4", {})


def test_what_is_kept_is_found_by_the_next_run(store: ResultStore) -> None:
    assert store.result(KEY) is None and store.checkpoint(KEY) is None
    store.keep_result(KEY, small_curve(), small_features())
    store.keep_checkpoint(OTHER, state(1))
    store.keep_checkpoint(OTHER, state(2))
    again = ResultStore(store.folder)
    result, checkpoint = again.result(KEY), again.checkpoint(OTHER)
    assert result is not None
    curve, features = result
    assert curve.made_by == {"video": "walk.mp4"}
    assert np.array_equal(curve.normal, small_curve().normal)
    for name, value in vars(small_features()).items():
        assert np.array_equal(getattr(features, name), value)
        assert type(getattr(features, name)) is type(value)
    assert checkpoint is not None and np.array_equal(checkpoint["done"], state(2)["done"])
    assert again.result(OTHER) is None and again.checkpoint(KEY) is None
    again.drop_checkpoint(OTHER)
    again.drop_checkpoint(OTHER)
    assert store.checkpoint(OTHER) is None and store.result(KEY) is not None


@pytest.mark.parametrize("damage", [b"", b"not an archive", to_bytes({"times_s": np.zeros(3)})])
def test_a_damaged_entry_is_dropped(store: ResultStore, folder: Path, damage: bytes) -> None:
    (folder / f"{KEY}{CURVE}").write_bytes(damage)
    assert store.result(KEY) is None
    assert names(folder) == set()


def test_a_checkpoint_cut_short_is_dropped(store: ResultStore, folder: Path) -> None:
    store.keep_checkpoint(KEY, state())
    path = folder / f"{KEY}{CHECKPOINT}"
    path.write_bytes(path.read_bytes()[:-1])
    assert store.checkpoint(KEY) is None
    assert names(folder) == set()


def test_what_was_used_longest_ago_makes_room(folder: Path) -> None:
    size = len(to_bytes(state()))
    store = ResultStore(folder, limit_bytes=3 * size)
    for key, days in ((KEY, 9), (OTHER, 8), (THIRD, 7)):
        store.keep_checkpoint(key, state())
        used_ago(folder, f"{key}{CHECKPOINT}", days * DAY_S)
    assert store.checkpoint(KEY) is not None  # and so it is the newest
    store.keep_checkpoint("d" * 64, state())
    assert names(folder) == {f"{key}{CHECKPOINT}" for key in (KEY, THIRD, "d" * 64)}
    assert store.contents() == StoreSize(3, 3 * size)


def test_what_exceeds_the_bound_alone_drives_nothing_out(folder: Path) -> None:
    store = ResultStore(folder, limit_bytes=len(to_bytes(state())))
    store.keep_checkpoint(KEY, state())
    store.keep_checkpoint(OTHER, state(size=101))
    assert names(folder) == {f"{KEY}{CHECKPOINT}"}


def test_analyses_stopped_long_ago_are_forgotten_curves_are_not(store: ResultStore, folder: Path) -> None:
    store.keep_result(KEY, small_curve(), small_features())
    for key, days in ((KEY, 31), (OTHER, 29)):
        store.keep_checkpoint(key, state())
        used_ago(folder, f"{key}{CHECKPOINT}", days * DAY_S)
    used_ago(folder, f"{KEY}{CURVE}", 400 * DAY_S)
    store.keep_result(THIRD, small_curve(), small_features())
    assert names(folder) == {f"{KEY}{CURVE}", f"{THIRD}{CURVE}", f"{OTHER}{CHECKPOINT}"}


def test_leftovers_of_killed_writers_go_those_at_work_are_left_alone(
    store: ResultStore, folder: Path
) -> None:
    for name, hours in ((f"{KEY}{CURVE}.old.partial", 2), (f"{KEY}{CURVE}.new.partial", 0.1)):
        (folder / name).write_bytes(b"half")
        used_ago(folder, name, hours * 3600)
    store.keep_result(OTHER, small_curve(), small_features())
    assert names(folder) == {f"{OTHER}{CURVE}", f"{KEY}{CURVE}.new.partial"}


def test_what_is_not_the_stores_survives_it(folder: Path) -> None:
    store = ResultStore(folder, limit_bytes=len(to_bytes(state())))
    foreign = {"thesis.npz", "film.mp4.partial", f"{KEY}.npz", f"{KEY}{CURVE}.bak"}
    for name in foreign:
        (folder / name).write_bytes(bytes(10_000))
        used_ago(folder, name, 1000 * DAY_S)
    (folder / f"{OTHER}{CURVE}").mkdir()
    store.keep_checkpoint(KEY, state())
    (folder / f"{KEY}{CURVE}.x.partial").write_bytes(b"half")
    removed = store.clear()
    assert removed == StoreSize(2, len(to_bytes(state())) + 4)
    assert names(folder) == foreign | {f"{OTHER}{CURVE}"}
    assert store.clear() == store.contents() == StoreSize(0, 0)


def does_without(store: ResultStore) -> bool:
    store.keep_result(KEY, small_curve(), small_features())
    store.keep_checkpoint(KEY, state())
    store.drop_checkpoint(OTHER)
    return store.result(KEY) is None and store.checkpoint(KEY) is None


def test_without_a_usable_folder_it_does_without_but_says_so_when_asked(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    store = ResultStore(tmp_path / "file" / "cache")
    assert does_without(store)
    for ask in (store.contents, store.clear):
        with pytest.raises(OutputError, match=r"cannot read .*SPEEDINESS_CACHE"):
            ask()


def test_without_a_home_it_does_without_but_says_so_when_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("SPEEDINESS_CACHE", "XDG_CACHE_HOME", "HOME"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(os, "getuid", lambda: 4_294_000_000)  # of whom the system knows no home
    store = ResultStore()
    assert store.folder is None and does_without(store)
    for ask in (store.contents, store.clear):
        with pytest.raises(OutputError, match="set SPEEDINESS_CACHE"):
            ask()


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root may write anywhere")
def test_a_folder_that_cannot_be_written_is_still_read(store: ResultStore, folder: Path) -> None:
    store.keep_result(KEY, small_curve(), small_features())
    folder.chmod(0o500)
    try:
        store.keep_result(OTHER, small_curve(), small_features())
        assert store.result(KEY) is not None and store.result(OTHER) is None
        with pytest.raises(OutputError, match="1 of 1 entries are left"):
            store.clear()
    finally:
        folder.chmod(0o700)


def run_python(code: str, folder: Path) -> subprocess.Popen[str]:
    start = (
        "import time\nfrom pathlib import Path\nimport numpy as np\n"
        "from speediness.results.store import ResultStore\n"
        f"store, key = ResultStore(Path({str(folder)!r})), {KEY!r}\n"
    )
    return subprocess.Popen([sys.executable, "-c", start + code], stdout=subprocess.PIPE, text=True)


@pytest.mark.skipif(sys.platform == "win32", reason="needs a limit on file sizes")
def test_a_full_disk_leaves_the_old_entry_and_nothing_half_written(
    store: ResultStore, folder: Path
) -> None:
    store.keep_checkpoint(KEY, state(1))
    full = run_python(
        "import resource\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (5000, 5000))\n"  # as a disk with 5 kB left
        "store.keep_checkpoint(key, {'done': np.zeros(10_000)})\n",
        folder,
    )
    assert full.wait(30) == 0
    assert names(folder) == {f"{KEY}{CHECKPOINT}"}
    checkpoint = store.checkpoint(KEY)
    assert checkpoint is not None and np.array_equal(checkpoint["done"], state(1)["done"])


def test_processes_that_write_at_once_and_one_that_is_killed_do_no_harm(
    store: ResultStore, folder: Path
) -> None:
    write = (
        "print('started', flush=True)\n"
        "while True: store.keep_checkpoint(key, {'done': np.full(20_000, VALUE)}); time.sleep(0.001)\n"
    )
    writers = [run_python(write.replace("VALUE", str(value)), folder) for value in (1, 2)]
    try:
        for writer in writers:
            assert writer.stdout is not None and writer.stdout.readline() == "started\n"
        seen: set[int] = set()
        until_s = time.monotonic() + 60
        while len(seen) < 2 and time.monotonic() < until_s:
            checkpoint = store.checkpoint(KEY)
            if checkpoint is not None:
                values = set(checkpoint["done"].tolist())
                assert len(values) == 1 and len(checkpoint["done"]) == 20_000
                seen |= values
        assert seen == {1, 2}
    finally:
        for writer in writers:
            writer.kill()
            writer.communicate()
    assert store.checkpoint(KEY) is not None
    for name in names(folder) - {f"{KEY}{CHECKPOINT}"}:
        used_ago(folder, name, 2 * 3600)
    store.keep_result(OTHER, small_curve(), small_features())
    assert names(folder) == {f"{KEY}{CHECKPOINT}", f"{OTHER}{CURVE}"}


@pytest.mark.skipif(sys.platform != "linux", reason="other platforms keep caches elsewhere")
@pytest.mark.parametrize(
    ("variables", "expected"),
    [
        ({}, "home/.cache/speediness"),
        ({"XDG_CACHE_HOME": "{root}/xdg"}, "xdg/speediness"),
        ({"XDG_CACHE_HOME": "relative"}, "home/.cache/speediness"),
        ({"SPEEDINESS_CACHE": "{root}/mine", "XDG_CACHE_HOME": "{root}/xdg"}, "mine"),
        ({"SPEEDINESS_CACHE": ""}, "home/.cache/speediness"),
    ],
)
def test_where_entries_lie(
    variables: dict[str, str], expected: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("SPEEDINESS_CACHE", "XDG_CACHE_HOME"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    for name, value in variables.items():
        monkeypatch.setenv(name, value.format(root=tmp_path))
    assert cache_folder() == tmp_path / expected


def test_a_curve_that_json_has_no_words_for_is_refused(store: ResultStore) -> None:
    with pytest.raises(TypeError):
        store.keep_result(KEY, replace(small_curve(), made_by={"clip": object()}), small_features())
