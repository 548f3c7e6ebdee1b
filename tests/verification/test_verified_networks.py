"""Verification finds nothing wrong where nothing is: random networks, on several targets and from dumps."""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given, settings
from support.level_rules import possible
from support.network import Network, residual_network
from support.networks import networks, options
from support.onnx_models import save

from pqc.api import CompileRequest, VerifyRequest, compile_model
from pqc.errors import ModelError
from pqc.passes.options import PqOptions
from pqc.planning.target import load_target
from pqc.verification.request import Mode
from pqc.verification.verifier import Record


def checked(drawn: Network, folder: Path, target: str, chosen: PqOptions) -> list[Record]:
    records: list[Record] = []
    verify = VerifyRequest(count=3, folder=folder / "kept", listener=records.append, mode=Mode.BOTH)
    model, frames = save(drawn.proto, folder), drawn.data(12)
    dumps = folder / "ir"
    compile_model(CompileRequest(model, load_target(target), chosen, frames, dump_ir=dumps, verify=verify))
    return records


@pytest.mark.parametrize("target", ["pqa", "pqa-shift", "tiny"])
@settings(max_examples=10, deadline=None, derandomize=True)
@given(networks(), options())
def test_nothing_is_wrong_with_what_is_right(target: str, drawn: Network, chosen: PqOptions) -> None:
    with TemporaryDirectory() as folder:
        records = checked(drawn, Path(folder), target, possible(chosen, load_target(target)))
        assert all(record.finding.failure is None for record in records)
        assert records[-1].check == "machine"


def test_dumps_are_verified_from_where_they_are(tmp_path: Path) -> None:
    checked(residual_network(), tmp_path, "pqa", PqOptions(prototypes=4))
    for dump in sorted((tmp_path / "ir").glob("*.mlir")):
        records: list[Record] = []
        request = CompileRequest(dump, None, verify=VerifyRequest(folder=tmp_path, listener=records.append))
        if int(dump.name[:2]) >= 9:
            with pytest.raises(ModelError, match="lowered already: there is no network to verify it against"):
                compile_model(request)
        else:
            compile_model(request)
            assert records[-1].check == "machine"
            assert records[0].check != "import"
