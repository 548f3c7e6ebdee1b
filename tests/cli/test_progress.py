"""Progress bars: shown to a person, and to nobody else."""

from __future__ import annotations

import io

import pytest

from pqc.cli.progress import Steps, pass_progress, track
from pqc.passes.progress import report_progress


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def work() -> None:
    assert list(track([1, 2, 3], "counting", 3)) == [1, 2, 3]
    with pass_progress():
        for done in (1, 2):
            report_progress("fitting", done, 2)
    with Steps("sweeping") as steps:
        for done in (0, 1, 2):
            steps.show(done, 2)


def test_a_person_sees_what_is_being_done(monkeypatch: pytest.MonkeyPatch) -> None:
    terminal = Terminal()
    monkeypatch.setattr("sys.stderr", terminal)
    work()
    assert "counting" in terminal.getvalue()
    assert "fitting" in terminal.getvalue()
    assert "sweeping:  50%" in terminal.getvalue()


def test_a_file_sees_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    talk = io.StringIO()
    monkeypatch.setattr("sys.stderr", talk)
    work()
    assert talk.getvalue() == ""


def test_talk_goes_above_the_bar(monkeypatch: pytest.MonkeyPatch) -> None:
    terminal = Terminal()
    monkeypatch.setattr("sys.stderr", terminal)
    with Steps("sweeping") as steps:
        steps.say("before the bar")
        steps.show(1, 2)
        steps.say("above the bar")
    text = terminal.getvalue()
    assert "before the bar\n" in text
    assert "\rabove the bar\n" in text
    assert text.rindex("sweeping") > text.index("above the bar")
