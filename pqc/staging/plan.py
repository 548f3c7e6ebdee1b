"""Which nodes of a model go to the host, and the stages that follow from it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import onnx

from pqc.dialects.onnx import ConvOp, GemmOp
from pqc.dialects.pq import ConvolutionOp
from pqc.errors import ModelError
from pqc.frontend.importer import ImportAttempt, ImportedModel, needed_nodes, refusal_of, try_import
from pqc.frontend.loader import LoadedModel
from pqc.frontend.node import node_name, operator_name, values_made, values_read
from pqc.frontend.values import Activation, Constant, Unknown
from pqc.isa.stages import StageNode
from pqc.planning.partition import GraphNode, Part, partition
from pqc.problems import INPUT, OUTPUT
from pqc.staging.beyond_host import check_for_host
from pqc.staging.submodels import Submodels

BEHIND = "nothing is known of what it reads, which the host gives"
"""Why a node is on the host that could not be looked at."""

INTEGERS = "it reads integers that the host gives; between stages there are only real numbers"

NO_LAYER = "its stage holds no convolution and no matrix product, so that there is nothing to gain"
"""Why a node is on the host that the accelerator could execute."""

NOTHING_LEFT = (
    "nothing is left for the accelerator: with {count} nodes on the host, among them {shown}, no convolution and no "
    "matrix product remains"
)


@dataclass(frozen=True)
class PlannedStage:
    """A stage before it is compiled: its nodes and its ONNX model, and what the importer makes of that.

    ``imported`` is None for a stage on the host.
    """

    nodes: tuple[StageNode, ...]
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    model: LoadedModel
    imported: ImportedModel | None


@dataclass(frozen=True)
class StagePlan:
    """The stages of a model in their order, and the names of its inputs.

    The host is given ``frames`` at once, as many as the model is made for.
    """

    stages: tuple[PlannedStage, ...]
    inputs: tuple[str, ...]
    frames: int

    @property
    def host_nodes(self) -> tuple[StageNode, ...]:
        """The nodes that the host executes."""
        return tuple(node for stage in self.stages if stage.imported is None for node in stage.nodes)


def plan_stages(loaded: LoadedModel, attempt: ImportAttempt) -> StagePlan | None:
    """The stages of a model of which ``attempt`` came, None where nothing has to go to the host.

    Nodes that are refused or could not be looked at go to the host. So do those that could not have their place on the
    accelerator: what reads integers that the host gives, makes what the accelerator cannot give, or would be in a
    stage without a layer.

    Raises:
        ProblemsError: something stands in the way that the host cannot help.
        ModelError: nothing is left for the accelerator.
    """
    if not attempt.problems and attempt.imported is not None:
        return None
    planner = _Planner(loaded, attempt)
    while True:
        stages = [planner.stage(part) for part in planner.parts()]
        refused = {place: why for _, wrong in stages for place, why in wrong.items()}
        if not refused:
            return planner.plan([stage for stage, _ in stages])
        planner.to_host(refused)


class _Planner:
    """The graph, and the nodes that are on the host so far, with the reasons."""

    def __init__(self, loaded: LoadedModel, attempt: ImportAttempt) -> None:
        check_for_host(loaded, attempt)
        self._loaded = loaded
        self._attempt = attempt
        self._nodes = [node for node in needed_nodes(loaded.model.graph) if not self._is_folded(node)]
        self._check_reads()
        self._reasons: dict[int, str] = {}
        self.submodels = Submodels(loaded, attempt.values)
        self.to_host({place: why for place, node in enumerate(self._nodes) if (why := self._refused(node))})
        self.to_host(self._wrong_outputs(attempt))

    def parts(self) -> tuple[Part, ...]:
        """The graph, cut by what is on the host so far.

        Raises:
            ModelError: it is no graph.
        """
        outputs = [output.name for output in self._loaded.model.graph.output]
        try:
            return partition(self._graph_nodes(), outputs)
        except ModelError as error:
            raise ModelError(f"{self._loaded.path}: {error}") from None

    def _graph_nodes(self) -> list[GraphNode]:
        return [
            GraphNode(
                node_name(node),
                tuple(name for name in values_read(node) if not self._is_constant(name)),
                tuple(values_made(node)),
                place in self._reasons,
            )
            for place, node in enumerate(self._nodes)
        ]

    def to_host(self, reasons: Mapping[int, str]) -> None:
        """Put nodes, by their places, on the host.

        Raises:
            ModelError: no layer is left for the accelerator.
        """
        self._reasons = dict(reasons) | self._reasons
        if len(self._reasons) == len(self._nodes):
            named = [str(self._described(place)) for place in self._reasons if self._reasons[place] != NO_LAYER]
            shown = ", ".join([*named[:3], *(["..."] if len(named) > 3 else [])])
            text = NOTHING_LEFT.format(count=len(self._reasons), shown=shown)
            raise ModelError(f"{self._loaded.path}: {text}")

    def plan(self, stages: Sequence[PlannedStage]) -> StagePlan:
        """The plan with these stages."""
        return StagePlan(tuple(stages), self.submodels.inputs, self.submodels.frames)

    def stage(self, part: Part) -> tuple[PlannedStage, dict[int, str]]:
        """The stage of a part, and which of its nodes have to go to the host as well, with the reasons."""
        nodes = tuple(self._described(place) for place in part.nodes)
        protos = [self._nodes[place] for place in part.nodes]
        model = self.submodels.model(protos, part.inputs, part.outputs)
        if part.on_host:
            return PlannedStage(nodes, part.inputs, part.outputs, model, None), {}
        integers = {
            place: INTEGERS
            for place in part.nodes
            if any(name in part.inputs and self._is_stored(name) for name in values_read(self._nodes[place]))
        }
        attempt = try_import(model)
        wrong = self._wrong_inside(part, attempt) | integers
        if not wrong and not _has_layer(attempt.imported):
            wrong = dict.fromkeys(part.nodes, NO_LAYER)
        return PlannedStage(nodes, part.inputs, part.outputs, model, attempt.imported), wrong

    def _described(self, place: int) -> StageNode:
        node = self._nodes[place]
        return StageNode(node_name(node), operator_name(node), self._reasons.get(place, ""))

    def _wrong_inside(self, part: Part, attempt: ImportAttempt) -> dict[int, str]:
        """The nodes of a stage that its own import refuses, or whose values cannot enter or leave it."""
        wrong: dict[int, str] = {}
        said = {(problem.operator, problem.node): problem.found for problem in attempt.problems}
        for place in part.nodes:
            read, made = values_read(self._nodes[place]), values_made(self._nodes[place])
            for side, name in [*((INPUT, name) for name in read), *((OUTPUT, name) for name in made)]:
                if (side, name) in said:
                    wrong[place] = f"'{name}' {said[side, name]}"
            if made[0] in attempt.refused:
                wrong[place] = attempt.refused[made[0]]
        if attempt.problems and not wrong:
            raise refusal_of(self._loaded, attempt)
        return wrong

    def _wrong_outputs(self, attempt: ImportAttempt) -> dict[int, str]:
        """The nodes that make outputs of the graph which the accelerator cannot give."""
        said = {problem.node: problem.found for problem in attempt.problems if problem.operator == OUTPUT}
        makers = {name: place for place, node in enumerate(self._nodes) for name in values_made(node)}
        return {makers[name]: f"output '{name}' {found}" for name, found in said.items() if name in makers}

    def _refused(self, node: onnx.NodeProto) -> str:
        """Why a node is on the host, empty for one that the accelerator can execute."""
        made = values_made(node)
        unknown = any(isinstance(self._attempt.values.get(name), Unknown) for name in made)
        return self._attempt.refused.get(made[0], BEHIND if unknown else "")

    def _check_reads(self) -> None:
        """Refuse a graph inside of a node that takes from around it what is not there."""
        known = {entry.name for entry in self._loaded.model.graph.input}
        for node in self._nodes:
            for name in values_read(node):
                if name not in known and not self._is_constant(name):
                    what = f"node {node_name(node)!r} reads '{name}', which nothing before it makes"
                    raise ModelError(f"{self._loaded.path}: {what}")
            known.update(values_made(node))

    def _is_folded(self, node: onnx.NodeProto) -> bool:
        return all(self._is_constant(name) for name in values_made(node))

    def _is_constant(self, name: str) -> bool:
        return isinstance(self._attempt.values.get(name), Constant)

    def _is_stored(self, name: str) -> bool:
        value = self._attempt.values.get(name)
        return isinstance(value, Activation) and value.stored is not None


def _has_layer(imported: ImportedModel | None) -> bool:
    return imported is not None and any(
        isinstance(op, ConvOp | GemmOp | ConvolutionOp) for op in imported.module.walk()
    )
