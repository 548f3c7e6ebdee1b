"""Conditions on points of a space, as ``lookup.output_lanes * lookup.subspace_lanes <= 1024``.

The syntax is that of Python's expressions, cut down to arithmetic, comparisons and logic; nothing is ever executed.
"""

from __future__ import annotations

import ast
import operator
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

from pqc.errors import ModelError
from pqc.exploration.document import did_you_mean

_BINARY: dict[type[ast.operator], Callable[[Any, Any], Any]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: lambda left, right: left / right,
    ast.FloorDiv: lambda left, right: left // right,
    ast.Mod: operator.mod,
}
_COMPARE: dict[type[ast.cmpop], Callable[[Any, Any], bool]] = {
    ast.Eq: operator.eq,
    ast.NotEq: operator.ne,
    ast.Lt: operator.lt,
    ast.LtE: operator.le,
    ast.Gt: operator.gt,
    ast.GtE: operator.ge,
    ast.In: lambda left, right: left in right,
    ast.NotIn: lambda left, right: left not in right,
}
_UNARY: dict[type[ast.unaryop], Callable[[Any], Any]] = {ast.Not: operator.not_, ast.USub: operator.neg}

ALLOWED = "names, numbers, strings, lists, + - * / // %, comparisons, in, and, or, not"


@dataclass(frozen=True)
class Constraint:
    """A condition over names that may have dots in them."""

    text: str
    expression: ast.expr

    @staticmethod
    def parse(text: str, names: Collection[str]) -> Constraint:
        """Read a condition over ``names``.

        Raises:
            ModelError: it is no such expression, or mentions another name.
        """
        try:
            tree = ast.parse(text.strip(), mode="eval")
        except (SyntaxError, ValueError):
            raise ModelError(f"{text!r} is no condition; allowed are {ALLOWED}") from None
        _check(tree.body, text, names)
        return Constraint(text, tree.body)

    def holds(self, values: Mapping[str, Any]) -> bool:
        """Whether the condition holds for ``values`` by name.

        Raises:
            ModelError: it divides by zero, or compares or computes with what does not go together.
        """
        try:
            return bool(_value(self.expression, values))
        except ZeroDivisionError:
            raise ModelError(f"{self.text!r} divides by zero") from None
        except TypeError as error:
            raise ModelError(f"{self.text!r} computes with what does not go together: {error}") from None


def _check(node: ast.expr, text: str, names: Collection[str]) -> None:
    """Refuse everything that is not allowed, wherever it stands."""
    name = _dotted(node)
    if name is not None:
        if name not in names:
            raise ModelError(f"{text!r}: there is no {name}{did_you_mean(name, names)}")
        return
    match node:
        case ast.Constant(value=int() | float() | str()):
            inner: list[ast.expr] = []
        case ast.List(elts=inner) | ast.Tuple(elts=inner) | ast.BoolOp(values=inner):
            pass
        case ast.BinOp(left=left, op=op, right=right) if type(op) in _BINARY:
            inner = [left, right]
        case ast.UnaryOp(op=op, operand=operand) if type(op) in _UNARY:
            inner = [operand]
        case ast.Compare(left=left, ops=ops, comparators=others) if all(type(op) in _COMPARE for op in ops):
            inner = [left, *others]
        case _:
            raise ModelError(f"{text!r}: {ast.unparse(node)!r} is not allowed in a condition; allowed are {ALLOWED}")
    for child in inner:
        _check(child, text, names)


def _dotted(node: ast.expr) -> str | None:
    """The name, with dots, that an expression is."""
    match node:
        case ast.Name(id=name):
            return name
        case ast.Attribute(value=value, attr=last):
            first = _dotted(value)
            return None if first is None else f"{first}.{last}"
        case _:
            return None


def _value(node: ast.expr, values: Mapping[str, Any]) -> Any:
    """What a checked expression is for ``values``."""
    name = _dotted(node)
    if name is not None:
        return values[name]
    match node:
        case ast.Constant(value=constant):
            return constant
        case ast.List(elts=parts) | ast.Tuple(elts=parts):
            return [_value(part, values) for part in parts]
        case ast.BoolOp(op=ast.And(), values=parts):
            return all(_value(part, values) for part in parts)
        case ast.BoolOp(values=parts):
            return any(_value(part, values) for part in parts)
        case ast.BinOp(left=left, op=op, right=right):
            return _BINARY[type(op)](_value(left, values), _value(right, values))
        case ast.UnaryOp(op=op, operand=operand):
            return _UNARY[type(op)](_value(operand, values))
        case ast.Compare(left=left, ops=ops, comparators=others):
            operands = [_value(part, values) for part in (left, *others)]
            return all(_COMPARE[type(op)](*pair) for op, pair in zip(ops, pairwise(operands), strict=True))
        case _:
            raise ValueError(f"{ast.unparse(node)!r} was not checked")
