"""The page in a real browser: every view, the way to the slowest layer, and the text behind each pass."""

from __future__ import annotations

from collections.abc import Generator

import pytest
from support.browser import Browser, browser

from pqc.report.html.changes import changes
from pqc.report.html.document import VIEWS, Document
from pqc.report.html.network import places
from pqc.report.reasons import reasons

PICTURES = ("network", "layers", "timeline", "roofline", "memory", "numerics")
"""The views with a picture."""


@pytest.fixture(scope="module")
def opened(document: Document, tmp_path_factory: pytest.TempPathFactory) -> Generator[Browser, None, None]:
    page = tmp_path_factory.mktemp("page") / "report.html"
    page.write_bytes(document.to_bytes())
    with browser() as found:
        found.open(page)
        yield found


def show(opened: Browser, view: str) -> None:
    opened.one(f"nav button[data-view='{view}']").click()
    opened.wait_for(f"#view-{view}")


def test_every_view_opens_and_draws_and_asks_for_nothing(opened: Browser) -> None:
    for view in VIEWS:
        show(opened, view)
        assert [one.get_attribute("id") for one in opened.all("main > section")] == [f"view-{view}"]
        if view in PICTURES:
            opened.wait_for(f"#{view}-picture > *")
    assert opened.complaints == []
    assert opened.requests == []


def test_two_clicks_lead_to_the_reason_for_the_slowest_layer(opened: Browser, document: Document) -> None:
    slowest = max(document.report["layers"], key=lambda layer: layer["cycles"])
    show(opened, "overview")
    opened.all(".slowest .row")[0].click()
    assert opened.one("aside h2").text == slowest["node"]
    shown = [one.text for one in opened.all("aside li")]
    assert shown == reasons(slowest, document.report)
    opened.one("aside .close").click()
    assert opened.all("aside") == []


def test_a_click_on_a_box_of_the_network_shows_its_layer(opened: Browser, document: Document) -> None:
    show(opened, "network")
    opened.wait_for("#network-picture > *")
    graph = document.recording.graph
    assert graph is not None
    ranks = 1 + max(place.rank for place in places(graph))
    box = opened.script("return document.querySelector('#network-picture').getBoundingClientRect().toJSON()")
    # the second of the boxes that stand one below the other
    opened.click_at(box["x"] + box["width"] / 2, box["y"] + box["height"] * 1.5 / ranks)
    opened.wait_for("aside h2")
    assert opened.one("aside h2").text in [layer["node"] for layer in document.report["layers"]]
    opened.one("aside .close").click()


def test_the_changes_of_a_pass(opened: Browser, document: Document) -> None:
    show(opened, "passes")
    steps = changes(document.recording.texts)
    opened.wait_for("#view-passes .text div")
    for index, (button, step) in enumerate(zip(opened.all("#view-passes .list button"), steps, strict=True)):
        button.click()
        assert step.name in button.text
        if index == 0:
            continue
        assert opened.count("#view-passes .text .new") == step.added
        assert opened.count("#view-passes .text .gone") == step.removed


def test_a_layer_s_own_lines(opened: Browser, document: Document) -> None:
    node = document.report["layers"][0]["node"]
    show(opened, "overview")
    opened.script(f"pqc.showLayer({node!r})")
    opened.one("aside button[data-filter]").click()
    opened.wait_for("#view-passes .text div")
    plain = node.replace(".", "_").replace("/", "_")
    for row in opened.all("#view-passes .text div"):
        assert plain in row.text.replace(".", "_").replace("/", "_")
