"""`pqc info`: what a program file holds."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import click

from pqc.cli.options import json_option, program_argument
from pqc.cli.output import show, show_json, text_table


@click.command("info")
@program_argument
@json_option
def command(program_path: Path, as_json: bool) -> None:
    """Say what a program file holds.

    Target, sizes, tensors, provenance, how many instructions of each kind there are, and which instructions execute
    each ONNX node. Of several stages: which they are, and what is on the host; `pqc stages` takes them apart.
    """
    from pqc.cli.stages import staged_contents, staged_lines
    from pqc.isa.stages import load_stages
    from pqc.planning.target import target_from_dict
    from pqc.report.contents import program_contents

    staged = load_stages(program_path)
    facts = {"file": str(program_path), "bytes": program_path.stat().st_size}
    if not staged.is_program:
        return show_json(facts | staged_contents(staged)) if as_json else show("\n".join(staged_lines(staged, facts)))
    program = staged.programs[staged.names[0]]
    target_from_dict(program.target, f"{program_path}: target")
    contents = facts | program_contents(program)
    return show_json(contents) if as_json else show("\n".join(_lines(contents)))


def _lines(contents: Mapping[str, Any]) -> Iterator[str]:
    instructions = contents["instructions"]
    kinds = ", ".join(f"{count} {kind}" for kind, count in instructions["by_kind"].items())
    yield f"file          {contents['file']}, {contents['bytes']:,} bytes"
    yield f"target        {contents['target']['name']}, fingerprint {contents['fingerprint'][:12]}"
    yield f"constants     {contents['constants_bytes']:,} bytes"
    yield f"DRAM          {contents['dram_bytes']:,} bytes an execution, constants included"
    yield f"execution     {_execution(contents)}"
    for kind in ("inputs", "outputs"):
        for tensor in contents[kind]:
            shape = "x".join(str(size) for size in tensor["shape"])
            yield f"{kind[:-1]:12}  {tensor['name']}: {shape} {tensor['element']}, scale {tensor['scale']:.6g}"
    yield f"instructions  {instructions['total']:,}: {kinds}"
    yield f"self-test     {_self_test(contents['self_test'])}"
    yield ""
    yield from _nodes(contents["nodes"], list(instructions["by_kind"]))
    yield ""
    yield "provenance"
    for key, value in sorted(contents["provenance"].items()):
        yield f"  {key:14}{_short(value)}"


def _execution(contents: Mapping[str, Any]) -> str:
    frames = f"{contents['batch']} frame{'s' * (contents['batch'] != 1)}"
    tokens = [f"{credit['count']} from {credit['source']} to {credit['destination']}" for credit in contents["credits"]]
    return f"{frames}; tokens at the start: {', '.join(tokens) or 'none'}"


def _self_test(test: Mapping[str, Any] | None) -> str:
    if test is None:
        return "none"
    return f"{test['frames']} frames from seed {test['seed']}, digest {test['digest'][:12]}"


def _nodes(nodes: Sequence[Mapping[str, Any]], kinds: Sequence[str]) -> Iterator[str]:
    rows = [
        (node["node"], node["runs_on"], *(str(node["instructions"].get(kind, "")) for kind in kinds)) for node in nodes
    ]
    yield text_table(("node", "runs on", *kinds), rows)
    yield ""
    for units in dict.fromkeys(node["runs_on"] for node in nodes):
        names = [node["node"] for node in nodes if node["runs_on"] == units]
        verb = "node runs" if len(names) == 1 else "nodes run"
        yield f"{len(names)} {verb} on {units}: {', '.join(names)}"


def _short(value: object) -> str:
    text = value if isinstance(value, str) else json.dumps(value)
    return text if len(text) <= 100 else f"{text[:97]}..."
