"""A hook of the documentation site: files of the repository that pages link to are shown by pages of their own.

So a link such as ``../passes/fuse_epilogue.py`` works in a viewer of the repository and on the site, whatever the site
is served from.
"""

from __future__ import annotations

import os
import posixpath
import re
from pathlib import Path

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files
from mkdocs.structure.pages import Page

FOLDER = "source"
"""Where on the site the files of the repository are."""

LANGUAGES = {".py": "python", ".toml": "toml", ".md": "markdown"}
"""How files are highlighted, by the ending of their names; others are plain text."""

HEAD = "---\nsearch:\n  exclude: true\n---\n"
"""These pages are found by their links; the search is for the pages that explain."""

_LINK = re.compile(r"\]\((\.\./[^)#\s]+)\)")


def _target(page: str, link: str, root: Path) -> str | None:
    """The path in the repository of what ``page`` links to, if it is a file there that is no page itself."""
    path = posixpath.normpath(posixpath.join("docs", posixpath.dirname(page), link))
    if path.startswith(("docs/", "..")) or not (root / path).is_file():
        return None
    return path


def _root(config: MkDocsConfig) -> Path:
    return Path(config.docs_dir).parent


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Add a page for each file of the repository that a page links to."""
    root, linked = _root(config), set[str]()
    for file in files.documentation_pages():
        for link in _LINK.findall(file.content_string):
            path = _target(file.src_uri, link, root)
            if path is not None:
                linked.add(path)
    for path in sorted(linked):
        language = LANGUAGES.get(Path(path).suffix, "text")
        text = f"{HEAD}# {path}\n\n````{language}\n{(root / path).read_text(encoding='utf-8').rstrip()}\n````\n"
        files.append(File.generated(config, f"{FOLDER}/{path}.md", content=text))
    return files


def on_page_markdown(markdown: str, page: Page, config: MkDocsConfig, files: Files) -> str:
    """Let links to files of the repository lead to the pages that show them."""
    root, here = _root(config), page.file.src_uri

    def moved(match: re.Match[str]) -> str:
        path = _target(here, match[1], root)
        if path is None:
            return match[0]
        return f"]({os.path.relpath(f'{FOLDER}/{path}.md', posixpath.dirname(here) or '.')})"

    return _LINK.sub(moved, markdown)
