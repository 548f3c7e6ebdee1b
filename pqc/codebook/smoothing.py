"""How the choice between the two nearest prototypes is smoothed on the way back.

Where a subvector lies, its second nearest prototype is farther than the nearest by some squared distance; ``behind`` is
that in units of the spread. The second nearest has the share (1 - behind / REACH)^2 / 2 of it: half on the boundary,
nothing from ``REACH`` spreads on. Unlike a softmax this needs no exponential, and ends.
"""

from __future__ import annotations

import numpy as np

REACH = np.float32(4)
"""Where the share of the second nearest ends, in spreads; so far, the area below its slope is that of a sigmoid."""
