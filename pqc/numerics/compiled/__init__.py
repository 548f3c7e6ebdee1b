"""The definitions of :mod:`pqc.numerics`, compiled by Numba: the same integers, faster. Importing it imports Numba."""
