"""What a user decides by: every rejection is counted, and advice fits what was measured."""

from __future__ import annotations

import re
from typing import Any, TypeVar, cast

import pytest

from pairmill.pipeline.report.compare import compare_html
from pairmill.pipeline.report.decide import kinds_of, next_html, rejected_html
from pairmill.pipeline.report.realism import realism_html
from pairmill.schemas.base import Frozen
from pairmill.schemas.fits import FitsSection, FitView
from pairmill.schemas.realism import RealismResult, RealismRow, RealismSection
from pairmill.schemas.report import Head, ImagesSection, MakingSection, ReportData
from pairmill.schemas.report_pairs import CompareSection, CompareView

RECIPE = """
degraders:
  - {kind: bsrgan}
  - {kind: realesrgan, name: strong, weight: 2}
  - {kind: bicubic}
  - {kind: realsr}
"""


Model = TypeVar("Model", bound=Frozen)


def part(model: type[Model], **values: Any) -> Model:
    """What a test looks at of a large model; the rest is not there."""
    construct: Any = model.model_construct
    return cast("Model", construct(**values))


def row(name: str, auc: float, *, control: bool = False) -> RealismRow:
    interval = (auc - 0.05, min(1.0, auc + 0.05))
    result = RealismResult(auc=auc, interval=interval)
    return RealismRow(name=name, control=control, samples=9, result=result)


def data(*rows: RealismRow) -> ReportData:
    """The parts of a report that advice is of."""
    return part(
        ReportData,
        kernels=None,
        noise=None,
        head=part(Head, name="phone", version="0123456789ab"),
        images=part(
            ImagesSection,
            roles={"real": 7, "clean": 2},
            rejected_total=3,
            reasons={"too-small": 2, "duplicate": 1},
            tiles=40,
            skipped={"flat": 5},
        ),
        fits=part(
            FitsSection,
            fits=(
                part(FitView, reasons=("auc",)),
                part(FitView, reasons=()),
            ),
        ),
        realism=RealismSection(patch=32, photographs=9, rows=rows),
        making=part(MakingSection, recipe=RECIPE, example="key-0"),
    )


def cells(markup: str) -> list[list[str]]:
    lines = re.findall(r"<tr>(.*?)</tr>", markup)[1:]
    return [
        [re.sub(r"<.*?>", "", cell) for cell in re.findall(r"<t[hd].*?</t[hd]>", line)]
        for line in lines
    ]


def test_all_that_is_rejected_is_counted_with_its_reasons() -> None:
    assert cells(rejected_html(data())) == [
        ["source images", "9", "3", "too small2duplicate1"],
        ["HR tiles", "40", "5", "flat5"],
        ["learned degradations", "1", "1", "auc1"],
    ]


def test_kinds_of_degraders_by_name() -> None:
    kinds = {"bsrgan": "bsrgan", "strong": "realesrgan", "bicubic": "bicubic", "realsr": "realsr"}
    assert kinds_of(RECIPE) == kinds
    assert kinds_of("") == {}


@pytest.mark.parametrize(
    ("name", "advice"),
    [
        ("strong", "pairmill fit chain RECIPE --degrader strong"),
        ("bicubic", "usual baseline"),
        ("realsr", "Give more photos of the camera"),
    ],
)
def test_advice_for_lr_that_is_picked_out(name: str, advice: str) -> None:
    shown = next_html(data(row(name, 0.97)))
    assert advice in shown
    assert "almost always distinguishable" in shown
    assert advice not in next_html(
        data(row(name, 0.6), row("real against real", 0.9, control=True))
    )


def test_realism_is_told_in_a_sentence_with_its_interval() -> None:
    found = data(row("realsr", 0.62), row("real against real", 0.5, control=True)).realism
    assert found is not None
    text = re.sub(r"<.*?>", "", realism_html(found))
    assert "realsr: picked out in 62 % of cases (95 % interval 57 to 67 %): nearly real." in text
    assert "real against real (control): picked out in 50 % of cases" in text


def test_a_comparison_says_what_it_lacks() -> None:
    view = CompareView(degrader="bsrgan", key="k", source="a.png", hr="h.png", lr="l.png")
    shown = compare_html(CompareSection(shown=(view,), side=96, degraders=14))
    assert "1 of 14 shown" in shown
    assert "no photo gives a part of that size" in shown
    assert "--side:96px;--most:288px" in shown
    beside = view.with_(photo="p.png", photo_of="b.png")
    assert "beside the photo b.png" in compare_html(
        CompareSection(shown=(beside,), side=96, degraders=1)
    )
