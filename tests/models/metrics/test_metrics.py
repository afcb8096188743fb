"""Metrics: against independent libraries, by hand, and properties; the published rows of bicubic
stand in `benchmarks/results`."""

from __future__ import annotations

import hashlib
import io
import math
from collections.abc import Callable
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from safetensors.torch import save
from scipy.io import savemat
from scipy.ndimage import correlate
from scipy.special import gamma
from skimage import color, data
from skimage.metrics import peak_signal_noise_ratio, structural_similarity
from torch import nn
from torchmetrics.functional.image import lpips as theirs

from pairmill.models.functional.imresize import imresize_down, imresize_up
from pairmill.models.functional.resize import bicubic_down
from pairmill.models.metrics import lpips as lpips_module
from pairmill.models.metrics import niqe as niqe_module
from pairmill.models.metrics.lpips import TRUNKS, linear_digest, read_lpips
from pairmill.models.metrics.luma import luma
from pairmill.models.metrics.niqe import (
    NiqeParameters,
    asymmetric,
    features_of,
    fit_niqe,
    niqe,
    read_parameters,
    write_parameters,
)
from pairmill.models.metrics.psnr import psnr
from pairmill.models.metrics.ssim import ssim
from tests.support.make import photograph

Image = NDArray[np.uint8]


@cache
def cat() -> Image:
    return np.ascontiguousarray(data.chelsea()[:300, :448])


def noisy(image: Image, deviation: float, seed: int = 0) -> Image:
    draws = np.random.default_rng([2026, seed]).standard_normal(image.shape)
    return np.clip(np.rint(image + deviation * draws), 0, 255).astype(np.uint8)


def blurred(image: Image, deviation: float) -> Image:
    return np.asarray(cv2.GaussianBlur(image, (0, 0), deviation))


# PSNR and SSIM


def test_luma_is_matlabs() -> None:
    """rgb2ycbcr of black, white, red, green and blue, known by heart; and of a photo by
    another library."""
    colours = np.array(
        [[[0, 0, 0], [255, 255, 255], [255, 0, 0], [0, 255, 0], [0, 0, 255]]], np.uint8
    )
    np.testing.assert_allclose(luma(colours), [[16, 235, 81.481, 144.553, 40.966]], atol=1e-9)
    np.testing.assert_allclose(luma(cat()), color.rgb2ycbcr(cat())[..., 0], atol=1e-9)


def test_psnr_by_hand() -> None:
    """A difference of 16 in one sample of 2 x 2 x 3: MSE 256 / 12; of 1 in every sample: 48.13
    dB."""
    a, b = np.zeros((2, 2, 3), np.uint8), np.zeros((2, 2, 3), np.uint8)
    b[0, 1, 2] = 16
    assert psnr(a, b, channel="rgb") == pytest.approx(10 * math.log10(255**2 * 12 / 256))
    assert psnr(a, b) == pytest.approx(10 * math.log10(255**2 * 4 / (16 * 24.966 / 255) ** 2))
    assert psnr(a, a + np.uint8(1), channel="rgb") == pytest.approx(48.1308, abs=1e-4)
    assert psnr(a, a) == math.inf


@pytest.mark.parametrize("border", [0, 4, 9])
@pytest.mark.parametrize("seed", [0, 1])
def test_psnr_and_ssim_are_those_of_other_libraries(border: int, seed: int) -> None:
    a = photograph(seed)
    b = noisy(a, 12, seed)
    cut = np.s_[border : 37 - border, border : 31 - border]
    assert psnr(a, b, border, "rgb") == pytest.approx(
        peak_signal_noise_ratio(a[cut], b[cut]), abs=1e-9
    )
    assert psnr(a, b, border) == pytest.approx(
        peak_signal_noise_ratio(luma(a)[cut], luma(b)[cut], data_range=255), abs=1e-9
    )
    settings: dict[str, Any] = {
        "gaussian_weights": True,
        "sigma": 1.5,
        "use_sample_covariance": False,
        "data_range": 255,
    }
    assert ssim(a, b, border, "rgb") == pytest.approx(
        structural_similarity(a[cut], b[cut], channel_axis=2, **settings), abs=1e-9
    )
    assert ssim(a, b, border) == pytest.approx(
        structural_similarity(luma(a)[cut], luma(b)[cut], **settings), abs=1e-9
    )


