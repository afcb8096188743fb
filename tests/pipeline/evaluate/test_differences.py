"""Differences between networks: intervals by draws of images, and warnings of images that networks
were trained on."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from pairmill.pipeline.corpora.replay import read_table
from pairmill.pipeline.evaluate.bootstrap import DRAWS, differences, resampled
from pairmill.pipeline.evaluate.request import Request
from pairmill.pipeline.evaluate.run import evaluate
from pairmill.pipeline.evaluate.tables import markdown, verdict, words
from pairmill.pipeline.workspace.storage import Storage
from pairmill.schemas.evaluation import (
    Difference,
    EvaluationConfig,
    EvaluationReport,
    InferenceConfig,
    MetricView,
    PictureView,
    ScoreRow,
)
from tests.support.make import Tiny
from tests.support.networks import checkpoint

PSNR = MetricView(key="psnr_y", label="PSNR Y", better="higher", digits=2, about="")
LPIPS = MetricView(key="lpips", label="LPIPS", better="lower", digits=4, about="")
NAMES = ("bicubic", "one", "two")


def pictures(
    scores: dict[str, list[list[float]]], sources: list[str] | None = None
) -> list[PictureView]:
    """Images with the scores of `NAMES`, by metric."""
    count = len(next(iter(scores.values())))
    return [
        PictureView(
            name=f"{number}.png",
            group="set",
            source=sources[number] if sources else "",
            width=9,
            height=9,
            rows=tuple(
                ScoreRow(network=name, scores={key: scores[key][number][place] for key in scores})
                for place, name in enumerate(NAMES)
            ),
        )
        for number in range(count)
    ]


def test_a_difference_that_is_the_same_everywhere_is_sure() -> None:
    """Images differ by 10 dB from one another, the networks by 1 and by a coin's toss: the pairs
    tell the first, and not the second."""
    rng = np.random.default_rng(0)
    base = 30 + 10 * rng.random(24)
    toss = np.where(np.arange(24) % 2, 0.3, -0.29)
    psnr = np.stack([base, base + 1, base + 1 + toss], axis=1).tolist()
    lpips = np.stack([base / 99, base / 99 - 0.1, base / 99 - 0.2], axis=1).tolist()
    found = differences(pictures({"psnr_y": psnr, "lpips": lpips}), [PSNR, LPIPS])
    by = {(one.metric, one.network, one.against): one for one in found}
    assert list(by) == [
        ("psnr_y", "one", "bicubic"),
        ("psnr_y", "two", "bicubic"),
        ("psnr_y", "one", "two"),
        ("lpips", "one", "bicubic"),
        ("lpips", "two", "bicubic"),
        ("lpips", "one", "two"),  # lower is better: two is the best
    ]
    sure = by["psnr_y", "one", "bicubic"]
    assert sure.interval == pytest.approx((1, 1))
    assert words(sure, PSNR) == "+1.00 (+1.00 to +1.00)"
    assert verdict(sure) == ""
    unsure = by["psnr_y", "one", "two"]
    assert unsure.difference == pytest.approx(-0.005)
    assert unsure.interval is not None
    # The normal approximation: 1.96 standard errors of the mean.
    half = 1.96 * toss.std() / np.sqrt(24)
    assert unsure.interval == pytest.approx((-0.005 - half, -0.005 + half), abs=0.012)
    assert verdict(unsure) == "not told apart"
    assert differences(pictures({"psnr_y": psnr}), [PSNR]) == found[:3]  # the same draws again


def test_tiles_of_one_image_are_drawn_together() -> None:
    """Twenty tiles of five images that agree within each: an interval as wide as of five images,
    not half of it as of twenty."""
    five = np.array([0.2, 0.5, 1.1, 1.4, 2.0])
    tiles = np.stack([np.zeros(20), five.repeat(4), five.repeat(4)], axis=1)
    sources = [f"{number:064x}" for number in range(5) for _ in range(4)]
    _, drawn, count = resampled(tiles, sources)
    assert drawn is not None
    assert (drawn.shape, count) == ((DRAWS, 3), 5)
    assert drawn[:, 1].std() == pytest.approx(five.std() / np.sqrt(5), rel=0.03)
    assert drawn[:, 1].mean() == pytest.approx(five.mean(), abs=0.02)
    _, alone, many = resampled(tiles, [str(number) for number in range(20)])
    assert alone is not None
    assert (many, alone[:, 1].std()) == (20, pytest.approx(drawn[:, 1].std() / 2, rel=0.05))


def test_few_images_have_no_interval() -> None:
    psnr = [[30.0, 31.0, 29.0 + number] for number in range(4)]
    found = differences(pictures({"psnr_y": psnr}), [PSNR])
    assert [one.interval for one in found] == [None] * 3
    assert words(found[0], PSNR) == "+1.00"
    assert verdict(found[0]) == "too few images (4, at least 5)"
    doubtful = PSNR.with_(ranked=False)
    assert differences(pictures({"psnr_y": psnr}), [doubtful]) == ()


def test_a_corpus_behind_a_network_is_named_and_its_own_images_are_warned_of(
    tiny: Tiny, tmp_path: Path
) -> None:
    workspace, manifest = Storage(str(tiny.workspace)), tiny.manifest
    reference = f"{manifest.identity.name}@{manifest.version}"
    nets = [
        checkpoint(tmp_path / f"{name}.safetensors", seed=seed) for seed, name in enumerate("abc")
    ]
    cards = (
        {"corpus": reference, "digest": manifest.digest, "step": 90},
        {"corpus": "gone@0123456789ab", "digest": "0" * 64, "step": 1},
        {"corpus": "gone@0123456789ab", "smaller": {"2": reference}, "step": 1},
    )
    for net, card in zip(nets, cards, strict=False):
        Path(net).with_suffix(".json").write_text(json.dumps(card))
    config = EvaluationConfig(inference=InferenceConfig(tile=24, overlap=4), shown=0, limit=6)

    def on(split: str) -> EvaluationReport:
        request = Request(tuple(nets), corpora=((reference, split),), config=config)
        return evaluate(request, workspace, Storage(str(tmp_path)), split)

    report = on("train")
    assert [(one.corpus, one.corpus_digest) for one in report.networks[1:3]] == [
        (reference, manifest.digest),
        ("gone@0123456789ab", "0" * 64),
    ]
    train = {row.image for row in read_table(workspace, manifest) if row.split == "train"}
    assert {one.source for one in report.pictures} <= train
    warned = [note for note in report.notes if note.startswith("Warning")]
    assert [note.split()[1] for note in warned] == ["a", "c"]
    assert f"a was trained on {len({p.source for p in report.pictures})} of the" in warned[0]
    assert any(note.startswith("b was trained on gone@") for note in report.notes)
    page, table = (tmp_path / "train/index.html").read_text(), markdown(report)
    for text in (page, table):
        assert manifest.digest[:12] in text
        assert "trained on" in text
        assert any(word in text for word in ("not told apart", "too few images"))
    assert not [note for note in on("val").notes if note.startswith("Warning")]
    kept = EvaluationReport.model_validate_json((tmp_path / "train/evaluation.json").read_text())
    assert kept == report
    assert all(isinstance(one, Difference) for group in kept.groups for one in group.differences)
