"""Modules as text: with locations, constants as handles, and the arrays behind them in a folder beside the file."""

from __future__ import annotations

import re
import struct
from io import StringIO
from itertools import chain, count
from pathlib import Path

from xdsl.context import Context
from xdsl.dialects.builtin import FusedLoc, ModuleOp
from xdsl.ir import Attribute
from xdsl.parser import Parser
from xdsl.printer import Printer
from xdsl.utils.exceptions import ParseError, VerifyException
from xdsl.utils.lexer import Input, Span

from pqc.dialects.blob import FOLDER, BlobAttr, BlobStore
from pqc.dialects.elements import elements
from pqc.dialects.location import node_name
from pqc.dialects.registry import make_context
from pqc.errors import ModelError
from pqc.passes.attributes import CALIBRATION
from pqc.passes.verification import verify_module


class AliasPrinter(Printer):
    """Prints locations of several nodes, which many instructions share, once; operations refer to them by a name."""

    aliases: dict[Attribute, str]

    def print_module(self, module: ModuleOp) -> None:
        """Print the definitions of the names, then the module."""
        self.aliases = {}
        definitions = _location_names(module) if self.print_debuginfo else {}
        for location, alias in definitions.items():
            self.print_string(f"#{alias} = {location}\n")
        self.aliases = definitions
        self.print_op(module)

    def print_attribute(self, attribute: Attribute) -> None:
        """Print an attribute, or the name of a location that has one."""
        alias = self.aliases.get(attribute)
        if alias is None:
            super().print_attribute(attribute)
        else:
            self.print_string(f"loc(#{alias})")


def _location_names(module: ModuleOp) -> dict[Attribute, str]:
    """For each location of several nodes a name after the first of them."""
    names: dict[Attribute, str] = {}
    taken: set[str] = set()
    for op in module.walk():
        if not isinstance(op.location, FusedLoc) or op.location in names:
            continue
        # without dots, or it is read as an attribute of a dialect
        stem = re.sub(r"[^A-Za-z0-9_]", "_", node_name(op))
        stem = stem if stem[:1].isalpha() else f"at_{stem}"
        numbered = (f"{stem}_{number}" for number in count(1))
        names[op.location] = next(name for name in chain([stem], numbered) if name not in taken)
        taken.add(names[op.location])
    return names


def module_text(module: ModuleOp) -> str:
    """The module's text, with locations."""
    stream = StringIO()
    AliasPrinter(stream, print_debuginfo=True).print_module(module)
    return stream.getvalue() + "\n"


def blob_keys(module: ModuleOp) -> list[str]:
    """Digests of every constant that the module mentions, the calibration frames included."""
    blobs = elements(module.attributes.get(CALIBRATION), BlobAttr)
    for op in module.walk():
        blobs.extend(value for value in op.properties.values() if isinstance(value, BlobAttr))
    return [blob.key.data for blob in blobs]


def save_module(module: ModuleOp, path: Path, header: str) -> None:
    """Write the text to ``path``, behind ``header`` as comment lines, and the constants to the folder beside it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    BlobStore.save(blob_keys(module), path.parent / FOLDER)
    comments = "".join(f"// {line}\n" for line in header.splitlines())
    partial = path.with_name(f".{path.name}.partial")
    partial.write_text(comments + module_text(module))
    partial.rename(path)


_STRINGS = re.compile(r'(?:[^"/]++|//[^\n]*+|/|"(?:[^"\\\n\v\f]++|\\(?:["nt\\]|[0-9A-Fa-f]{2}))*+")*+')
"""A text whose strings all end where they should: what the lexer takes for a string, or for a comment."""


def parse_text(context: Context, text: str, name: str, *, implicit_module: bool = True) -> ModuleOp:
    """The module in a text; ``name`` is that of its file.

    The lexer takes exponential time over a string without an end, so these are looked for first.

    Raises:
        ParseError: it is no IR.
    """
    match = _STRINGS.match(text)
    end = match.end() if match else 0
    if end != len(text):
        raise ParseError(Span(end, end + 1, Input(text, name)), "this string has no end in its line, or a bad escape")
    parser = Parser(context, text, name)
    try:
        return parser.parse_module(implicit_module)
    except (MemoryError, OverflowError, RecursionError, struct.error) as error:
        here = Span(parser.pos, parser.pos + 1, Input(text, name))
        reason = "this is nested too deeply" if isinstance(error, RecursionError) else "a number is too large here"
        raise ParseError(here, reason) from error


def load_module(path: Path) -> ModuleOp:
    """Read a text that :func:`save_module` wrote, and verify it.

    Raises:
        ModelError: there is no such file, it is no IR, or it breaks a rule.
    """
    try:
        text = path.read_text()
    except (OSError, UnicodeDecodeError) as error:
        raise ModelError(f"{path}: cannot be read as IR text: {error}") from error
    BlobStore.load(path.parent / FOLDER)
    try:
        module = parse_text(make_context(), text, str(path))
        verify_module(module)
    except ParseError as error:
        raise ModelError(f"{error.span.get_location()}: is no valid IR: {_sentence(error.msg)}") from error
    except VerifyException as error:
        raise ModelError(f"{path}: is no valid IR: {_sentence(error)}") from error
    return module


def _sentence(error: object) -> str:
    return " ".join(str(error).split())
