"""The site is built without a warning, has every page, and asks for nothing from elsewhere."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from html.parser import HTMLParser
from pathlib import Path

import pytest
from support.pages import DOCS, ROOT

OUTSIDE = re.compile(r"^(?:[a-z]+:)?//", re.IGNORECASE)
LOADING_RELATIONS = {"stylesheet", "icon", "shortcut", "preload", "prefetch", "preconnect", "dns-prefetch", "manifest"}


class Requests(HTMLParser):
    """What a browser fetches to show a page: everything but what a reader has to click on."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []
        self.classes: set[str] = set()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        self.classes |= set(given.get("class", "").split())
        self.found += [given[name] for name in ("src", "srcset", "poster", "data") if name in given]
        if tag == "link" and LOADING_RELATIONS & set(given.get("rel", "").split()):
            self.found.append(given["href"])
        self.found += in_style(given.get("style", ""))

    def handle_data(self, data: str) -> None:
        if self.lasttag == "style":
            self.found += in_style(data)


def in_style(text: str) -> list[str]:
    """What a style sheet fetches."""
    addresses = re.findall(r"url\(\s*['\"]?([^'\")]+)", text) + re.findall(r"@import\s+['\"]([^'\"]+)", text)
    return [address for address in addresses if not address.startswith("data:")]


def requests_of(page: Path) -> Requests:
    parser = Requests()
    parser.feed(page.read_text(encoding="utf-8"))
    return parser


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("site")
    done = subprocess.run(
        [sys.executable, "-m", "mkdocs", "build", "--strict", "--quiet", "--site-dir", str(folder)],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT), "NO_MKDOCS_2_WARNING": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    return folder


def test_every_page_stands_in_the_menu_of_the_site(site: Path) -> None:
    start = (site / "index.html").read_text(encoding="utf-8")
    pages = [path.relative_to(DOCS) for suffix in ("md", "ipynb") for path in DOCS.rglob(f"*.{suffix}")]
    assert len(pages) > 20
    for page in pages:
        built = page.with_suffix(".html").as_posix()
        assert (site / built).is_file()
        assert f'href="{built}"' in start, f"{page} is missing in the menu of mkdocs.yml"


def test_pages_ask_for_nothing_from_elsewhere(site: Path) -> None:
    pages = list(site.rglob("*.html"))
    for page in pages:
        found = requests_of(page)
        assert [address for address in found.found if OUTSIDE.match(address)] == [], page
        # the theme's script would fetch a library for these
        assert not {"mermaid", "md-source"} & found.classes, page
    sheets = list(site.rglob("*.css"))
    assert pages
    assert sheets
    for sheet in sheets:
        assert [one for one in in_style(sheet.read_text(encoding="utf-8")) if OUTSIDE.match(one)] == [], sheet


def test_whatever_a_page_fetches_is_there(site: Path) -> None:
    for page in site.rglob("*.html"):
        if page.name == "404.html":
            continue  # its addresses begin at the root of whatever serves the site
        for address in requests_of(page).found:
            assert (page.parent / address.split("?")[0].split("#")[0]).exists(), (page, address)


def test_links_to_the_repository_lead_to_pages_that_show_the_files(site: Path) -> None:
    page = (site / "adding" / "pass.html").read_text(encoding="utf-8")
    assert 'href="../source/passes/pipeline.py.html"' in page
    shown = (site / "source" / "passes" / "pipeline.py.html").read_text(encoding="utf-8")
    assert "PASSES" in shown


def test_notebooks_are_shown_with_their_outputs(site: Path) -> None:
    page = (site / "notebooks" / "one_convolution.html").read_text(encoding="utf-8")
    assert "result: 6,144 integers" in page
    assert 'href="notebooks/one_convolution.html"' in (site / "tutorial.html").read_text(encoding="utf-8")


def test_addresses_elsewhere_are_found() -> None:
    parser = Requests()
    parser.feed('<link rel="stylesheet" href="https://a/b.css"><img src="//c/d.png"><a href="https://e">e</a>')
    parser.feed("<style>@import 'https://f/g.css'; p {background: url(https://h/i.png)}</style>")
    assert parser.found == ["https://a/b.css", "//c/d.png", "https://h/i.png", "https://f/g.css"]
    assert all(map(OUTSIDE.match, parser.found))
