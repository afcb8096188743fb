"""The section of learned degradations: verdict, AUC and losses over the fit, pictures, measures."""

from __future__ import annotations

from pipeline.report.charts import lines
from pipeline.report.markup import Raw, el, figure, join, number, section, table
from schemas.fits import CurveView, FitsSection, FitView

LEAD = (
    "Degradations that were learned from the real pictures. At every check of a fit classifiers try to tell what it draws from "
    "what is real, on pictures that they were not trained on: an AUC of 0.5 is guessing. The corpus draws from the check that is "
    "marked."
)


def fits_html(found: FitsSection) -> Raw:
    """One part per fit."""
    return section("fits", "Learned degradations", LEAD, *(_fit(view) for view in found.fits))


def _fit(view: FitView) -> Raw:
    tag = el("span", "accepted", class_="tag") if not view.reasons else el("span", ", ".join(view.reasons), class_="tag bad")
    advice = el("p", f"To mend it: {view.advice}.", class_="quiet small") if view.advice else None
    charts = [_auc(view), *(_losses(view, *chart) for chart in view.charts)]
    body = [list(row) for row in view.rows]
    measured = table(("measured on what is sealed", "", "gate"), body, f"measures of {view.name}") if body else None
    return el("div", el("h3", view.name, " ", tag), el("p", _sentence(view), class_="quiet"), advice, _pictures(view),
              el("div", *charts, class_="charts"), measured, class_="learned")  # fmt: skip


def _sentence(view: FitView) -> str:
    end = " and stopped early, when the AUC no longer fell" if view.stopped else ""
    sealed = "its last check" if view.kept == view.samples else f"the check after {number(view.kept)}"
    return f"The fit saw {number(view.samples)} {view.noun}{end}; sealed is {sealed}."


def _pictures(view: FitView) -> Raw:
    shown = [(view.first, "First check")] if view.first and view.first != view.picture else []
    shown.append((view.picture, f"Sealed check, after {number(view.kept)} {view.noun}"))
    pictures = [_picture(name, title, view.caption) for name, title in shown]
    if view.kernels:
        image = el("img", src=view.kernels, alt="kernels that the fit draws", class_="pixels wide", loading="lazy")
        pictures.append(figure(image, "Drawn kernels", "their middle on the HR grid, each scaled to its own peak"))
    return el("div", *pictures, class_="checks")


def _picture(name: str, title: str, caption: str) -> Raw:
    return figure(el("img", src=name, alt=f"{title}: {caption}", class_="pixels wide", loading="lazy"), title, caption)


def _auc(view: FitView) -> Raw:
    if not view.aucs:
        return figure(el("p", "Not measured: there are too few pictures.", class_="quiet"), "AUC at the checks")
    last = max(view.samples, view.aucs[-1][0])
    series = [("told from real", view.aucs), ("guessing", ((0.0, 0.5), (float(last), 0.5)))]
    low = min(0.45, *(value for _, value in view.aucs))
    alt = "AUC at the checks: " + ", ".join(f"{value:.2f} after {number(at)}" for at, value in view.aucs)
    marked = [at for at, _ in view.aucs if at == view.kept]
    chart = lines(series, (0, last), f"{view.noun} seen", "AUC", alt, floor=low, marked=marked)
    return figure(chart, "AUC at the checks", "the filled point is the check that is sealed")


def _losses(view: FitView, title: str, unit: str, curves: tuple[CurveView, ...]) -> Raw:
    series = [(curve.name, curve.points) for curve in curves]
    alt = f"{title} over the fit: {join([curve.name for curve in curves], ', ')}"
    return figure(lines(series, (0, view.samples), f"{view.noun} seen", unit, alt), title, "means over parts of the fit")
