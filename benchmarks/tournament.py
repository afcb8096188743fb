"""The tournament: every degrader that needs nothing but photographs, on cameras that it does not
know, with the time that its fit takes, how its LR look, and what a network learns from them.

    python -m benchmarks.tournament SCENES WORKSPACE [--pairs City100] [--registered pairs.npz]
    [--cameras soft shaken] [--only realsr dsgan] [--steps 800] [--seeds 0] [--photographs 18]

Simulated cameras are those of `in_domain.yaml`, judged on scenes that they photographed; the real
one is `real_cameras`'s, judged on registered pairs. All degraders get the same photographs and HR,
and learned ones their default fit; `camera` is the ceiling, the true degradation. Measured of every
corpus: the AUC of its report; how far LR lies off HR (least squares on gradients, in HR pixels);
how much two LR of one HR differ (intensity levels); PSNR of luma of the same small network. What is
finished is found again. Seconds are of this run: nothing for what was found, and stages that
several ways share count for the first of them.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import yaml

import pairmill
from benchmarks import in_domain, real_cameras
from benchmarks import in_domain_training as training
from benchmarks.common import RESULTS, machine
from pairmill.models.functional.resize import bicubic_down, bicubic_up, to_uint8
from pairmill.models.translation.measure import offset_of
from pairmill.pipeline.evaluate.networks import load
from pairmill.pipeline.runner.execution import one_thread
from pairmill.schemas.errors import UserError
from pairmill.schemas.evaluation import InferenceConfig
from pairmill.schemas.recipe import Recipe

LEARNED = ("pdm", "dsgan", "bulat", "cincgan", "cyclesr", "maeda")
MADE = ("bicubic", "realsr", "kmsr", "ikc", "srmd", "block_noise", "codec", "bsrgan", "realesrgan")
WAYS: dict[str, dict[str, Any]] = {
    **{kind: {"kind": kind} for kind in MADE},
    **{kind: {"kind": kind, "accept_failed": True} for kind in LEARNED},
}
CONTROL, CEILING = "bicubic", "camera"
PAIRS = 200
"""Pairs of a corpus that are looked at."""
Row = dict[str, Any]


def main() -> None:
    """Play; writes `results/tournament.json` and prints its table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("scenes", type=Path)
    parser.add_argument("workspace", type=Path)
    parser.add_argument("--pairs", type=Path, help="real pairs, for a real camera")
    parser.add_argument("--registered", type=Path, help="what `registered_pairs --pairs` wrote")
    parser.add_argument("--cameras", nargs="*", default=["soft", "shaken", "sharp", "sharpening"])
    parser.add_argument("--only", nargs="*", default=list(WAYS), choices=list(WAYS))
    parser.add_argument("--steps", type=int, default=2000)
    parser.add_argument("--seeds", type=int, nargs="*", default=[0, 1, 2])
    parser.add_argument("--photographs", type=int, default=18)
    args = parser.parse_args()
    args.only = list(dict.fromkeys([CONTROL, *args.only]))
    one_thread()
    settings = yaml.safe_load(Path(in_domain.__file__).with_name("in_domain.yaml").read_text())
    settings["training"]["steps"], settings["seeds"] = args.steps, args.seeds
    settings["scenes"]["train"] = args.photographs
    settings["recipe"].pop("pdm")
    found: dict[str, dict[str, Row]] = {}
    for name in args.cameras:
        found[name] = simulated(name, settings, args)
        save(found, args)
    if args.pairs is not None:
        found[args.pairs.name] = real(settings, args)
        save(found, args)


def simulated(name: str, settings: dict[str, Any], args: argparse.Namespace) -> dict[str, Row]:
    """All ways on a simulated camera."""
    camera, folder = settings["cameras"][name], args.workspace / "cameras" / name
    wanted = settings["scenes"]["train"] + settings["scenes"]["test"]
    scenes = sorted(path for path in args.scenes.iterdir() if path.suffix in {".png", ".jpg"})
    in_domain.take(scenes[:wanted], camera, settings, folder)
    ways = {"degraders": {way: WAYS[way] for way in args.only}, "fitted": {}}
    recipes = in_domain.recipes(f"t-{name}", camera, settings | ways, folder)

    def scored(trained: Mapping[str, list[str]]) -> dict[str, list[float]]:
        scores = training.judge(dict(trained), folder, args.workspace)
        return {way: [scores[way]["psnr_y"]] for way in ("enlarged", *trained)}

    return play(name, recipes, settings, args.workspace, scored)


