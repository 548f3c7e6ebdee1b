"""Fixtures and settings shared by all tests."""

from __future__ import annotations

from hypothesis import settings
from support.shared import shared

__all__ = ["shared"]

# The same examples in every run: what passes here passes elsewhere, also on a computer that is busy with other things.
# `pytest --hypothesis-profile=search` looks for others.
settings.register_profile("repeatable", deadline=None, derandomize=True)
settings.register_profile("search", deadline=None, max_examples=2000)
settings.load_profile("repeatable")
