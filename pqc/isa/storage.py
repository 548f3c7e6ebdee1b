"""How activations and codes are stored in the activation buffer."""

from __future__ import annotations

from enum import IntEnum

from pqc.numerics.element import Element


class Storage(IntEnum):
    """How an activation element is stored."""

    U8 = 0
    """One byte, unsigned."""
    S8 = 1
    """One byte, two's complement."""
    U16 = 2
    """Two bytes, little-endian, unsigned."""
    S16 = 3
    """Two bytes, little-endian, two's complement."""

    @classmethod
    def of(cls, element: Element) -> Storage:
        """The storage of ``element``: one byte up to 8 bits, two above."""
        return cls((element.storage_bytes - 1) * 2 + int(element.signed))

    @classmethod
    def of_codes(cls, prototypes: int) -> Storage:
        """The storage of codes below ``prototypes``: one byte up to 256 of them, two above."""
        return cls.U8 if prototypes <= 256 else cls.U16

    @property
    def element(self) -> Element:
        """The widest element stored this way."""
        return Element(8 if self < Storage.U16 else 16, bool(self & 1))

    @property
    def bytes(self) -> int:
        """Bytes of one element."""
        return 1 if self < Storage.U16 else 2
