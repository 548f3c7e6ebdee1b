"""A Dask cluster as the engine: the same functions, executed by workers on many machines.

Every machine must have this version of pqc, and see the folder of the sweep, the model and the data under the same
paths.
"""

from __future__ import annotations

import importlib
from collections.abc import Generator
from concurrent.futures import CancelledError
from contextlib import contextmanager
from typing import Any

from pqc.errors import ModelError
from pqc.exploration.engine import Engine
from pqc.version import __version__

PATIENCE = 30
"""Seconds that a scheduler may take to answer, and a first worker to come."""

AHEAD = 2
"""Pieces of work for each thread of the cluster, so that no thread waits for the next one to be sent."""


@contextmanager
def dask_engine(address: str) -> Generator[Engine, None, None]:
    """The cluster of the scheduler at ``address``, or of the one that wrote the file ``address``, which ends in .json.

    Raises:
        ModelError: Dask is not installed, no scheduler answers, or a worker has another version of pqc.
    """
    # Dask comes with few types, and is not there unless the extra was installed.
    try:
        distributed: Any = importlib.import_module("distributed")
    except ModuleNotFoundError:
        raise ModelError("--dask needs the package distributed; install it with pip install 'pqc[cluster]'") from None
    where = {"scheduler_file": address} if address.endswith(".json") else {"address": address}
    try:
        client: Any = distributed.Client(**where, timeout=PATIENCE, set_as_default=False)
    except (OSError, ValueError, TimeoutError) as error:
        raise ModelError(f"--dask {address}: no scheduler answers there: {error}") from None
    with client:
        _check_versions(client, address)

        def slots() -> int:
            return AHEAD * sum(client.nthreads().values())

        executor: Any = client.get_executor(pure=False)
        try:
            # Work is cancelled by the client where the scheduler itself is gone.
            yield Engine(executor, slots, (distributed.KilledWorker, CancelledError))
        finally:
            executor.shutdown(wait=False)


def _check_versions(client: Any, address: str) -> None:
    """Wait for a first worker, and check the versions of pqc of all that are there, and of the scheduler."""
    try:
        client.wait_for_workers(1, timeout=PATIENCE)
    except TimeoutError:
        raise ModelError(f"--dask {address}: no worker came within {PATIENCE} seconds") from None
    versions: dict[str, Any] = client.run(version_here, on_error="return")
    try:
        versions["scheduler"] = client.run_on_scheduler(version_here)
    except ImportError as error:
        versions["scheduler"] = error
    for place, found in versions.items():
        if isinstance(found, Exception):
            raise ModelError(f"--dask {address}: {place} cannot import pqc: {found}")
        if found != __version__:
            raise ModelError(f"--dask {address}: {place} has pqc {found}, here is pqc {__version__}")


def version_here() -> str:
    """The version of pqc in the process that executes this."""
    return __version__
