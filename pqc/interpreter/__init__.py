"""Executing programs: the reference at every IR level, the machine that knows only bytes, and the timing model."""
