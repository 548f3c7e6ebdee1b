"""The one definition of every operation, in numpy: plain typed functions that know no IR and no memory."""
