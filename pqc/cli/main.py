"""The entry point: the list of commands, the exit codes, and the one place where errors are caught."""

from __future__ import annotations

import signal
import sys
import traceback
from collections.abc import Sequence
from types import TracebackType
from typing import NoReturn

import click

import pqc
from pqc.cli.group import LazyGroup, Settings
from pqc.cli.reproducer import write_reproducer
from pqc.errors import ComparisonError, InternalError, ModelError, PqcError, ProgramError
from pqc.numerics.choice import in_words

SUMMARIES = {
    "check": "Say whether a model compiles, and everything that stands in the way.",
    "compile": "Compile an ONNX model to a program file.",
    "export": "Write a fitted network as an ONNX file.",
    "run": "Execute a program file; without --input, its self-test.",
    "verify": "Check every pass of a compilation, and the program, on a few frames.",
    "debug": "Step through a program, and look at its memories.",
    "train": "Train a product-quantized network and write it as ONNX.",
    "estimate": "Estimate cycles and area of a model without compiling it.",
    "explore": "Sweep configurations and targets, and show which combinations are worth having.",
    "report": "Say where the cycles of a program go, and which memory it takes.",
    "explain": "Follow one ONNX node through the compiler.",
    "diff": "Say what differs between two programs.",
    "info": "Say what a program file holds.",
    "stages": "List the stages of a program file, or take it apart.",
    "disasm": "Turn a program file into assembly text.",
    "asm": "Turn assembly text into a program file.",
    "opt": "Apply passes to a text of the intermediate representation.",
    "reduce": "Reduce a module for which something fails to a small one.",
    "gui": "Apply passes to a text of the intermediate representation, and watch it change.",
    "passes": "List the passes of the compiler, in their order, or explain one.",
    "ops": "List the operators that are accepted, and the operations of the dialects.",
    "targets": "List the installed targets, or show one.",
    "isa": "Print the manual of the instruction set.",
}

INTERRUPTED = 130
"""The exit code after Ctrl-C, as a shell reports it."""

EXIT_CODES = """\b
Exit codes:
  0   done
  1   the model, its data, the target or the options are at fault
  2   bad command line
  3   a comparison failed
  4   not a valid program, or another version's
  70  a fault of pqc itself; a reproducer is written and its path printed"""


def _print_version(context: click.Context, _parameter: click.Parameter, wanted: bool) -> None:
    if wanted and not context.resilient_parsing:
        click.echo(f"pqc {pqc.__version__}\nkernels: {in_words()}")
        context.exit()


group = LazyGroup(
    name="pqc",
    package="pqc.cli",
    summaries=SUMMARIES,
    help="Compile neural networks to an accelerator for product-quantized networks, and run them from their bytes.",
    epilog=EXIT_CODES,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 120},
)
group.params.append(
    click.Option(
        ["--version"],
        is_flag=True,
        is_eager=True,
        expose_value=False,
        callback=_print_version,
        help="Print the version and how programs are executed, and exit.",
    )
)


def run(arguments: Sequence[str], settings: Settings) -> int:
    """Execute one command line and return its exit code; a fault of pqc itself is raised.

    Args:
        arguments: the words behind ``pqc``.
        settings: filled while the command line is read.
    """
    try:
        result = group.main(list(arguments), prog_name="pqc", standalone_mode=False, obj=settings)
    except click.Abort:
        click.echo("interrupted", err=True)
        return INTERRUPTED
    except click.ClickException as error:
        error.show()
        return error.exit_code
    except (ModelError, ComparisonError, ProgramError) as error:
        return _refuse(error, settings)
    except MemoryError as error:
        reason = str(error) or "more is needed than there is"
        return _refuse(ModelError(f"the memory of this computer does not suffice: {reason}"), settings)
    # A command returns nothing; click returns the code of an early exit, as of --help.
    return result if isinstance(result, int) else 0


def _refuse(error: PqcError, settings: Settings) -> int:
    if settings.debug:
        traceback.print_exception(error)
    click.echo(f"error: {error}", err=True)
    return error.exit_code


def report_fault(error: BaseException, arguments: Sequence[str], settings: Settings) -> int:
    """Say in one sentence that pqc itself failed, write a reproducer, and return the exit code."""
    folder = write_reproducer(error, arguments)
    if settings.debug:
        traceback.print_exception(error)
    reason = traceback.format_exception_only(error)[0].strip()
    click.echo(f"error: a fault of pqc itself: {reason}; what reproduces it is in {folder}", err=True)
    return InternalError.exit_code


def main(arguments: Sequence[str] | None = None) -> NoReturn:
    """Execute the command line of this process and exit."""
    words = sys.argv[1:] if arguments is None else list(arguments)
    settings = Settings()

    def hook(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
        del kind, trace
        sys.exit(report_fault(error, words, settings))

    sys.excepthook = hook
    # A reader that has seen enough, as in `pqc disasm prog.bin | head`, ends pqc as quietly as it ends any other tool.
    signal.signal(signal.SIGPIPE, signal.SIG_DFL)
    sys.exit(run(words, settings))
