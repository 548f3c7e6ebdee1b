"""`python -m pqc` is the command `pqc`."""

from __future__ import annotations

from pqc.cli.main import main

if __name__ == "__main__":
    main()
