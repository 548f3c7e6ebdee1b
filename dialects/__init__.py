"""The dialects: types, operations and their rules."""
