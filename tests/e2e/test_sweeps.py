"""Sweeps that are interrupted in every way, and go on as if nothing had happened."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from support.sweeps import write_network

pytestmark = [pytest.mark.e2e, pytest.mark.slow]

ROOT = Path(__file__).parents[2]
FILES = ("points.csv", "front.csv", "results.json", "front.svg", "front.png")
SPACE = """
pq = {prototypes = [4, 8], images = 16}
[target]
name = ["tiny", "pqa"]
set = {lookup.output_lanes = [4, 8], encode.prototype_lanes = [4, 8]}
"""
POINTS, RECORDS = 16, 18


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A network, its data, a space, and the results of a sweep that nobody interrupted in `whole`."""
    made = tmp_path_factory.mktemp("sweeps")
    write_network(made)
    (made / "space.toml").write_text(SPACE)
    process = start(made, "whole")
    talk = process.communicate()[1]
    assert process.returncode == 0, talk
    assert f"{POINTS} points are left to do" in talk
    return made


def start(folder: Path, name: str, jobs: int = 1) -> subprocess.Popen[str]:
    """The command in a process group of its own."""
    data = ("--calibrate", "c.npz", "--evaluate", "e.npz", "--space", "space.toml")
    return subprocess.Popen(
        [sys.executable, "-m", "pqc", "explore", "m.onnx", *data, "-o", name, "--jobs", str(jobs)],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )


def records(folder: Path) -> int:
    path = folder / "points.jsonl"
    return path.read_bytes().count(b"\n") - 1 if path.exists() else 0


def wait(condition: Callable[[], bool]) -> None:
    while not condition():
        time.sleep(0.01)


def no_process_is_left(group: int) -> bool:
    try:
        os.killpg(group, 0)
    except ProcessLookupError:
        return True
    return False


def same_as_uninterrupted(folder: Path, name: str) -> None:
    for file in FILES:
        assert (folder / name / file).read_bytes() == (folder / "whole" / file).read_bytes(), file


def go_on(folder: Path, name: str, jobs: int = 1) -> str:
    process = start(folder, name, jobs)
    talk = process.communicate()[1]
    assert process.returncode == 0, talk
    return talk


def test_killed_in_the_middle_it_goes_on(folder: Path) -> None:
    process = start(folder, "killed")
    wait(lambda: records(folder / "killed") >= 4)
    process.kill()
    process.communicate()
    assert process.returncode == -signal.SIGKILL
    # The processes that worked for it end too, though nobody tells them to.
    wait(lambda: no_process_is_left(process.pid))
    kept = (folder / "killed" / "points.jsonl").read_bytes()
    assert 4 <= records(folder / "killed") < RECORDS
    assert not (folder / "killed" / "points.csv").exists()
    talk = go_on(folder, "killed")
    assert "points are left to do" in talk
    assert (folder / "killed" / "points.jsonl").read_bytes().startswith(kept)
    assert records(folder / "killed") == RECORDS
    same_as_uninterrupted(folder, "killed")
    assert "no points are left to do" in go_on(folder, "killed")


def test_killed_again_and_again_it_comes_to_its_end(folder: Path) -> None:
    for some in (1, 6, 11):
        process = start(folder, "again", jobs=2)
        wait(lambda some=some: records(folder / "again") >= some)
        process.kill()
        process.communicate()
        with (folder / "again" / "points.jsonl").open("ab") as file:
            file.write(b'{"cycles":12,"ke')
        wait(lambda process=process: no_process_is_left(process.pid))
    assert "a record that was cut short is dropped, and its work done again" in go_on(folder, "again", jobs=2)
    assert records(folder / "again") == RECORDS
    same_as_uninterrupted(folder, "again")


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_asked_to_stop_it_says_how_to_go_on(folder: Path, number: signal.Signals) -> None:
    name = number.name
    process = start(folder, name)
    wait(lambda: records(folder / name) >= 4)
    # Ctrl-C reaches all processes of the terminal, SIGTERM only the one that is named.
    os.killpg(process.pid, number) if number is signal.SIGINT else process.send_signal(number)
    text, talk = process.communicate()
    assert process.returncode == 128 + number
    wait(lambda: no_process_is_left(process.pid))
    assert "Traceback" not in talk
    assert f" of {POINTS} points are done; the same command goes on from there\n" in talk
    assert text.startswith("prototypes  target")
    assert ",open," in (folder / name / "points.csv").read_text()
    go_on(folder, name)
    assert records(folder / name) == RECORDS
    same_as_uninterrupted(folder, name)


def test_a_second_command_on_the_same_folder_is_refused(folder: Path) -> None:
    process = start(folder, "shared")
    wait(lambda: records(folder / "shared") >= 1)
    second = start(folder, "shared")
    talk = second.communicate()[1]
    assert second.returncode == 1
    assert talk == "error: shared/points.jsonl: another process is at work on this folder\n"
    process.communicate()
    assert process.returncode == 0
    same_as_uninterrupted(folder, "shared")
