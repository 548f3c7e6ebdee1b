"""A small program that fills every section of the container; executing it makes no sense."""

from __future__ import annotations

from support.instructions import smallest

from pqc.isa.fields import Memory, Unit
from pqc.isa.instructions import Encode, Fill, Load, Storage
from pqc.isa.program import Program, SelfTest, Tensor


def example_program() -> Program:
    """Three instructions of two nodes, 70 bytes of constants, an input, an output and a self-test."""
    return Program(
        target={"name": "example", "clock_mhz": 300.0, "encode": {"metrics": ["l2", "l1"]}},
        instructions=(
            smallest(Load, dram=70, buffer=Memory.ACTIVATION, item_bytes=12, signal=1 << Unit.ENCODE),
            smallest(Encode, source=64, storage=Storage.S8, channels=3, wait=1 << Unit.LOAD, signal=1 << Unit.VECTOR),
            smallest(Fill, destination=0x40, columns=8, fill_value=-1, wait=1 << Unit.ENCODE),
        ),
        nodes=("layer1.0.conv1", "layer1.0.conv1", 'odd "name"; # é\n'),
        constants=bytes(range(70)),
        dram_bytes=256,
        inputs=(Tensor("images", (3, 2, 2), bits=8, signed=True, scale=0.0078125, address=70),),
        outputs=(Tensor("classes", (10,), bits=16, signed=True, scale=0.1, address=100),),
        provenance={"tool": "pqc", "layers": [{"node": "layer1.0.conv1", "prototypes": 16, "length": 9}] * 3},
        self_test=SelfTest(seed=7, frames=4, digest="0123456789abcdef" * 4),
    )
