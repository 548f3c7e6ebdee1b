"""Fixtures shared by all tests."""

from __future__ import annotations

from support.shared import shared

__all__ = ["shared"]