@pytest.mark.parametrize("channel", ["y", "rgb"])
def test_laws_of_psnr_and_ssim(channel: Any) -> None:
    a = photograph(3)
    worse = [noisy(a, deviation) for deviation in (2, 8, 32)]
    for measure in (psnr, ssim):
        found = [measure(a, b, 4, channel) for b in worse]
        assert found == sorted(found, reverse=True)
        assert [measure(b, a, 4, channel) for b in worse] == pytest.approx(found, rel=1e-12)
        outside = worse[0].copy()
        outside[:4], outside[-4:], outside[:, :4], outside[:, -4:] = 0, 255, 7, 99
        assert measure(a, outside, 4, channel) == found[0]  # what lies in the border does not count
    assert ssim(a, a, channel=channel) == pytest.approx(1, abs=1e-12)


def test_bicubic_of_a_photograph() -> None:
    """What `pairmill evaluate` does, on an image that everybody has: MATLAB's bicubic x4, 8 bits,
    luma, border 4; `benchmarks/published_rows.py` has the same of Set5.
    """
    sr = imresize_up(imresize_down(cat(), 4), 4)
    assert psnr(sr, cat(), 4) == pytest.approx(31.4738, abs=5e-5)
    assert ssim(sr, cat(), 4) == pytest.approx(0.8063, abs=5e-5)


def test_pictures_that_cannot_be_compared() -> None:
    a = photograph(0)
    for measure in (psnr, ssim):
        with pytest.raises(ValueError, match="37 x 31 and 37 x 30 cannot be compared"):
            measure(a, a[:, :30])
        with pytest.raises(ValueError, match="nothing is left of 37 x 31 without a border of 16"):
            measure(a, a, 16)
        with pytest.raises(ValueError, match=r"uint8, got .* float64"):
            measure(a / 255, a / 255)  # type: ignore[arg-type]
        with pytest.raises(ValueError, match="nothing is left"):
            measure(a, a, -1)
    with pytest.raises(ValueError, match="SSIM needs 11 x 11 pixels inside the border, got 15 x 9"):
        ssim(a, a, 11)


# LPIPS


def trunk(net: str) -> nn.Sequential:
    """`features` of torchvision's AlexNet and VGG-16, with made weights."""
    if net == "alex":
        plan: list[Any] = [
            (3, 64, 11, 4, 2),
            "R",
            "M",
            (64, 192, 5, 1, 2),
            "R",
            "M",
            (192, 384, 3, 1, 1),
            "R",
            (384, 256, 3, 1, 1),
            "R",
            (256, 256, 3, 1, 1),
            "R",
            "M",
        ]
    else:
        plan, inputs = [], 3
        for outputs, count in ((64, 2), (128, 2), (256, 3), (512, 3), (512, 3)):
            for _ in range(count):
                plan += [(inputs, outputs, 3, 1, 1), "R"]
                inputs = outputs
            plan.append("M")
    side = 3 if net == "alex" else 2
    made: dict[str, Callable[[], nn.Module]] = {"R": nn.ReLU, "M": lambda: nn.MaxPool2d(side, 2)}
    layers = nn.Sequential(
        *(nn.Conv2d(*part) if isinstance(part, tuple) else made[part]() for part in plan)
    )
    rng = np.random.default_rng([2026, 5])
    for parameter in layers.parameters():
        scale = 1.4 / math.sqrt(max(1, parameter[0].numel()))
        parameter.data = torch.from_numpy(rng.standard_normal(parameter.shape) * scale).float()
    return layers


def pth(tensors: dict[str, torch.Tensor]) -> bytes:
    buffer = io.BytesIO()
    torch.save(tensors, buffer)
    return buffer.getvalue()


