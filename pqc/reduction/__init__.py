"""A module for which something fails, made small: delta debugging over the IR."""
