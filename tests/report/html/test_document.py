"""The page as a file: whole, the same every time, and nothing in it asks for another one."""

from __future__ import annotations

import re
from dataclasses import replace
from html.parser import HTMLParser

from support.command_line import classifier

from pqc.report.html.document import VIEWS, Document
from pqc.report.text import figure

FETCHING = ("src", "href", "data", "action", "poster", "srcset")
"""Attributes that make a browser fetch something."""


class Attributes(HTMLParser):
    """Collects what the page asks for, its views and its layers."""

    def __init__(self) -> None:
        super().__init__()
        self.fetched: list[str] = []
        self.views: list[str] = []
        self.layers: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.fetched += [f"{tag} {name}={value}" for name, value in attrs if name in FETCHING]
        known = dict(attrs)
        if tag == "section":
            self.views.append(str(known["id"]))
        if tag == "article":
            self.layers.append(str(known["data-node"]))


def read(page: bytes) -> Attributes:
    found = Attributes()
    found.feed(page.decode())
    return found


def test_everything_is_in_the_file(document: Document) -> None:
    page = document.to_bytes()
    found = read(page)
    assert found.fetched == []
    assert found.views == [f"view-{name}" for name in VIEWS]
    assert found.layers == [layer["node"] for layer in document.report["layers"]]
    assert not re.search(r"@import|url\(\s*['\"]?https?:", page.decode().split("</style>")[0])
    assert b"default-src 'none'" in page


def test_the_same_bytes_again(document: Document) -> None:
    assert Document(document.program, document.recording).to_bytes() == document.to_bytes()


def test_figures_of_the_report_stand_in_it(document: Document) -> None:
    text = document.to_bytes().decode()
    cycles = document.report["cycles"]
    for value in (cycles["steady_state"], cycles["latency"], cycles["pq"], cycles["paper_model_pq"]):
        assert f"<b>{figure(value)}</b>" in text
    for name, _ in document.recording.texts:
        assert f"<span>{name}</span>" in text


def test_a_program_that_was_read_back() -> None:
    text = Document(classifier()).to_bytes().decode()
    assert "A program file has no graph" in text
    assert "A program file has no text of the IR" in text
    assert "No layer is product-quantized" in text


def test_names_of_nodes_are_only_text(document: Document) -> None:
    hostile = "</script><script>alert(1)</script>"
    program = replace(document.program, nodes=[hostile for _ in document.program.nodes], provenance={})
    page = Document(program).to_bytes().decode()
    assert "<script>alert(1)" not in page
    assert "&lt;/script&gt;&lt;script&gt;alert(1)" in page
