"""The page: pictures, tables and layers, put into the template with all that it needs to work by itself."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from importlib.resources import files
from typing import Any

from bokeh.models import Model
from bokeh.resources import Resources
from jinja2 import Environment, StrictUndefined
from markupsafe import Markup

from pqc.interpreter.timing import Timing, simulate
from pqc.isa.program import Program
from pqc.isa.text import format_instruction
from pqc.planning.target import target_from_dict
from pqc.report.html.changes import changes, packed_changes
from pqc.report.html.layer_bars import layer_bars, layer_columns
from pqc.report.html.memory import memory_columns, memory_over_time
from pqc.report.html.network import box_columns, edge_columns, network
from pqc.report.html.numerics import numerics_columns, numerics_dots
from pqc.report.html.plot import KINDS, picture_json
from pqc.report.html.recording import Recording
from pqc.report.html.roofline import Roof, roofline, roofline_columns
from pqc.report.html.tables import PageTable, cycles_table, numerics_table, regions_table
from pqc.report.html.timeline import executions_shown, timeline, timeline_columns
from pqc.report.reasons import reasons
from pqc.report.report import build_report
from pqc.report.text import critical_table, figure, layer_table, memory_table, summary, unit_table
from pqc.report.text import numerics_table as all_numerics_table
from pqc.report.trace import EXECUTIONS

VIEWS = {
    "overview": "Overview",
    "network": "Network",
    "layers": "Layers",
    "timeline": "Timeline",
    "roofline": "Roofline",
    "memory": "Memory",
    "numerics": "Numerics",
    "passes": "Passes",
}
"""The views of the page: their names in its address, and what stands on their buttons."""

SLOWEST = 12
"""Layers that the overview lists."""


@dataclass(frozen=True)
class Document:
    """The page on a program; ``recording`` is what was seen of its compilation, empty for one that is read back."""

    program: Program
    recording: Recording = field(default_factory=Recording)

    @cached_property
    def report(self) -> dict[str, Any]:
        """The figures."""
        return build_report(self.program)

    @cached_property
    def timing(self) -> Timing:
        """The executions that are drawn."""
        target, count = target_from_dict(self.program.target), executions_shown(self.program, EXECUTIONS)
        return simulate(self.program.instructions, target, executions=count, credits=self.program.credits)

    def to_bytes(self) -> bytes:
        """The whole page; the same program gives the same bytes."""
        environment = Environment(autoescape=True, undefined=StrictUndefined, trim_blocks=True)
        # an object of a picture is described where it is first mentioned
        environment.policies["json.dumps_kwargs"] = {"sort_keys": False, "separators": (",", ":")}
        template = environment.from_string(_part("page.html.jinja"))
        return template.render(self._texts() | self._tables() | self._passes() | self._files()).encode()

    def _files(self) -> dict[str, Any]:
        library = Resources(mode="inline", components=["bokeh"], log_level="error").render_js()
        return {
            "style": Markup(_part("page.css")),
            "script": Markup(_part("page.js")),
            "library": Markup(library),
            "pictures": {name: picture_json(picture, name) for name, picture in self._pictures().items()},
        }

    def _pictures(self) -> Mapping[str, Model]:
        report, target = self.report, target_from_dict(self.program.target)
        roof = Roof.of(target)
        pictures: dict[str, Model] = {
            "layers-picture": layer_bars(layer_columns(report)),
            "timeline-picture": timeline(timeline_columns(self.program, self.timing)),
            "roofline-picture": roofline(roofline_columns(report, roof), roof),
            "memory-picture": memory_over_time(
                memory_columns(self.program, target, self.timing), target, self.timing.cycles
            ),
        }
        if report["numerics"]:
            nodes = [layer["node"] for layer in report["numerics"]]
            pictures["numerics-picture"] = numerics_dots(numerics_columns(report), nodes)
        if self.recording.graph is not None:
            graph = self.recording.graph
            pictures["network-picture"] = network(box_columns(graph, report["layers"]), edge_columns(graph))
        return pictures

    def _texts(self) -> dict[str, Any]:
        report, roof = self.report, Roof.of(target_from_dict(self.program.target))
        count = self.timing.executions
        facts = dict(summary(report))
        return {
            "title": "pqc report",
            "subtitle": f"{facts['target']}; {facts['program']}",
            "views": list(VIEWS.items()),
            "summary": list(facts.items()),
            "tiles": _tiles(report),
            "kinds": [(name or "no instructions of its own", colour) for name, colour in KINDS.items()],
            "slowest": _slowest(report),
            "executions": "One execution" if count == 1 else f"{count} executions",
            "roof": {"lookups": figure(int(roof.lookups)), "bytes": figure(roof.bytes)},
            "has_network": self.recording.graph is not None,
            "pages": [self._page(layer) for layer in report["layers"]],
        }

    def _tables(self) -> dict[str, Any]:
        report = self.report
        return {
            "critical": PageTable.of(critical_table(report)),
            "units": PageTable.of(unit_table(report)),
            "layers": PageTable.of(layer_table(report)),
            "memory": PageTable.of(memory_table(report)),
            "numerics": PageTable.of(all_numerics_table(report)) if report["numerics"] else None,
        }

    def _passes(self) -> dict[str, Any]:
        steps = changes(self.recording.texts)
        return {"steps": steps, "packed_steps": packed_changes(steps)}

    def _page(self, layer: Mapping[str, Any]) -> dict[str, Any]:
        """One layer: reasons, figures and instructions."""
        node, report = layer["node"], self.report
        regions = [region for region in report["memory"]["regions"] if region["node"] == node]
        own = [one for one in report["numerics"] if one["node"] == node]
        return {
            "node": node,
            "facts": _facts(layer),
            "cycles": figure(layer["cycles"]),
            "reasons": reasons(layer, report),
            "tables": [cycles_table(layer), *map(numerics_table, own), regions_table(regions)],
            "instructions": self._instructions.get(node, []),
        }

    @cached_property
    def _instructions(self) -> Mapping[str, Sequence[str]]:
        """The instructions of each layer, with their numbers."""
        found: dict[str, list[str]] = {}
        for index, (one, node) in enumerate(zip(self.program.instructions, self.program.nodes, strict=True)):
            found.setdefault(node, []).append(f"{index}: {format_instruction(one)}")
        return found


def _part(name: str) -> str:
    """A file of the page."""
    return (files("pqc.report.html") / "page" / name).read_text(encoding="utf-8")


def _tiles(report: Mapping[str, Any]) -> list[tuple[str, str]]:
    cycles, gain = report["cycles"], report["perf_per_area_vs_dla"]
    paper = cycles["paper_model_pq"]
    return [
        ("cycles a frame", figure(cycles["steady_state"])),
        ("frames a second", figure(report["throughput_frames_per_second"])),
        ("cycles from cold", figure(cycles["latency"])),
        ("busiest resource", report["bottleneck"] or "-"),
        ("cycles of the PQ layers alone", figure(cycles["pq"])),
        ("the paper's model for these", figure(paper) if paper else "-"),
        ("work per cycle and area, times the paper's DLA", figure(gain)),
    ]


def _slowest(report: Mapping[str, Any]) -> list[dict[str, Any]]:
    total = report["cycles"]["steady_state"]
    layers = sorted(report["layers"], key=lambda layer: -layer["cycles"])[:SLOWEST]
    most = max((layer["cycles"] for layer in layers), default=0) or 1
    return [
        {
            "node": layer["node"],
            "cycles": figure(layer["cycles"]),
            "share": f"{layer['cycles'] / total:.1%}" if total else "-",
            "width": round(100 * layer["cycles"] / most, 1),
            "colour": KINDS.get(layer["runs_on"], KINDS["vector"]),
        }
        for layer in layers
    ]


def _facts(layer: Mapping[str, Any]) -> str:
    """A layer's configuration in one line."""
    if not layer["pq"]:
        return f"{layer['op']}, on {layer['runs_on']}"
    return (
        f"{layer['prototypes']} prototypes of length {layer['length']}, {layer['subspaces']} subspaces, "
        f"{layer['columns']:,} columns, {layer['outputs']} outputs; on {layer['runs_on']}"
    )
