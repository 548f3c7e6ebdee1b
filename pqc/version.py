"""The version of pqc."""

__version__ = "0.1.0"
