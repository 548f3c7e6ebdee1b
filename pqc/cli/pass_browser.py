"""The pass browser behind `pqc gui`: xDSL's, with our dialects and passes, and with constants from beside the file."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from pathlib import Path
from typing import ClassVar

from textual import on
from textual.widgets import TextArea
from textual.widgets.tree import TreeNode
from xdsl.dialects.builtin import Builtin, ModuleOp
from xdsl.dialects.func import Func
from xdsl.interactive.app import InputApp
from xdsl.interactive.passes import AvailablePass, get_condensed_pass_list
from xdsl.ir import Dialect
from xdsl.passes import ModulePass

from pqc.dialects.blob import FOLDER, BlobStore
from pqc.dialects.registry import DIALECTS, make_context
from pqc.errors import ModelError
from pqc.passes.named import available_passes, passes_named
from pqc.text_file import read_text


class PassBrowser(InputApp):
    """xDSL's application on a text of our IR."""

    TITLE = "pqc gui"

    # a relative path would be looked for beside this file
    CSS_PATH: ClassVar = Path(inspect.getfile(InputApp)).with_name("app.tcss")

    def __init__(self, path: Path, passes: str | None = None) -> None:
        """Open a file.

        Args:
            path: the text of the IR.
            passes: those that are chosen at the beginning, as ``select-pq{length=3},calibrate-ranges``.

        Raises:
            ModelError: the file cannot be read, a constant beside it is damaged, or there is no such pass.
        """
        BlobStore.load(path.parent / FOLDER)
        self._effective: tuple[ModuleOp, tuple[AvailablePass, ...]] | None = None
        super().__init__(
            tuple((dialect.name, _always(dialect)) for dialect in (Builtin, Func, *DIALECTS)),
            tuple((name, kind()) for name, kind in available_passes().items()),
            str(path),
            read_text(path, "IR text"),
            () if passes is None else passes_named(passes),
        )

    @on(TextArea.Changed, "#input")
    def read_constants(self) -> None:
        """Read what lies beside a file that was opened by hand; this is called before the text is parsed."""
        try:
            BlobStore.load(Path(self.current_file_path).parent / FOLDER)
        except ModelError as error:
            self.notify(str(error), severity="error")

    def compute_available_pass_list(self) -> tuple[AvailablePass, ...]:
        """All passes; in condensed mode those that change the module; none behind one that failed.

        xDSL applies the chosen passes here once more, whenever anything changes, and ends where one of them fails.
        """
        module = self.current_module
        if isinstance(module, Exception):
            return ()
        if module is None or not self.condense_mode:
            return tuple(AvailablePass(kind) for _, kind in self.all_passes)
        if self._effective is None or self._effective[0] is not module:
            self._effective = module, get_condensed_pass_list(make_context(), module, self.all_passes)
        return self._effective[1]

    def expand_node(
        self, expanded_pass: TreeNode[type[ModulePass] | ModulePass], child_pass_list: tuple[AvailablePass, ...]
    ) -> None:
        """List passes that can be chosen, but not opened: xDSL applies what is opened, and ends where it fails."""
        expanded_pass.remove_children()
        for available in child_pass_list:
            expanded_pass.add_leaf(str(available), available.module_pass)

    def get_query_string(self) -> str:
        """The command that does the same without this application."""
        chosen = ",".join(str(step.pipeline_pass_spec()) for step in self.pass_pipeline)
        return f"pqc opt {self.current_file_path}" + (f" -p '{chosen}'" if chosen else "")


def _always(dialect: Dialect) -> Callable[[], Dialect]:
    return lambda: dialect
