"""Networks as ONNX programs; every network: `tests/conformance/test_networks.py`."""

from __future__ import annotations

import json

import pytest
import torch

from pairmill.models.archs.deployed import SIZES, TOLD, difference, write_onnx
from pairmill.models.archs.layers import reflected
from pairmill.models.fitting.checkpoint import HEADER
from tests.support.networks import network_of

onnx = pytest.importorskip("onnx")
pytest.importorskip("onnxscript")
pytest.importorskip("onnxruntime")


@pytest.mark.parametrize("name", ["compact", "srcnn"])
def test_a_program_does_what_its_network_does(name: str) -> None:
    network = network_of(name)
    data = write_onnx(network)
    program = onnx.load_model_from_string(data)
    assert [each.name for each in program.graph.input][:1] == ["lr"]
    assert not {each.name for each in program.graph.input} - {"lr", *TOLD}
    assert [each.name for each in program.graph.output] == ["sr"]
    said = json.loads({each.key: each.value for each in program.metadata_props}[HEADER])
    assert (said["network"]["arch"], said["scale"]) == (name, 2)
    assert difference(data, network) < 1e-5


def test_a_program_of_other_weights_differs() -> None:
    """The comparison can fail."""
    assert (
        difference(write_onnx(network_of("compact", seed=1)), network_of("compact", seed=2)) > 0.01
    )


def test_sizes_are_such_as_go_wrong() -> None:
    """Odd ones, for which padding to a multiple of 8 rounds up, and one smaller than any margin."""
    assert {(37, 31), (1, 1)} <= {size[1:] for size in SIZES}
    row = torch.arange(37.0).reshape(1, 1, 1, 37)
    assert reflected(row, 8)[0, 0, 0].tolist() == [*range(37), 35, 34, 33]
