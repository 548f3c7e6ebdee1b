"""A hook of the documentation site: every notebook, with the outputs that it holds, is a page."""

from __future__ import annotations

import re
from pathlib import Path

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files
from mkdocs.structure.pages import Page
from nbconvert.exporters import MarkdownExporter


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Replace ``notebooks/NAME.ipynb`` by the page ``notebooks/NAME.md``."""
    for notebook in [file for file in files if file.src_uri.endswith(".ipynb")]:
        text, _ = MarkdownExporter().from_filename(str(notebook.abs_src_path))
        files.remove(notebook)
        page = str(Path(notebook.src_uri).with_suffix(".md"))
        files.append(File.generated(config, page, content=text))
    return files


def on_page_markdown(markdown: str, page: Page, config: MkDocsConfig, files: Files) -> str:
    """Let links to notebooks lead to their pages."""
    return re.sub(r"(\]\([^)\s]+)\.ipynb\)", r"\1.md)", markdown)
