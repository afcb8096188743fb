"""Evaluate networks: upscale, score, average, and write tables and a page."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from pairmill.pipeline.evaluate.bootstrap import differences
from pairmill.pipeline.evaluate.crops import Image, Window, difference, most_detail
from pairmill.pipeline.evaluate.gaussian8 import Gaussian8, check_possible, on_cases
from pairmill.pipeline.evaluate.known_kernels import Tally, digest_with, known_of
from pairmill.pipeline.evaluate.measure import ALL, IDENTICAL, Scorer, means, unequal
from pairmill.pipeline.evaluate.networks import BICUBIC, Upscaler, load_all, not_told
from pairmill.pipeline.evaluate.page import evaluation_page
from pairmill.pipeline.evaluate.records import Records, digest_of_pair
from pairmill.pipeline.evaluate.request import Request, groups_of, scale_of
from pairmill.pipeline.evaluate.scorer import scorer
from pairmill.pipeline.evaluate.sources import Case, Group, thinned
from pairmill.pipeline.evaluate.tables import markdown, scores_csv, shown
from pairmill.pipeline.evaluate.trained_on import warnings
from pairmill.pipeline.html.picture_files import PictureFiles
from pairmill.pipeline.images.decode import pixel_digest
from pairmill.pipeline.images.rejected import ImageRejected
from pairmill.pipeline.workspace import layout
from pairmill.pipeline.workspace.provenance import now
from pairmill.pipeline.workspace.storage import Storage
from pairmill.schemas.errors import UserError
from pairmill.schemas.evaluation import (
    EvaluationConfig,
    EvaluationReport,
    Gaussian8View,
    GroupView,
    LeftOut,
    Measured,
    Pane,
    PictureView,
    ScoreRow,
    Shown,
)

if TYPE_CHECKING:
    from pairmill.models.archs.aware import Degradation

__all__ = ["Advanced", "Request", "evaluate", "evaluate_on_corpus"]

NIQE = "niqe.npz"
"""Parameters that were fitted, for `--niqe` of the next evaluation."""
PEAK = 48.0
"""Difference from HR, in intensity levels, that the maps show brightest."""


Advanced = Callable[[int, int, str], None]


def evaluate(
    request: Request,
    workspace: Storage,
    target: Storage,
    folder: str,
    advanced: Advanced = lambda *_: None,
) -> EvaluationReport:
    """Evaluate, and write `evaluation.json`, `scores.csv`, `table.md`, images in `img/`, and last
    the page `index.html`.

    Each score is kept in `records/` as soon as it is known. Killed at any time, the next run takes
    from there what was measured with the same checkpoint on the same image in the same way, and
    ends in the same tables.

    Args:
        request: What to evaluate on what.
        workspace: Where corpora lie.
        target, folder: Where the page goes.
        advanced: Called with how many images are done, of how many, and the name of the next.

    Raises:
        UserError: if a checkpoint, folder or corpus cannot be used, the scales differ, or no
            image is left.
    """
    groups = groups_of(request, workspace)
    networks = load_all(
        list(request.checkpoints), scale_of(request.config, groups), request.told, request.pca
    )
    scale = networks[0].view.scale
    if request.config.gaussian8:
        check_possible(scale, groups)
    scores = scorer(request, scale)
    run = _Run(
        networks,
        scores,
        request.config,
        Records(target, folder, request.config.inference, scores),
        advanced,
    )
    run.measure([(group, thinned(group.cases, request.config.limit)) for group in groups])
    known_blurs = run.gaussian8() if request.config.gaussian8 else None
    rows = run.show(groups, PictureFiles(target, folder))
    seen_before = warnings(workspace, [one.view for one in networks], run.pictures)
    title = request.title or ", ".join(one.name for one in networks[1:]) or BICUBIC
    report = EvaluationReport(
        title=title,
        made=now(),
        scale=scale,
        border=scale,
        config=request.config,
        metrics=run.scorer.metrics,
        networks=tuple(one.seen() for one in networks),
        groups=tuple(run.averaged(groups)),
        pictures=tuple(run.pictures),
        shown=tuple(rows),
        peak=PEAK,
        left_out=tuple(run.left_out),
        gaussian8=known_blurs,
        found=run.found,
        notes=(*request.notes, *seen_before, *_notes(run, request)),
    )
    target.write(f"{folder}/evaluation.json", report.model_dump_json(indent=1).encode())
    target.write(f"{folder}/scores.csv", scores_csv(report).encode())
    if run.scorer.niqe_fitted:
        target.write(f"{folder}/{NIQE}", run.scorer.niqe_fitted)
    target.write(f"{folder}/table.md", markdown(report).encode())
    target.write(f"{folder}/index.html", evaluation_page(report).encode())
    return report


def evaluate_on_corpus(
    checkpoint: str,
    reference: str,
    workspace: Storage,
    name: str,
    *,
    split: str = "val",
    config: EvaluationConfig | None = None,
    advanced: Advanced = lambda *_: None,
    **more: Any,
) -> tuple[EvaluationReport, str]:
    """The page of one checkpoint on one split of a corpus version, as a training flow makes it.

    Args:
        checkpoint: Path or URL.
        reference: NAME, NAME@VERSION or NAME@TAG.
        workspace: Where the corpus lies and the page goes.
        name: Name of the page's folder.
        split: Which samples.
        config: How.
        advanced: As for `evaluate`.
        more: Other fields of `Request`.

    Returns:
        The report, and the name of the page in the workspace.

    Raises:
        UserError: as `evaluate`.
    """
    request = Request(
        (checkpoint,), corpora=((reference, split),), config=config or EvaluationConfig(), **more
    )
    folder = layout.evaluation_folder(name)
    return evaluate(request, workspace, workspace, folder, advanced), f"{folder}/index.html"


class _Run:
    """One evaluation at work."""

    def __init__(
        self,
        networks: list[Upscaler],
        scorer: Scorer,
        config: EvaluationConfig,
        records: Records,
        advanced: Advanced,
    ) -> None:
        self.networks, self.scorer, self.config, self.records, self.advanced = (
            networks,
            scorer,
            config,
            records,
            advanced,
        )
        self.scale, self.found = networks[0].view.scale, 0
        self.pictures, self.left_out = list[PictureView](), list[LeftOut]()
        self.cases: dict[tuple[str, str], Case] = {}
        self.tally = Tally()

    def measure(self, chosen: Sequence[tuple[Group, Sequence[Case]]]) -> None:
        """Score every network on every case; a file that cannot be read is left out."""
        total, done = sum(len(cases) for _, cases in chosen), 0
        for group, cases in chosen:
            for case in cases:
                self.advanced(done, total, case.name)
                try:
                    self.pictures.append(self._scored(group, case))
                    self.cases[group.name, case.name] = case
                except ImageRejected as error:
                    self.left_out.append(LeftOut(name=case.name, reason=error.detail))
                done += 1
        self.advanced(done, total, "")
        if not self.pictures:
            got = "no images"
            if self.left_out:
                got = f"{self.left_out[0].name}: {self.left_out[0].reason}"
            raise UserError("no image could be evaluated", got=got, todo="name folders with images")

    def _scored(self, group: Group, case: Case) -> PictureView:
        hr, lr, whole = case.read(self.scale)
        digest = digest_of_pair(hr, lr)
        rows = [
            ScoreRow(network=one.name, scores=self._measured(one, case, hr, lr, digest).scores)
            for one in self.networks
        ]
        for one in self.networks:
            known = known_of(one, case.kernel, hr)
            self.tally.count(one, known, group.kind, asked=case.kernel is not None)
        return PictureView(
            name=case.name,
            group=group.name,
            source=case.source or ("" if whole is None else pixel_digest(whole)),
            width=lr.shape[1] * self.scale,
            height=lr.shape[0] * self.scale,
            rows=tuple(rows),
        )

    def _measured(
        self, one: Upscaler, case: Case, hr: Image | None, lr: Image, digest: str
    ) -> Measured:
        told = known_of(one, case.kernel, hr)
        name = self.records.name(one.view, digest_with(digest, told))
        known = self.records.read(name)
        if known is not None:
            self.found += 1
            one.spent(known.seconds, lr)
            return known
        before = one.seconds
        scores = self.scorer.scores(one(lr, self.config.inference, told), hr)
        made = Measured(scores=scores, seconds=one.seconds - before)
        self.records.write(name, made)
        return made

    def gaussian8(self) -> Gaussian8View:
        """What networks make of HR of all groups, blurred by known Gaussians; see `on_cases`."""
        total = len(self.pictures)
        protocol = Gaussian8(
            self.networks,
            self.config.inference,
            self.records,
            lambda name: self.advanced(total, total, name),
        )
        return on_cases(protocol, list(self.cases.values()))

    def averaged(self, groups: Sequence[Group]) -> list[GroupView]:
        """Means of each group; of all degraders of a corpus too, if there are several."""
        out = [
            self._mean(group.name, group.about, group.kind, len(group.cases), [group.name])
            for group in groups
        ]
        parts: dict[str, list[Group]] = {}
        for group in groups:
            if group.kind == "corpus":
                parts.setdefault(group.about, []).append(group)
        for about, several in parts.items():
            if len(several) > 1:
                names = [group.name for group in several]
                out.append(
                    self._mean(
                        ALL, about, "corpus", sum(len(group.cases) for group in several), names
                    )
                )
        return [view for view in out if view.pictures]

    def _mean(
        self, name: str, about: str, kind: Any, total: int, names: Sequence[str]
    ) -> GroupView:
        pictures = [picture for picture in self.pictures if picture.group in names]
        own = [picture.rows for picture in pictures]
        rows, counts = means(own) if own else ((), {})
        return GroupView(
            name=name,
            about=about,
            kind=kind,
            pictures=len(own),
            total=total,
            counts=counts,
            rows=rows,
            differences=differences(pictures, self.scorer.metrics),
        )

    def show(self, groups: Sequence[Group], picture_files: PictureFiles) -> list[Shown]:
        """Crops of a few images of each group, from the least to the greatest gain of the first
        network.
        """
        out = list[Shown]()
        for group in groups:
            own = sorted(
                (picture for picture in self.pictures if picture.group == group.name),
                key=self._gain,
            )
            count = min(self.config.shown, len(own))
            self.advanced(len(self.pictures), len(self.pictures), f"pictures of {group.name}")
            places = [round(place * (len(own) - 1) / max(1, count - 1)) for place in range(count)]
            out += [
                self._shown(group, own[place], f"{len(out)}-{number}", picture_files)
                for number, place in enumerate(places)
            ]
        return out

    def _gain(self, picture: PictureView) -> float:
        scores = [row.scores for row in picture.rows]
        key = "psnr_y" if "psnr_y" in scores[0] else "niqe"
        if key not in scores[0]:
            return 0.0
        control = scores[0][key] if len(scores) > 1 else 0.0
        gain = scores[min(1, len(scores) - 1)].get(key, control) - control
        return -gain if key == "niqe" else gain

    def _shown(
        self, group: Group, picture: PictureView, stem: str, picture_files: PictureFiles
    ) -> Shown:
        case = self.cases[group.name, picture.name]
        hr, lr, _ = case.read(self.scale)
        window = most_detail(lr, self.scale)
        panes = []
        if hr is not None:
            seen = np.ascontiguousarray(window.hr(hr))
            panes.append(Pane(label="HR", picture=picture_files.png(f"{stem}-hr", seen)))
        values = [row.scores.get("psnr_y") for row in picture.rows]
        top = max((value for value in values if value is not None), default=None)
        digest = digest_of_pair(hr, lr)
        for number, (one, row) in enumerate(zip(self.networks, picture.rows, strict=True)):
            sr = self._crop(one, lr, window, digest, known_of(one, case.kernel, hr))
            picture_file = picture_files.png(f"{stem}-{number}", np.ascontiguousarray(sr))
            apart = ""
            if hr is not None:
                apart = picture_files.png(
                    f"{stem}-{number}-difference", difference(sr, window.hr(hr), PEAK)
                )
            panes.append(
                Pane(
                    label=one.name,
                    picture=picture_file,
                    difference=apart,
                    note=self._words(row),
                    best=top is not None and row.scores.get("psnr_y") == top and len(values) > 1,
                )
            )
        return Shown(
            side=window.scale * max(window.width, window.height),
            title=picture.name,
            group=group.name,
            note=self._why(picture, window.words()),
            panes=tuple(panes),
        )

    def _crop(
        self, one: Upscaler, lr: Image, window: Window, digest: str, told: Degradation | None
    ) -> Image:
        """What the page shows of an upscaled image: of scores that are known, no network runs."""
        name = self.records.name(one.view, digest_with(digest, told))
        known = self.records.crop(name)
        if known is not None:
            return known
        made = np.ascontiguousarray(window.hr(one(lr, self.config.inference, told)))
        self.records.keep_crop(name, made)
        return made

    def _words(self, row: ScoreRow) -> str:
        """The scores that tell most, under a crop."""
        named = [
            metric
            for metric in self.scorer.metrics
            if metric.key in ("psnr_y", "ssim_y", "lpips", "niqe")
        ]
        units = {"psnr_y": "{} dB", "ssim_y": "SSIM {}", "lpips": "LPIPS {}", "niqe": "NIQE {}"}
        return " · ".join(
            units[m.key].format(shown(row.scores[m.key], m)) for m in named if m.key in row.scores
        )

    def _why(self, picture: PictureView, place: str) -> str:
        rows = picture.rows
        if len(rows) < 2 or "psnr_y" not in rows[0].scores:
            return place
        gain = self._gain(picture)
        above = "over" if round(gain, 2) >= 0 else "below"
        return f"{rows[1].network} {abs(gain):.2f} dB {above} bicubic · {place}"


def _notes(run: _Run, request: Request) -> list[str]:
    out = [*not_told(run.networks, request.told), *run.tally.notes()]
    scores = [row.scores for picture in run.pictures for row in picture.rows]
    if any(one.get("psnr_y") == IDENTICAL for one in scores):
        out.append(f"An image equal to HR counts as {IDENTICAL:g} dB.")
    out += unequal(run.scorer.metrics, [picture.rows for picture in run.pictures])
    if run.scorer.niqe_doubt:
        out.append(run.scorer.niqe_doubt)
    if run.scorer.niqe is None:
        out.append("NIQE was not measured: no parameters and no pristine images were named.")
    if run.scorer.lpips is None:
        out.append("LPIPS was not measured: no weights were named.")
    return out
