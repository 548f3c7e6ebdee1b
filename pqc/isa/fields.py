"""How an instruction declares its fields, and what follows from the declaration: layout, encoding, decoding, checks."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum
from typing import Annotated, Any, ClassVar, get_args, get_origin, get_type_hints

WORD_BITS = 512
"""Every instruction is one word of this many bits, little-endian."""

WORD_BYTES = WORD_BITS // 8


class EncodingError(ValueError):
    """A value that does not fit its field, or a word that is no instruction."""


class Unit(IntEnum):
    """The units; each has its own in-order queue of instructions."""

    LOAD = 0
    """Copies from DRAM to a buffer."""
    STORE = 1
    """Copies from the activation buffer to DRAM."""
    ENCODE = 2
    """Matches subvectors with prototypes; its codes go to the code FIFO or to the activation buffer."""
    LOOKUP = 3
    """Takes codes from the FIFO or from the activation buffer, gathers table entries and accumulates them."""
    VECTOR = 4
    """Requantizes, adds, multiplies, replaces by table, clips and pools."""
    CONVENTIONAL = 5
    """Multiplies and accumulates, for the layers that stay unquantized."""


class Memory(IntEnum):
    """The memories an address can point into."""

    ACTIVATION = 0
    """Buffer of input and result tiles and of maps of codes."""
    CODEBOOK = 1
    """Buffer of packed codebooks."""
    TABLE = 2
    """Buffer of packed tables, weights, biases, requantization parameters and padding codes."""
    ACCUMULATOR = 3
    """Buffer of the accumulators of the lookup unit and of the conventional unit."""
    DRAM = 4
    """External memory: the program's constants, then inputs, outputs and intermediate tensors."""


@dataclass(frozen=True)
class Bits:
    """A field of ``width`` bits; ``unit`` names what it counts."""

    width: int
    doc: str
    signed: bool = False

    @property
    def minimum(self) -> int:
        """Smallest value that fits."""
        return -(1 << self.width - 1) if self.signed else 0

    @property
    def maximum(self) -> int:
        """Largest value that fits."""
        return (1 << self.width - int(self.signed)) - 1

    @property
    def spelling(self) -> str:
        """``u20`` or ``s17``."""
        return f"{'s' if self.signed else 'u'}{self.width}"

    def check(self, where: str, value: int) -> None:
        """Raise EncodingError naming ``where`` if ``value`` does not fit."""
        if not self.minimum <= value <= self.maximum:
            raise EncodingError(f"{where} = {value} does not fit {self.spelling} [{self.minimum}, {self.maximum}]")


@dataclass(frozen=True)
class Address(Bits):
    """A field that holds a byte address in ``memory``; None: in the memory that the field ``buffer`` names."""

    memory: Memory | None = None
    written: bool = False


@dataclass(frozen=True)
class Field:
    """One field of an instruction: its name, lowest bit, width and Python type."""

    name: str
    low: int
    bits: Bits
    type: type[int]

    @property
    def high(self) -> int:
        """Its highest bit."""
        return self.low + self.bits.width - 1

    def insert(self, where: str, value: int) -> int:
        """The word that holds ``value`` in this field and zeros elsewhere.

        Raises:
            EncodingError: the value does not fit, or the enumeration does not define it.
        """
        self.bits.check(f"{where}.{self.name}", value)
        try:
            self.type(value)
        except ValueError:
            raise EncodingError(f"{where}.{self.name} = {value} is not a {self.type.__name__}") from None
        return (value & ((1 << self.bits.width) - 1)) << self.low

    def extract(self, word: int) -> int:
        """This field's value in ``word``."""
        raw = word >> self.low & ((1 << self.bits.width) - 1)
        return raw - (1 << self.bits.width) if self.bits.signed and raw >> (self.bits.width - 1) else raw


HEADER: dict[str, Bits] = {
    "opcode": Bits(8, "which instruction this is"),
    "wait": Bits(6, "one bit a unit: take one token that this unit has sent to mine, before starting"),
    "signal": Bits(6, "one bit a unit: send one token to this unit, when done"),
}


def _layout(declared: dict[str, tuple[Bits, type[int]]]) -> dict[str, Field]:
    fields: dict[str, Field] = {}
    low = 0
    for name, (bits, kind) in declared.items():
        fields[name] = Field(name, low, bits, kind)
        low += bits.width
    return fields


@dataclass(frozen=True)
class Instruction:
    """Base of all instructions; ``wait`` and ``signal`` are masks over :class:`Unit`."""

    wait: int
    signal: int

    opcode: ClassVar[int]
    mnemonic: ClassVar[str]
    unit: ClassVar[Unit]
    header: ClassVar[dict[str, Field]] = _layout({name: (bits, int) for name, bits in HEADER.items()})
    fields: ClassVar[dict[str, Field]]
    registry: ClassVar[dict[int, type[Instruction]]] = {}

    def __init_subclass__(cls, *, opcode: int, mnemonic: str, unit: Unit) -> None:
        if opcode in Instruction.registry:
            raise TypeError(f"opcode {opcode:#x} is used by {Instruction.registry[opcode].__name__} and {cls.__name__}")
        cls.opcode, cls.mnemonic, cls.unit = opcode, mnemonic, unit
        declared: dict[str, tuple[Bits, type[int]]] = {name: (bits, int) for name, bits in HEADER.items()}
        hints: dict[str, Any] = get_type_hints(cls, include_extras=True)
        for name, hint in hints.items():
            if get_origin(hint) is Annotated:
                kind, bits = get_args(hint)[:2]
                declared[name] = (bits, kind)
        layout = _layout(declared)
        used = sum(field.bits.width for field in layout.values())
        if used > WORD_BITS:
            raise TypeError(f"{cls.__name__} needs {used} bits, a word has {WORD_BITS}")
        cls.fields = {name: field for name, field in layout.items() if name not in HEADER}
        Instruction.registry[opcode] = cls

    def values(self) -> dict[str, int]:
        """The fields behind the header by name, in declaration order."""
        return {name: getattr(self, name) for name in self.fields}

    def encode(self) -> bytes:
        """The instruction's word.

        Raises:
            EncodingError: a value does not fit its field.
        """
        word = self.header["opcode"].insert(self.mnemonic, self.opcode)
        word |= self.header["wait"].insert(self.mnemonic, int(self.wait))
        word |= self.header["signal"].insert(self.mnemonic, int(self.signal))
        for name, field in self.fields.items():
            word |= field.insert(self.mnemonic, int(getattr(self, name)))
        return word.to_bytes(WORD_BYTES, "little")

    @staticmethod
    def decode(data: bytes) -> Instruction:
        """The instruction in one word of WORD_BYTES bytes.

        Raises:
            EncodingError: no such opcode, reserved bits that are set, or an enumeration value nobody defined.
        """
        word = int.from_bytes(data, "little")
        opcode = Instruction.header["opcode"].extract(word)
        kind = Instruction.registry.get(opcode)
        if kind is None:
            raise EncodingError(f"no such opcode {opcode:#04x}")
        values: dict[str, int] = {}
        for name, field in kind.fields.items():
            raw = field.extract(word)
            try:
                values[name] = field.type(raw)
            except ValueError:
                raise EncodingError(f"{kind.mnemonic}.{name} = {raw} is not a {field.type.__name__}") from None
        instruction = kind(
            wait=Instruction.header["wait"].extract(word), signal=Instruction.header["signal"].extract(word), **values
        )
        if instruction.encode() != data:
            raise EncodingError(f"{kind.mnemonic}: reserved bits are set")
        return instruction
