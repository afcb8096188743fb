"""The section of learned degradations: images, curves, verdict."""

from __future__ import annotations

import numpy as np

from pairmill.models.functional.kernels import gaussian_kernel, target_centre
from pairmill.pipeline.html.charts import lines
from pairmill.pipeline.report.fits import fits_html, middle
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


def test_points_are_marked_where_they_are_asked_for() -> None:
    curve = [("a", [(0.0, 1.0), (1.0, 2.0)]), ("b", [(0.0, 0.0), (1.0, 0.0)])]
    assert "<circle" not in lines(curve, (0, 1), "x", "y", "alt")
    assert lines(curve, (0, 1), "x", "y", "alt", marked=[1.0]).count("<circle") == 2
