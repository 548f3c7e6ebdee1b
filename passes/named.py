"""Passes by their names, with options, as the command line gives them."""

from __future__ import annotations

from collections.abc import Callable

from xdsl.passes import ModulePass, PassPipeline
from xdsl.transforms import get_all_passes
from xdsl.utils.exceptions import ArgSpecParseError

from pqc.errors import ModelError
from pqc.passes.pipeline import PASSES

UPSTREAM_PASSES = ("canonicalize", "cse", "dce")
"""Passes of xDSL that make sense for our dialects."""


def available_passes() -> dict[str, Callable[[], type[ModulePass]]]:
    """Ours and the upstream ones of :data:`UPSTREAM_PASSES`, by name."""
    upstream = get_all_passes()
    return {name: upstream[name] for name in UPSTREAM_PASSES} | {kind.name: _always(kind) for kind in PASSES}


def passes_named(text: str) -> tuple[ModulePass, ...]:
    """The passes that a text such as ``select-pq{length=3},quantize`` names.

    Raises:
        ModelError: there is no such pass, or not with these options.
    """
    try:
        return PassPipeline.parse_spec(available_passes(), text).passes
    except (ValueError, ArgSpecParseError) as error:
        raise ModelError(f"passes {text}: {' '.join(str(error).split())}; see `pqc passes`") from error


def _always(kind: type[ModulePass]) -> Callable[[], type[ModulePass]]:
    return lambda: kind
