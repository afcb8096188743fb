"""Pages of evaluations and of upscaled images in a headless browser: whole, no wider than the
screen, crops square."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from pairmill.pipeline.evaluate.networks import load
from pairmill.pipeline.evaluate.outputs import jobs_of
from pairmill.pipeline.evaluate.request import Request
from pairmill.pipeline.evaluate.run import evaluate
from pairmill.pipeline.evaluate.upscale import upscale_files
from pairmill.pipeline.runner.execution import one_thread
from pairmill.pipeline.workspace.storage import Storage
from pairmill.schemas.evaluation import EvaluationConfig, InferenceConfig
from tests.support.browser import show
from tests.support.make import photograph, save
from tests.support.networks import checkpoint
from tests.support.pages import check_whole

LONG = "a-very-long-file-name-" * 8 + ".png"


@pytest.fixture(scope="module")
def pages(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """URLs of both pages, with long and odd names, broken files and images smaller than a
    crop."""
    one_thread()
    folder = tmp_path_factory.mktemp("pages")
    for seed, name in enumerate(["plain.png", LONG, "<script>throw 1<|script>.png"]):
        save(photograph(seed, 67, 81), folder / "real" / name)
    save(photograph(5, 9, 30), folder / "real/tiny.png")
    (folder / "real" / f"broken-{LONG}").write_bytes(b"")
    nets = tuple(
        checkpoint(folder / f"{name}.safetensors", seed=seed)
        for seed, name in enumerate(["psnr", "g" * 60])
    )
    store, config = (
        Storage(str(folder)),
        EvaluationConfig(inference=InferenceConfig(tile=64), shown=3),
    )
    evaluate(
        Request(nets, hr=("real",), real=("real",), base=str(folder), config=config),
        store,
        store,
        "evaluation",
    )
    upscale_files(
        load(nets[0]),
        jobs_of(["real"], str(folder), f"{folder}/out"),
        Storage(f"{folder}/out"),
        config.inference,
    )
    return {
        "evaluation": f"file://{folder}/evaluation/index.html",
        "upscale": f"file://{folder}/out/look/index.html",
    }


@pytest.mark.parametrize(("width", "scheme"), [(1280, "light"), (390, "dark")])
@pytest.mark.parametrize("name", ["evaluation", "upscale"])
def test_page_is_whole(
    browser: Any, pages: dict[str, str], name: str, width: int, scheme: str
) -> None:
    show(browser, pages[name], width, scheme)
    check_whole(browser, width)
    panes = (
        "return [...document.querySelectorAll('.pane')].map((p) => [p.offsetWidth, p.offsetHeight])"
    )
    for across, down in browser.execute_script(panes):
        assert across == pytest.approx(down, abs=1)
        assert across >= 110


def test_differences_and_hr_come_in_place_of_pictures(browser: Any, pages: dict[str, str]) -> None:
    show(browser, pages["evaluation"], 1280)
    seen = """
      const pane = document.querySelectorAll(".look .pane")[1], shown = (e) => e && getComputedStyle(e).display !== "none";
      return [shown(pane.querySelector(".shot")), shown(pane.querySelector(".diff")),
              getComputedStyle(pane.querySelector(".flip")).opacity];
    """  # noqa: E501
    assert browser.execute_script(seen) == [True, False, "0"]
    browser.execute_script("document.getElementById('show-difference').click()")
    assert browser.execute_script(seen) == [False, True, "0"]
    browser.execute_script("document.querySelectorAll('.look .pane')[1].click()")
    assert browser.execute_script(seen) == [False, True, "1"]


def test_the_pages_ask_nothing_of_the_network(pages: dict[str, str]) -> None:
    for url in pages.values():
        text = Path(url.removeprefix("file://")).read_text("utf-8")
        assert "http" not in text.replace("http-equiv", "")
