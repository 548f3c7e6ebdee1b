"""Progress bars: shown to a person, and to nobody else."""

from __future__ import annotations

import io

import pytest

from pqc.cli.progress import pass_progress, track
from pqc.passes.progress import report_progress


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def work() -> None:
    assert list(track([1, 2, 3], "counting", 3)) == [1, 2, 3]
    with pass_progress():
        for done in (1, 2):
            report_progress("fitting", done, 2)


def test_a_person_sees_what_is_being_done(monkeypatch: pytest.MonkeyPatch) -> None:
    terminal = Terminal()
    monkeypatch.setattr("sys.stderr", terminal)
    work()
    assert "counting" in terminal.getvalue()
    assert "fitting" in terminal.getvalue()


def test_a_file_sees_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    talk = io.StringIO()
    monkeypatch.setattr("sys.stderr", talk)
    work()
    assert talk.getvalue() == ""
