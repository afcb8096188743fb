"""The section of learned degradations: images, curves, verdict."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from pairmill.models.functional.kernels import gaussian_kernel, target_centre
from pairmill.pipeline.html.charts import lines
from pairmill.pipeline.html.picture_files import PictureFiles
from pairmill.pipeline.report.fits import _Unit, fits_html, middle
from pairmill.pipeline.workspace.storage import Storage
from pairmill.schemas.fits import CurveView, FitsSection, FitView

VIEW = FitView(
    name="PDM",
    noun="crops",
    reasons=(),
    advice="",
    samples=300,
    kept=300,
    stopped=False,
    rows=(("noise", "1.2", "at most 2"),),
    aucs=((100.0, 0.9), (200.0, 0.6), (300.0, 0.61)),
    charts=(("Losses", "L1", (CurveView(name="a", points=((1, 2), (300, 1))),)),),
    first="img/first.png",
    picture="img/last.png",
    caption="real above",
    kernels="img/kernels.png",
)


def html(**changes: object) -> str:
    return fits_html(FitsSection(fits=(VIEW.with_(**changes),)))


def test_the_middle_holds_nearly_all_of_a_kernel() -> None:
    kernels = np.stack([gaussian_kernel(21, 0.8, 1.1, 0.3, target_centre(21, 2)) for _ in range(3)])
    part = middle(kernels, 2)
    assert part.shape[0] == 3
    assert part.shape[1] == part.shape[2] < 12
    assert part.sum() >= 0.99 * kernels.sum()
    wide = np.full((1, 9, 9), 1 / 81)
    np.testing.assert_array_equal(middle(wide, 2), wide)


def test_an_accepted_fit_is_shown_with_its_pictures_and_curves() -> None:
    page = html()
    assert ">accepted<" in page
    assert [page.count(f'src="img/{name}.png"') for name in ("first", "last", "kernels")] == [
        1,
        1,
        1,
    ]
    assert page.count('class="point s0"') == 1  # the check that is sealed
    assert page.count('class="ring"') == 2
    assert "its last check" in page
    assert "at most 2" in page


def test_a_failed_fit_says_why_and_what_to_do() -> None:
    page = html(
        reasons=("told-apart",),
        advice="give <more> images",
        kept=200,
        stopped=True,
        aucs=(),
        first="",
    )
    assert "told-apart" in page
    assert "give &lt;more&gt; images" in page
    assert "stopped early" in page
    assert "the check after 200" in page
    assert "Not measured" in page
    assert "first.png" not in page


@pytest.mark.parametrize(
    ("curves", "shown"),
    [([[1.0, 0.0], [2.0, 0.0]], [("A", ["first"])]), ([], [])],
    ids=["a term that it has not", "nothing learned"],
)
def test_charts_leave_out_what_a_fit_has_not(
    curves: list[list[float]], shown: list[tuple[str, list[str]]], tmp_path: Path
) -> None:
    np.save(tmp_path / "curves.npy", np.array(curves))
    (tmp_path / "grid-000000000.png").touch()
    unit = _Unit(Storage(str(tmp_path)), ".", 4, PictureFiles(Storage(str(tmp_path)), ""), "pdm")
    wanted = (("A", "L1", {"a": "first", "b": "second"}), ("B", "L1", {"b": "second"}))
    charts = unit.charts(("a", "b"), wanted)
    assert [(title, [curve.name for curve in found]) for title, _, found in charts] == shown


def test_a_fit_that_learned_nothing_says_so() -> None:
    assert "Nothing was learned" in html(samples=0, kept=0, aucs=(), charts=(), first="")


def test_points_are_marked_where_they_are_asked_for() -> None:
    curve = [("a", [(0.0, 1.0), (1.0, 2.0)]), ("b", [(0.0, 0.0), (1.0, 0.0)])]
    assert "<circle" not in lines(curve, (0, 1), "x", "y", "alt")
    assert lines(curve, (0, 1), "x", "y", "alt", marked=[1.0]).count("<circle") == 2