def linear_file(net: str) -> bytes:
    """The published linear weights, as another library ships them."""
    return (Path(theirs.__file__).parent / f"lpips_models/{net}.pth").read_bytes()


@pytest.mark.parametrize("net", ["alex", "vgg"])
def test_lpips_is_that_of_another_library(net: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """The published linear weights on a made trunk, as two files in any order, and as one with
    both."""
    layers = trunk(net)
    monkeypatch.setattr(theirs, "_get_tv_model_features", lambda *_: layers)
    reference = theirs._LPIPS(net=net, pnet_rand=True)
    features = {f"features.{name}": value for name, value in layers.state_dict().items()}
    own = pth(features | {"classifier.1.weight": torch.ones(2, 2)})
    a = cat()[50:101, 60:131]
    b = noisy(blurred(a, 1.5), 5)
    one, other = (
        torch.from_numpy(image.copy()).permute(2, 0, 1)[None].float() / 127.5 - 1
        for image in (a, b)
    )
    wanted = float(reference(one, other).detach())
    assert wanted > 1e-3
    for files in ([own, linear_file(net)], [linear_file(net), own], [pth(reference.state_dict())]):
        metric = read_lpips(files)
        assert metric.trunk == net
        assert [len(digest) for digest in metric.digests] == [64] * len(files)
        assert metric.of(a, b) == pytest.approx(wanted, rel=1e-4)
        assert metric.of(b, a) == pytest.approx(wanted, rel=1e-4)
        assert metric.of(a, a) == 0


def narrow(net: Any = "alex", **changes: torch.Tensor) -> dict[str, torch.Tensor]:
    """Both files of a network of a few channels."""
    rng, channels, found, stage = np.random.default_rng([2026, 6]), 3, {}, 0
    for step in TRUNKS[net]:
        side = {"alex": {0: 11, 3: 5}, "vgg": {}}[net].get(step.place, 3)
        found[f"features.{step.place}.weight"] = torch.from_numpy(
            rng.standard_normal((4, channels, side, side)) / side
        ).float()
        found[f"features.{step.place}.bias"] = torch.zeros(4)
        channels = 4
        if step.compared:
            found[f"lin{stage}.model.1.weight"] = torch.from_numpy(rng.random((1, 4, 1, 1))).float()
            stage += 1
    return found | changes


@pytest.mark.parametrize("net", ["alex", "vgg"])
def test_lpips_rises_with_what_is_done_to_a_picture(net: str) -> None:
    metric = read_lpips([save(narrow(net))])
    a = cat()[40:120, 60:131]
    for harm in (noisy, blurred):
        found = [metric.of(a, harm(a, strength)) for strength in (1, 3, 9)]
        assert 0 < found[0] < found[1] < found[2]
    batch = torch.from_numpy(np.stack([a, noisy(a, 9)])).permute(0, 3, 1, 2).float() / 255
    assert metric(batch, batch[:1].expand_as(batch)).tolist() == pytest.approx(
        [0, metric.of(noisy(a, 9), a)], rel=1e-4
    )


@pytest.mark.parametrize(
    ("files", "words"),
    [
        ([b"no weights"], "neither safetensors nor"),
        ([], "no trunk"),
        ([linear_file("alex")], "no trunk"),
        (
            [save({n: t for n, t in narrow().items() if n.startswith("f")})],
            "lin0.model.1.weight is not there",
        ),
        (
            [save(narrow() | {"lin2.model.1.weight": torch.ones(1, 9, 1, 1)})],
            "lin2.model.1.weight is of 9 channels, wanted 4",
        ),
        (
            [save(narrow() | {"features.12.weight": torch.ones(4, 4, 3, 3)})],
            "weight12 is not as in AlexNet",
        ),
        (
            [save(narrow("vgg") | {"features.16.weight": torch.ones(4, 4, 3, 3)})],
            "weight16 is not as in VGG-16",
        ),
        (
            [save(narrow() | {"features.3.weight": torch.ones(4, 5, 5, 5)})],
            r"features.3 is \(4, 5, 5, 5\)",
        ),
        (
            [save(narrow() | {"features.0.weight": torch.ones(4, 3, 7, 7)})],
            "neither AlexNet nor VGG-16",
        ),
    ],
)
def test_files_that_are_not_lpips(files: list[bytes], words: str) -> None:
    with pytest.raises(ValueError, match=words):
        read_lpips(files)


@pytest.mark.parametrize("form", [save, pth])
def test_linear_weights_of_the_version_before_are_refused(
    form: Callable[[dict[str, torch.Tensor]], bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    """They differ from those of v0.1 in their values alone, so a digest of these tells them, in
    whatever file and beside whatever else."""
    weights = narrow()
    linear = {stage: weights[f"lin{stage}.model.1.weight"] for stage in range(5)}
    wanted = hashlib.sha256(b"".join(linear[stage].numpy().tobytes() for stage in range(5)))
    assert linear_digest(linear) == wanted.hexdigest()
    monkeypatch.setitem(lpips_module.OLD_LINEAR, wanted.hexdigest(), "AlexNet")
    with pytest.raises(ValueError, match=r"LPIPS v0\.0 for AlexNet.*folder v0\.1"):
        read_lpips([form(weights)])
    assert read_lpips([form(weights | {"lin0.model.1.weight": torch.ones(1, 4, 1, 1)})])


def test_squeezenet_is_refused_by_name() -> None:
    with pytest.raises(ValueError, match="linear weights of SqueezeNet"):
        read_lpips([linear_file("alex"), linear_file("squeeze")])
    with pytest.raises(ValueError, match="LPIPS weights of SqueezeNet"):
        read_lpips([save({"features.3.squeeze.weight": torch.ones(2, 2, 1, 1)})])


def test_lpips_of_pictures_that_do_not_fit() -> None:
    metric = read_lpips([save(narrow())])
    assert metric.of(photograph(0, 32, 33), photograph(1, 32, 33)) > 0
    with pytest.raises(ValueError, match="at least 32 x 32, got 37 x 31"):
        metric.of(photograph(0), photograph(1))
    with pytest.raises(ValueError, match="cannot be compared"):
        metric.of(photograph(0, 40, 40), photograph(1, 40, 41))


# NIQE


@cache
def pristine() -> NiqeParameters:
    """Of four photos; with the paper's share of sharp blocks they would have too few."""
    camera, hubble = np.dstack([data.camera()] * 3), data.hubble_deep_field()[:480, :480]
    return fit_niqe([data.astronaut(), data.rocket(), camera, hubble], sharp=0.3)


def fitted_blocks() -> int:
    """Sharp blocks of the four photos."""
    found = 0
    for image in (data.astronaut(), data.rocket(), np.dstack([data.camera()] * 3)):
        found += _sharp(image)
    return found + _sharp(data.hubble_deep_field()[:480, :480])


def _sharp(image: Image) -> int:
    features, sharpness = features_of(image)
    return int((~np.isnan(features).any(1) & (sharpness >= 0.3 * sharpness.max())).sum())


def by_the_book(block: NDArray[np.float64]) -> list[float]:
    """The 18 features of one block, sample by sample, as the paper writes them."""

    def fit(samples: NDArray[np.float64]) -> tuple[float, float, float]:
        left, right = (
            math.sqrt((samples[side] ** 2).mean()) for side in (samples < 0, samples > 0)
        )
        ratio = left / right
        moments = np.abs(samples).mean() ** 2 / (samples**2).mean()
        wanted = moments * (ratio**3 + 1) * (ratio + 1) / (ratio**2 + 1) ** 2
        shapes = np.arange(0.2, 10.001, 0.001)
        shape = shapes[
            np.argmin(
                (gamma(2 / shapes) ** 2 / (gamma(1 / shapes) * gamma(3 / shapes)) - wanted) ** 2
            )
        ]
        scale = math.sqrt(gamma(1 / shape) / gamma(3 / shape))
        return shape, left * scale, right * scale

    shape, left, right = fit(block)
    found = [shape, (left + right) / 2]
    for rows, columns in ((0, 1), (1, 0), (1, 1), (1, -1)):
        shape, left, right = fit(block * np.roll(np.roll(block, rows, 0), columns, 1))
        found += [shape, (right - left) * gamma(2 / shape) / gamma(1 / shape), left, right]
    return found


def test_features_are_those_of_the_paper() -> None:
    image = cat()[:200, :300].copy()
    image[110:170, 210:260] = (90, 128, 60)
    features, _ = features_of(image)
    assert features.shape == (2 * 3, 36)
    first = np.round(luma(image))[:192, :288]
    window = np.exp(-(np.hypot(*np.mgrid[-3:4, -3:4]) ** 2) / (2 * (7 / 6) ** 2))
    for column, exact in ((0, first), (18, bicubic_down(first[..., None], 2)[..., 0])):
        picture = exact.astype(np.float32)
        mean = correlate(picture, window / window.sum(), mode="nearest")
        deviation = np.sqrt(
            np.abs(correlate(picture**2, window / window.sum(), mode="nearest") - mean**2)
        )
        contrast = ((picture - mean) / (deviation + 1)).astype(np.float64)
        side = 96 if column == 0 else 48
        wanted = by_the_book(contrast[side : 2 * side, 2 * side : 3 * side])
        np.testing.assert_allclose(features[5, column : column + 18], wanted, rtol=1e-6, atol=1e-6)


@pytest.mark.parametrize("level", [16, 91, 155.3, 235])
def test_what_is_flat_has_no_sign(level: float) -> None:
    """In float64 the filter leaves 1e-14 on either side of zero, which the fit would count; the
    published code rounds to float32 and has zeros (NIQE up to 1.28 apart on screens and text)."""
    picture = np.full((96, 96), float(level))
    picture[:, :20] += 40 * np.random.default_rng([2026, 9]).random((96, 20))
    contrast, deviation = niqe_module.contrasts(picture)
    assert not contrast[:, 23:].any()
    assert not deviation[:, 23:].any()
    assert contrast[:, :23].all()


def test_a_block_that_is_flat_counts_with_the_first_shape() -> None:
    """As in the published code: shapes 0.2, scales that are none, which the mean leaves out."""
    image = cat()[:192, :384].copy()
    image[:112, 80:208] = (30, 99, 200)  # and what the filters see around it
    features, _ = features_of(image)
    shapes = np.isin(np.arange(36) % 18, (0, 2, 6, 10, 14))
    assert features[1, shapes] == pytest.approx(np.full(10, 0.2))
    assert np.isnan(features[1, ~shapes]).all()
    assert not np.isnan(np.delete(features, 1, axis=0)).any()
    mean = np.nanmean(features, axis=0)
    assert mean[0] == pytest.approx((features[[0, *range(2, 8)], 0].sum() + 0.2) / 8)
    gap = pristine().mean - mean
    covariance = np.cov(np.delete(features, 1, axis=0), rowvar=False)
    wanted = gap @ np.linalg.pinv((pristine().covariance + covariance) / 2) @ gap
    assert niqe(image, pristine()) == pytest.approx(wanted**0.5)


def test_the_fit_of_samples_of_known_distributions() -> None:
    """Normal: shape 2, scales sigma sqrt(2). Laplacian with scales 1 and 3: shape 1, its own
    scales."""
    rng = np.random.default_rng([2026, 8])
    normal = 0.7 * rng.standard_normal(400_000)
    shape, left, right = asymmetric(normal[None])
    assert [shape[0], left[0], right[0]] == pytest.approx([2, 0.7 * 2**0.5, 0.7 * 2**0.5], rel=0.02)
    sides = rng.exponential(size=400_000) * np.where(rng.random(400_000) < 0.25, -1, 3)
    shape, left, right = asymmetric(sides[None])
    assert [shape[0], left[0], right[0]] == pytest.approx([1, 1, 3], rel=0.03)


@pytest.mark.parametrize(("harm", "strengths"), [(blurred, (0.8, 1.6, 3.2)), (noisy, (4, 12, 36))])
def test_niqe_rises_with_blur_and_with_noise(harm: Any, strengths: tuple[float, ...]) -> None:
    coffee = data.coffee()
    found = [
        niqe(coffee, pristine()),
        *(niqe(harm(coffee, strength), pristine()) for strength in strengths),
    ]
    assert found == sorted(found)
    assert found[-1] > 2 * found[0]


def test_the_border_is_left_out_first() -> None:
    framed = np.full((208, 300, 3), 128, np.uint8)
    framed[4:-4, 4:-4] = cat()[:200, :292]
    assert niqe(framed, pristine(), border=4) == niqe(cat()[:200, :292], pristine())


def test_niqe_is_none_of_pictures_without_two_blocks() -> None:
    for image, border in ((cat()[:96, :191], 0), (cat()[:100, :196], 3), (photograph(0), 0)):
        with pytest.raises(ValueError, match="undefined for fewer than two blocks of 96 x 96"):
            niqe(image, pristine(), border)
    with pytest.raises(ValueError, match="flat nearly everywhere"):
        niqe(np.full((200, 300, 3), 90, np.uint8), pristine())
    with pytest.raises(
        ValueError, match="more than 36 sharp blocks of 96 x 96 pixels, these images have"
    ):
        fit_niqe([cat(), photograph(0)])


def test_parameters_as_bytes() -> None:
    """The names are those of BasicSR's file; equal parameters give equal bytes."""
    data_ = write_parameters(pristine())
    again = read_parameters(data_)
    assert write_parameters(again) == data_
    assert niqe(cat(), again) == niqe(cat(), pristine())
    with np.load(io.BytesIO(data_)) as file:
        assert {name: file[name].shape for name in file.files} == {
            "mu_pris_param": (1, 36),
            "cov_pris_param": (36, 36),
            "gaussian_window": (7, 7),
            "blocks": (),
        }
    assert again.blocks == pristine().blocks == fitted_blocks()
    assert niqe_module.WINDOW.sum() == pytest.approx(1)


def npz(**arrays: Any) -> bytes:
    buffer = io.BytesIO()
    np.savez(buffer, **arrays)
    return buffer.getvalue()


def mat(**arrays: Any) -> bytes:
    buffer = io.BytesIO()
    savemat(buffer, arrays)  # type: ignore[arg-type]
    return buffer.getvalue()


def test_parameters_as_the_authors_have_them() -> None:
    parameters = read_parameters(
        mat(mu_prisparam=pristine().mean[None], cov_prisparam=pristine().covariance)
    )
    assert parameters.blocks is None  # the authors do not say
    published = replace(pristine(), blocks=None)
    assert write_parameters(parameters) == write_parameters(published)


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "neither .npz"),
        (b"PK\x03\x04 cut", "neither .npz"),
        (npz(mu_pris_param=np.array([{}])), "neither .npz"),
        (b"MATLAB 5.0 MAT-file, cut", "neither .npz nor .mat"),
        (mat(mu_prisparam=np.zeros((1, 36))), "cov_pris_param is not 1296"),
        (npz(mu_pris_param=np.zeros(36)), "cov_pris_param is not 1296 numbers"),
        (npz(mu_pris_param=np.zeros(35), cov_pris_param=np.eye(36)), "mu_pris_param is not 36"),
        (
            npz(mu_pris_param=np.full(36, np.nan), cov_pris_param=np.eye(36)),
            "mu_pris_param is not 36",
        ),
        (
            npz(
                mu_pris_param=np.zeros(36),
                cov_pris_param=np.eye(36),
                gaussian_window=np.ones((7, 7)) / 49,
            ),
            "gaussian_window",
        ),
    ],
)
def test_files_that_are_no_parameters(content: bytes, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        read_parameters(content)
