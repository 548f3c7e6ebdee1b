"""The tool behind `pqc opt`: xDSL's, with our dialects and passes, and errors in one sentence."""

from __future__ import annotations

from argparse import ArgumentParser
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from io import StringIO
from pathlib import Path
from typing import IO

from xdsl.context import Context
from xdsl.dialects.builtin import Builtin, ModuleOp, StringAttr
from xdsl.dialects.func import Func
from xdsl.ir import Dialect
from xdsl.targets.mlir import MLIRTarget
from xdsl.utils.exceptions import ArgSpecParseError, DiagnosticException, ParseError
from xdsl.xdsl_opt_main import xDSLOptMain

from pqc.cli.output import STANDARD, check_place, write
from pqc.dialects.blob import FOLDER, BlobStore
from pqc.dialects.registry import DIALECTS
from pqc.errors import ModelError
from pqc.passes.named import available_passes
from pqc.passes.pipeline import PHASE, pipeline_names
from pqc.passes.text import AliasPrinter, blob_keys, parse_text
from pqc.passes.verification import verify_module


class OpenText(StringIO):
    """A text that can still be read when the one who wrote it has closed it."""

    def close(self) -> None:
        """Nothing: the text is wanted."""


@dataclass(frozen=True)
class TextTarget(MLIRTarget):
    """The text of the IR as the compiler dumps it; as xDSL prints it where colours are asked for."""

    def emit(self, ctx: Context, module: ModuleOp, output: IO[str]) -> None:
        """Print the module."""
        if self.syntax_highlight:
            super().emit(ctx, module, output)
            return
        printer = AliasPrinter(
            stream=output,
            print_generic_format=self.print_generic_format,
            print_properties_as_attributes=self.print_properties_as_attributes,
            print_debuginfo=self.print_debuginfo,
        )
        printer.print_module(module)
        printer.print_metadata(ctx.loaded_dialects)
        output.write("\n\n")


class OptTool(xDSLOptMain):
    """`xdsl-opt` with our dialects and passes."""

    version_format = "pqc opt, with xDSL {xdsl_version}"

    def __init__(self, arguments: Sequence[str]) -> None:
        self.result = OpenText()
        self.keys: list[str] = []
        """Digests of the constants that the output mentions."""
        super().__init__("Apply passes to a text of the intermediate representation of pqc.", arguments)

    def register_all_arguments(self, arg_parser: ArgumentParser) -> None:
        """Those of `xdsl-opt`."""
        arg_parser.prog = "pqc opt"
        super().register_all_arguments(arg_parser)

    def register_all_dialects(self) -> None:
        """Ours, and the upstream ones that our IR uses."""
        for dialect in (Builtin, Func, *DIALECTS):
            self.ctx.register_dialect(dialect.name, _always(dialect))

    def register_all_frontends(self) -> None:
        """The text of the IR is the only input."""

        def parse(stream: IO[bytes]) -> ModuleOp:
            name: str = self.get_input_name()
            try:
                text = stream.read().decode()
            except UnicodeDecodeError as error:
                raise ModelError(
                    f"{name}: no text in UTF-8: byte {error.start} is {error.object[error.start]:#04x}"
                ) from error
            return parse_text(self.ctx, text, name, implicit_module=not self.args.no_implicit_module)

        self.available_frontends["mlir"] = parse

    def register_all_passes(self) -> None:
        """Ours, and a few upstream ones."""
        for name, kind in available_passes().items():
            self.register_pass(name, kind)

    def register_all_targets(self) -> None:
        """The text of the IR is the only output."""
        self.available_targets[TextTarget.name] = lambda: TextTarget

    def setup_pipeline(self) -> None:
        """Read the list of passes.

        Raises:
            ModelError: there is no such pass, or not with these options.
        """
        try:
            super().setup_pipeline()
        except (ValueError, ArgSpecParseError) as error:
            raise ModelError(f"--passes {self.args.passes}: {_sentence(error)}; see `pqc passes`") from error

    def get_input_stream(self) -> tuple[IO[bytes], str]:
        """The text; the constants beside its file are read with it.

        Raises:
            ModelError: the file cannot be read or is no text of the IR, or a constant is damaged.
        """
        path = self.args.input_file
        if path is None:
            return super().get_input_stream()
        BlobStore.load(Path(path).parent / FOLDER)
        try:
            stream, extension = super().get_input_stream()
        except OSError as error:
            raise ModelError(f"{path}: cannot be read: {error.strerror}") from error
        if extension not in self.available_frontends and not self.args.frontend:
            stream.close()
            raise ModelError(f"{path}: the name of a text of the IR ends in .mlir")
        return stream, extension

    def apply_passes(self, prog: ModuleOp) -> None:
        """Apply the passes, and note the last one of ours, so that `pqc compile` goes on behind it.

        Besides what xDSL verifies, definitions must stand in front of their uses.
        """
        if not self.args.disable_verify:
            verify_module(prog)
        super().apply_passes(prog)
        if not self.args.disable_verify:
            verify_module(prog)
        applied = [step.name for step in self.pipeline.passes if step.name in pipeline_names()]
        if applied:
            prog.attributes[PHASE] = StringAttr(applied[-1])
        self.keys += blob_keys(prog)

    def prepare_output(self) -> IO[str]:
        """The output is kept until it is whole."""
        return self.result


def run_opt(arguments: Sequence[str]) -> None:
    """Execute one command line of `pqc opt`; with an output file, the constants go to the folder beside it.

    Raises:
        ModelError: the text, the passes or their options are at fault, or the output cannot be written.
    """
    tool = OptTool(arguments)
    path: str = tool.args.output_file or STANDARD
    check_place(path)
    try:
        tool.run()
    except ParseError as error:
        place = error.span.get_location()
        raise ModelError(f"{place}: {_sentence(error.msg)}") from error
    except DiagnosticException as error:
        raise ModelError(f"{tool.get_input_name()}: {_sentence(error)}") from error
    if path != STANDARD and tool.keys:
        BlobStore.save(tool.keys, Path(path).parent / FOLDER)
    write(path, tool.result.getvalue().encode())


def _sentence(error: object) -> str:
    return " ".join(str(error).split())


def _always(dialect: Dialect) -> Callable[[], Dialect]:
    return lambda: dialect