def real(settings: dict[str, Any], args: argparse.Namespace) -> dict[str, Row]:
    """All ways on a real camera: LR of a third of the scenes, HR of another, judged on the rest."""
    pairs = real_cameras.registered(args.pairs, args.registered)
    names = sorted(path.name for path in (args.pairs / "LR").iterdir())
    parts = [set(names[number :: real_cameras.PARTS]) for number in range(real_cameras.PARTS)]
    folder = args.workspace / "cameras" / args.pairs.name
    real_cameras.lay_out(args.pairs, folder, parts[0], parts[1])
    tested = [pair for pair in pairs if f"{pair.name}.png" in parts[2]]
    recipes = {
        way: real_cameras.recipe_of("bicubic", 0, folder).with_(
            name=f"t-real-{way.replace('_', '-')}", degraders=[WAYS[way]]
        )
        for way in args.only
    }
    recipes[CEILING] = real_cameras.recipe_of("aligned", 0, folder).with_(name="t-real-camera")

    def scored(trained: Mapping[str, list[str]]) -> dict[str, list[float]]:
        found = {"enlarged": [pair.psnr_y(to_uint8(bicubic_up(pair.lr, 2))) for pair in tested]}
        for way, checkpoints in trained.items():
            found[way] = [
                pair.psnr_y(load(checkpoint)(pair.lr, InferenceConfig()))
                for checkpoint in checkpoints
                for pair in tested
            ]
        return found

    return play(args.pairs.name, recipes, settings, args.workspace, scored)


def play(
    camera: str,
    recipes: Mapping[str, Recipe],
    settings: dict[str, Any],
    workspace: Path,
    scored: Callable[[Mapping[str, list[str]]], dict[str, list[float]]],
) -> dict[str, Row]:
    """A row for every way that makes a corpus."""
    rows: dict[str, Row] = {}
    corpora: dict[str, tuple[str, str]] = {}
    for way, recipe in recipes.items():
        began = time.process_time()
        try:
            version = pairmill.build(recipe, workspace).version
        except UserError as error:  # a finding too
            print(f"{camera}: no corpus by {way}: {error}", flush=True)
            continue
        corpora[way] = (recipe.name, version)
        corpus = pairmill.open(f"{recipe.name}@{version}", workspace)
        rows[way] = {"seconds": round(time.process_time() - began, 1), **looked_at(corpus, way)}
        print(f"{camera}: {way} {rows[way]}", flush=True)
    scores = scored(training.train(corpora, settings, workspace))
    rows["enlarged"] = {}
    for way, values in scores.items():
        rows[way]["psnr_y"] = round(float(np.mean(values)), 3)
    return rows


def looked_at(corpus: pairmill.Corpus, way: str) -> Row:
    """AUC of its report, with its interval; offset, in HR pixels; spread between two LR of one
    HR.
    """
    report = json.loads((Path(corpus.report).parent / "report.json").read_text())
    found: Row = {}
    for row in (report.get("realism") or {}).get("rows", ()):
        if row["name"] == way or (way == CEILING and row["name"] in {"custom", "aligned"}):
            found["auc"], found["interval"] = row["result"]["auc"], row["result"]["interval"]
    pairs = [pair for pair, _ in zip(corpus.pairs("train"), range(PAIRS), strict=False)]
    clean, lr = [], []
    by_hr: dict[bytes, list[Any]] = {}
    side = min(min(pair.lr.shape[:2]) for pair in pairs)
    for pair in pairs:
        by_hr.setdefault(pair.hr.tobytes(), []).append(pair.lr.astype(np.float64))
        clean.append(bicubic_down(pair.hr, corpus.scale)[:side, :side])
        lr.append(pair.lr[:side, :side].astype(np.float64))
    off = offset_of(np.stack(clean), np.stack(lr))
    found["offset"] = round(corpus.scale * max(map(abs, off)), 3)
    apart = [(two[0] - two[1]).std() for two in by_hr.values() if len(two) > 1]
    found["spread"] = round(float(np.mean(apart or [0.0])) / 2**0.5, 2)
    return found


def table(found: Mapping[str, Mapping[str, Row]]) -> list[str]:
    """Markdown: one line per way and camera, the gain over bicubic pairs first."""
    lines = [
        "| camera | degrader | over bicubic pairs, dB | AUC | off, HR px | spread | core s |",
        "| --- | --- | --- | --- | --- | --- | --- |",
    ]
    for camera, rows in found.items():
        base = rows.get(CONTROL, {}).get("psnr_y")
        ranked = sorted(rows.items(), key=lambda item: -item[1].get("psnr_y", 0))
        for way, row in ranked:
            gain = "–" if base is None or "psnr_y" not in row else f"{row['psnr_y'] - base:+.2f}"
            auc = "–" if row.get("auc") is None else f"{row['auc']:.2f}"
            cells = [str(row.get(key, "–")) for key in ("offset", "spread", "seconds")]
            lines.append(f"| {' | '.join([camera, way, gain, auc, *cells])} |")
    return lines


def save(found: Mapping[str, Mapping[str, Row]], args: argparse.Namespace) -> None:
    """Write what there is so far, beside what was played before under the same rules."""
    print("\n".join(table(found)), flush=True)
    path = RESULTS / "tournament.json"
    rules = {
        "scenes": args.scenes.name,
        "steps": args.steps,
        "seeds": args.seeds,
        "photographs": args.photographs,
    }
    before = json.loads(path.read_text()) if path.exists() else {}
    kept = before.get("cameras", {}) if rules.items() <= before.items() else {}
    cameras = {
        name: {**kept.get(name, {}), **found.get(name, {})}
        for name in dict.fromkeys([*kept, *found])
    }
    document = {**rules, "machine": machine(), "cameras": cameras, "table": table(cameras)}
    path.write_text(json.dumps(document, indent=1) + "\n")


if __name__ == "__main__":
    main()
