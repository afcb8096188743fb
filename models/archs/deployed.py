"""Networks as ONNX programs, which runtimes without torch and without pairmill execute.

The libraries are those of extra `onnx`; they are imported where they are used.
"""

from __future__ import annotations

import logging
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from pairmill.models.archs.aware import Degradation, KernelAware
from pairmill.models.archs.layers import Network
from pairmill.models.fitting.checkpoint import HEADER
from pairmill.models.keyed import keyed
from pairmill.schemas.network import NetworkSpec

LR, SR, TOLD = "lr", "sr", ("kernel", "noise")
"""Names of the program's inputs and of its output."""
SIZES = ((2, 37, 31), (1, 1, 1), (1, 8, 64))
"""Batch, height and width of the images on which a program is compared with its network."""
TRACED = (2, 24, 16)
"""Of the image with which the program is recorded."""
ALLOWED = 1e-4
"""Greatest difference of a program from its network, where white is 1."""


class _Told(nn.Module):
    """A network that is told the degradation, with tensors alone as inputs."""

    def __init__(self, network: KernelAware) -> None:
        super().__init__()
        self.network = network

    def forward(self, lr: Tensor, kernel: Tensor, noise: Tensor) -> Tensor:
        """See `KernelAware`."""
        restored: Tensor = self.network(lr, Degradation(kernel, noise))
        return restored


def write_onnx(network: Network) -> bytes:
    """A network as an ONNX program, for batches of any number and images of any size.

    Input `lr` (B, 3, h, w) in [0, 1], output `sr` (B, 3, scale h, scale w), float32. Networks that
    are told the degradation have inputs `kernel` (B, K, K) and `noise` (B, 1, h, w) too: see
    `Degradation`. Settings and scale are in its metadata, under the name that checkpoints have them
    under.

    Raises:
        ImportError: if `onnx` or `onnxscript` is missing.
        ValueError: if the network does what a program cannot.
    """
    if network.no_program:
        raise ValueError(f"{network.config.words()}: {network.no_program}")
    module: nn.Module = _Told(network) if isinstance(network, KernelAware) else network
    inputs = _inputs(network, *TRACED)
    names = [LR, *TOLD][: len(inputs)]
    with _quiet(), torch.no_grad():
        try:
            program = torch.onnx.export(
                module.eval(),
                inputs,
                dynamo=True,
                dynamic_shapes=tuple(_free(one) for one in names),
                input_names=names,
                output_names=[SR],
                verbose=False,
            )
        except torch.onnx.OnnxExporterError as error:
            raise ValueError(f"{network.config.words()}: {error.__cause__ or error}") from error
    assert program is not None
    proto = program.model_proto
    spec = NetworkSpec.model_validate({"network": network.config, "scale": network.scale})
    entry = proto.metadata_props.add()
    entry.key, entry.value = HEADER, spec.canonical_json()
    return bytes(proto.SerializeToString())


def difference(program: bytes, network: Network) -> float:
    """How far the program is from its network at most, where white is 1, over `SIZES`, as
    onnxruntime executes it on the CPU.

    Raises:
        ImportError: if `onnxruntime` is missing.
    """
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = torch.get_num_threads()
    session = onnxruntime.InferenceSession(program, options, providers=["CPUExecutionProvider"])
    found = 0.0
    for size in SIZES:
        inputs = _inputs(network, *size)
        given = {name: value.numpy() for name, value in zip([LR, *TOLD], inputs, strict=False)}
        with torch.no_grad():
            told = Degradation(*inputs[1:]) if len(inputs) > 1 else None
            wanted = network.eval()(*inputs[:1], *([told] if told else []))
        made = session.run([SR], given)[0]
        found = max(found, float(np.abs(made - wanted.numpy()).max()))
    return found


def _inputs(network: Network, batch: int, height: int, width: int) -> tuple[Tensor, ...]:
    """Images of noise, and what a network that is told the degradation assumes of them."""
    drawn = keyed(0, "check").random((batch, 3, height, width), dtype=np.float32)
    lr = torch.from_numpy(drawn)
    if not isinstance(network, KernelAware):
        return (lr,)
    with torch.no_grad():
        usual = network.usual(lr)
    return lr, usual.kernel.clone(), usual.noise.clone()


def _free(name: str) -> dict[int, Any]:
    """The axes of an input that may have any length."""
    free = torch.export.Dim.DYNAMIC
    return {0: free} if name == TOLD[0] else {0: free, 2: free, 3: free}


@contextmanager
def _quiet() -> Iterator[None]:
    """Without what the exporter says of other libraries and of itself."""
    logger = logging.getLogger("torch.onnx")
    before = logger.level
    logger.setLevel(logging.ERROR)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        logger.setLevel(before)
