import os
import re
import resource
import subprocess
import sys
from pathlib import Path
from typing import Literal

import pytest

import speediness
from command_line import refused
from speediness.cli.main import VERBS, app, main
from speediness.cli.terminal import console
from speediness.errors import WeightsError
from speediness.results.store import ResultStore


def run_process(*arguments: str, **options) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "speediness.cli.main", *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=False, **options)


@pytest.mark.parametrize(
    "arguments",
    [
        ["no-such-verb"],
        ["analyse"],
        ["analyse", "--no-such-option", "x.mp4"],
        ["speedup", "x.mp4", "-o", "y.mp4"],
        ["speedup", "x.mp4", "-o", "y.mp4", "--rate", "fast"],
        ["speedup", "x.mp4", "--rate", "2", "--duration", "3", "-o", "y.mp4"],
        ["evaluate", "beauty", "--data", "x"],
    ],
)
def test_bad_arguments_are_one_line_and_exit_code_2(
    arguments: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    err = refused(arguments, capsys)
    assert err.startswith("speediness: ") and "--help" in err


@pytest.mark.parametrize("arguments", [[], ["data"]])
def test_without_a_verb_there_is_help(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(arguments) == 2
    out, err = capsys.readouterr()
    assert "Commands" in out and err == ""


def test_version(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--version"]) == 0
    assert capsys.readouterr().out == f"speediness {speediness.__version__}\n"


def processor_s() -> float:
    """Seconds of processor that the processes run so far took: how busy the machine is does not count."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


@pytest.mark.parametrize("asked", ["--help", "--version"])
def test_help_is_quick(asked: str) -> None:
    run_process(asked)  # the first start may compile
    started_s = processor_s()
    assert run_process(asked).returncode == 0
    assert processor_s() - started_s < 0.3


def test_the_nearest_names_are_suggested(capsys: pytest.CaptureFixture[str]) -> None:
    for arguments, near in (
        (["analise", "x"], '"analyse"'),
        (["analyse", "x", "--engin", "onnx"], "--engine"),
        (["reproduce", "tabel1"], '"table1"'),
    ):
        assert f"Did you mean {near}?" in refused(arguments, capsys)


def test_of_an_option_given_twice_the_last_counts_but_lists_grow() -> None:
    _, given, _ = app.parse_args(
        ["analyse", "x", "--engine", "onnx", "--engine", "torch", "--csv", "--csv"]
    )
    assert given.arguments["options"].engine == "torch" and given.arguments["csv"]
    _, given, _ = app.parse_args(["convert", "a", "b", "-o", "c", "--set", "k=1", "--set", "l=2"])
    assert given.arguments["settings"] == ("k=1", "l=2")


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_a_completion_script_knows_verbs_and_options(shell: Literal["bash", "zsh", "fish"]) -> None:
    script = app.generate_completion(shell=shell)
    assert all(verb in script for verb in VERBS)
    assert "limit" in script and "verify" in script


@pytest.mark.parametrize("verb", VERBS)
def test_help_of_a_verb_says_what_every_option_means(verb: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([verb, "--help"]) == 0
    assert "Usage: speediness" in capsys.readouterr().out
    verbs = [app[verb]]
    if app[verb].default_command is None:
        verbs = [sub for name, sub in app[verb].resolved_commands().items() if not name.startswith("-")]
    for each in verbs:
        assert re.match(r"[A-Z].*\.$", each.help.splitlines()[0])  # a sentence
        arguments = [a for a in each.assemble_argument_collection(parse_docstring=True) if a.show]
        for argument in arguments:  # a phrase, on one line
            assert re.fullmatch("[^\n]*[^\n.]", argument.parameter.help or "")
        assert len(arguments) <= 13  # 12 options and what is worked on


def test_an_error_is_one_line_unless_asked_where_it_comes_from(tmp_path: Path) -> None:
    plain = run_process("analyse", str(tmp_path / "missing.mp4"))
    assert plain.returncode == 2 and plain.stdout == ""
    assert len(plain.stderr.splitlines()) == 1 and "missing.mp4 does not exist" in plain.stderr
    debug = run_process(
        "analyse", str(tmp_path / "missing.mp4"), env=os.environ | {"SPEEDINESS_DEBUG": "1"}
    )
    assert debug.returncode not in (0, 2)
    assert "Traceback" in debug.stderr and "VideoError" in debug.stderr


def test_a_missing_torch_is_named_with_the_remedy(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in [
        name for name in sys.modules if name.startswith(("speediness.training", "speediness.models"))
    ]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "torch", None)
    command = ["train", "smoke", "--data", tmp_path, "--out", tmp_path / "run"]
    assert 'pip install "speediness[train]"' in refused(command, capsys)


def test_a_reader_that_closes_early_is_no_error() -> None:
    command = [sys.executable, "-m", "speediness.cli.main", "--help"]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    assert process.stdout is not None and process.stderr is not None
    process.stdout.close()
    assert process.stderr.read() == ""
    process.stderr.close()
    process.wait(timeout=10)


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such signal")
def test_who_is_told_to_end_leaves_nothing_half_written(
    video: Path, curve_file: Path, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    out.mkdir()
    program = (
        "import os, signal, sys\n"
        "from speediness.cli.main import main\n"
        "from speediness.video.writer import VideoWriter\n"
        "def half_way(self):\n"
        "    self._container.mux(self._frames.encode(None))\n"
        "    assert 'o.mp4.partial' in os.listdir(sys.argv[1])\n"
        "    os.kill(os.getpid(), signal.SIGTERM)\n"
        "VideoWriter._finish = half_way\n"
        "sys.exit(main(sys.argv[2:]))\n"
    )
    render = ["speedup", str(video), "--from", str(curve_file), "--rate", "1.5", "-o", str(out / "o.mp4")]
    done = subprocess.run(
        [sys.executable, "-c", program, str(out), *render], capture_output=True, text=True, check=False
    )
    assert done.returncode == 130 and "nothing half written" in done.stderr
    assert not list(out.glob("*.mp4*"))


@pytest.mark.parametrize("verb", ["speedup", "analyse", "export"])
def test_an_unknown_option_names_the_help_of_its_verb(
    verb: str, capsys: pytest.CaptureFixture[str]
) -> None:
    given = {
        "speedup": ["x", "--rate", "2", "-o", "y.mp4"],
        "analyse": ["x"],
        "export": ["--db", "x", "-o", "y"],
    }
    said = refused([verb, *given[verb], "--frobnicates"], capsys)
    assert "--frobnicates" in said and f"ee speediness {verb} --help" in said


@pytest.mark.parametrize("address", ["http://example.com/a.mp4", "https://example.com", "rtsp://camera/1"])
def test_an_address_is_no_file(address: str, capsys: pytest.CaptureFixture[str]) -> None:
    err = refused(["analyse", address], capsys)
    assert "is an address, not a file; download" in err and "does not exist" not in err


def test_a_folder_where_a_video_belongs(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert "name one video" in refused(["heatmap", tmp_path, "-o", tmp_path / "a.mp4"], capsys)


def test_ctrl_c_in_a_compiled_module_is_ctrl_c(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def contents(store: ResultStore) -> None:
        try:
            try:
                raise KeyboardInterrupt
            except KeyboardInterrupt as error:
                raise ImportError("initialization failed") from error
        except ImportError as error:
            raise WeightsError("a.onnx is not a network exported by speediness") from error

    monkeypatch.setattr(ResultStore, "contents", contents)
    assert main(["cache"]) == 130
    assert capsys.readouterr().err == "speediness: stopped; nothing half written was left\n"


def test_ctrl_c_while_the_program_starts_is_one_line() -> None:
    program = "import speediness.cli; raise KeyboardInterrupt"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert done.returncode != 0 and done.stderr == "speediness: stopped before it began\n"


def test_a_table_in_a_pipe_is_not_cut(capsys: pytest.CaptureFixture[str]) -> None:
    console().print("a" * 300)
    assert capsys.readouterr().out == "a" * 300 + "\n"
