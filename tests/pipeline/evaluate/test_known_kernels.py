"""What networks that are told kernels hear of LR that are made here."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from pairmill.models.archs.kernel_code import downscaled
from pairmill.models.functional.imresize import imresize_down
from pairmill.pipeline.evaluate.any_size import read_any
from pairmill.pipeline.evaluate.request import Request
from pairmill.pipeline.evaluate.run import evaluate
from pairmill.pipeline.evaluate.told import told_by
from pairmill.pipeline.images.decode import pixel_digest
from pairmill.pipeline.labels.kernel import of_bicubic
from pairmill.pipeline.workspace.storage import Storage
from pairmill.schemas.evaluation import EvaluationConfig, EvaluationReport
from tests.support.make import photograph, save
from tests.support.networks import TOLD, told_checkpoint


@pytest.mark.parametrize("scale", [2, 3, 4, 8])
def test_the_kernel_of_bicubic_is_that_of_a_point_which_it_downscales(scale: int) -> None:
    side = 6 * scale + 1
    kernel, lost = of_bicubic(scale, side)
    assert lost == 0
    expected = downscaled(np.ones((1, 1, 1)), scale, side)[0]
    # The weights of resizes are multiples of 2**-20.
    assert np.abs(kernel - expected).max() < 1e-5
    assert of_bicubic(scale, 2 * scale + 1)[1] > 0.01


def test_lr_that_are_made_here_are_told_by_their_kernel(tmp_path: Path) -> None:
    """As the same LR from files are with `--kernel bicubic`; the page says which heard what."""
    net = told_checkpoint(tmp_path / "srmd.safetensors")
    narrow = told_checkpoint(tmp_path / "narrow.safetensors", TOLD.with_(kernel_size=7))
    hr = photograph(2, 62, 58, noise=0)
    save(hr, tmp_path / "hr/one.png")
    save(imresize_down(hr, 2), tmp_path / "lr/one.png")

    def run(more: Request) -> EvaluationReport:
        return evaluate(more, Storage(str(tmp_path)), Storage(str(tmp_path)), "page")

    made, pairs = ("hr",), (("hr", "lr"),)
    base, ignored = str(tmp_path), EvaluationConfig(labels="ignored")
    reports = {
        "made here": run(Request((net,), hr=made, base=base)),
        "ignored": run(Request((net,), hr=made, base=base, config=ignored)),
        "narrow": run(Request((narrow,), hr=made, base=base)),
        "files": run(Request((net,), pairs=pairs, base=base)),
        "files, told": run(Request((net,), pairs=pairs, base=base, told=told_by("bicubic", 0))),
    }
    scores = {name: one.groups[0].rows[1].scores["psnr_y"] for name, one in reports.items()}
    assert scores["made here"] == scores["files, told"]
    assert scores["ignored"] == scores["files"] != scores["made here"]
    notes = {name: " ".join(one.notes) for name, one in reports.items()}
    assert "told the kernel of the bicubic downscaling by which 1 LR" in notes["made here"]
    assert "told nothing of 1 LR" in notes["ignored"]
    assert "too small" not in notes["ignored"]
    assert "narrow was told nothing of 1 LR" in notes["narrow"]
    assert "Its kernels are too small for that of bicubic downscaling." in notes["narrow"]
    assert "told nothing of 1 LR" in notes["files"]
    assert "--kernel bicubic says so" in notes["files"]
    assert "told the kernel of bicubic downscaling" in reports["files, told"].networks[1].arch


def test_each_image_is_decoded_once_to_be_measured(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    hr = photograph(2, 63, 59, noise=0)
    save(hr, tmp_path / "hr/one.png")
    save(imresize_down(hr[:62, :58], 2), tmp_path / "lr/one.png")
    seen = list[str]()

    def counted(url: str) -> NDArray[np.uint8]:
        seen.append(url.rpartition("/")[0].rpartition("/")[2])
        return read_any(url)

    monkeypatch.setattr("pairmill.pipeline.evaluate.sources.read_any", counted)
    request = Request(
        ("bicubic",),
        hr=("hr",),
        pairs=(("hr", "lr"),),
        real=("lr",),
        base=str(tmp_path),
        config=EvaluationConfig(scale=2, shown=0, gaussian8=True),
    )
    report = evaluate(request, Storage(str(tmp_path)), Storage(str(tmp_path)), "page")
    # HR of both sets once, and again for its blurred LR, with the LR of the pair.
    assert Counter(seen) == {"hr": 4, "lr": 3}
    assert {one.source for one in report.pictures} == {pixel_digest(hr), ""}
