"""The state of a training run in a folder, so that it goes on where it was interrupted.

``fitted.mlir`` and ``float.mlir`` are the network that is trained and the one that it learns from; ``state.pt`` has the
parameters and the optimizer's moments after ``step`` steps; ``run.json`` says what the run was started with. Every file
is written beside its place and moved there when it is whole.
"""

from __future__ import annotations

import json
import pickle
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import Any

from xdsl.dialects.builtin import ModuleOp

from pqc.errors import ModelError
from pqc.isa.program import write_whole
from pqc.passes.text import load_module, save_module
from pqc.training.torch_library import torch

FITTED, FLOAT, STATE, RUN = "fitted.mlir", "float.mlir", "state.pt", "run.json"


@dataclass(frozen=True)
class Checkpoint:
    """A folder that holds one run, or none yet."""

    folder: Path

    def belongs_to(self, facts: dict[str, Any]) -> bool:
        """Whether the folder holds the run that was started with ``facts``, plain JSON values; False if it holds none.

        Raises:
            ModelError: it holds another run, or something else.
        """
        path = self.folder / RUN
        if not path.exists():
            if self.folder.exists() and any(self.folder.iterdir()):
                raise ModelError(f"{self.folder}: holds no training run, and is not empty; choose another --checkpoint")
            return False
        try:
            found: dict[str, Any] = json.loads(path.read_text())
        except (OSError, ValueError) as error:
            raise ModelError(f"{path}: cannot be read: {error}; delete the folder to start again") from error
        different = [name for name in facts if found.get(name) != facts[name]]
        if different:
            raise ModelError(
                f"{self.folder}: holds a run with another {different[0]}; delete the folder, or choose another "
                "--checkpoint"
            )
        return True

    def start(self, facts: dict[str, Any], fitted: ModuleOp, teacher: ModuleOp) -> None:
        """Begin a run; its ``facts`` are written last, so that a folder without them holds no run."""
        self.folder.mkdir(parents=True, exist_ok=True)
        save_module(fitted, self.folder / FITTED, "the network that is trained, as it was fitted")
        save_module(teacher, self.folder / FLOAT, "the float network that it learns from")
        write_whole(self.folder / RUN, json.dumps(facts, indent=2, sort_keys=True).encode())

    def modules(self) -> tuple[ModuleOp, ModuleOp]:
        """The network that is trained, as it was fitted, and the float network.

        Raises:
            ModelError: a file is missing or damaged.
        """
        return load_module(self.folder / FITTED), load_module(self.folder / FLOAT)

    def save(self, state: dict[str, Any]) -> None:
        """Keep the state in place of an earlier one."""
        data = BytesIO()
        torch.save(state, data)
        write_whole(self.folder / STATE, data.getvalue())

    def load(self) -> dict[str, Any] | None:
        """The last state that was kept, None if there is none.

        Raises:
            ModelError: the file is damaged.
        """
        path = self.folder / STATE
        if not path.exists():
            return None
        try:
            state: dict[str, Any] = torch.load(path, weights_only=True)
        except (OSError, EOFError, RuntimeError, ValueError, pickle.UnpicklingError) as error:
            raise ModelError(f"{path}: is damaged; delete {self.folder} to start again") from error
        return state
