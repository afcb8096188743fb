"""The live preview in a headless browser: sliders that change the picture, whose pixels are those
of `apply`; a recipe that is saved from there and gives the same bytes; and the command from
beginning to Ctrl-C."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from pairmill.pipeline.degraders import build
from pairmill.pipeline.ops.apply import apply
from pairmill.pipeline.preview.pool_items import assets_of
from pairmill.pipeline.recipe.load import load_recipe
from pairmill.pipeline.rng import stream
from tests.support.browser import show
from tests.support.live import RECIPE, Live, live_session, serving
from tests.support.make import photograph, save
from tests.support.pages import WIDE
from tests.support.paths import ROOT

SETTLED = """
  const done = arguments[1], wanted = arguments[0];
  const problem = document.getElementById("problem");
  const wrong = () => !problem.hidden || document.querySelector(".wrong");
  const count = () => performance.getEntriesByName("setting to picture").length;
  const wait = () => (count() >= wanted || wrong() ? done() : setTimeout(wait, 20));
  wait();
"""
"""Until so many pictures have been painted, or something is wrong."""
PIXELS = """
  const canvas = document.getElementById(arguments[0]);
  const data = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
  return [canvas.height, canvas.width, Array.from(data.data)];
"""
SLIDE = """
  const [path, end, value] = arguments;
  const knob = [...document.querySelectorAll(".knob")].find((one) => one.knob.path.join(".") === path);
  const slider = knob.querySelectorAll("input[type=range]")[end];
  slider.value = value;
  slider.dispatchEvent(new InputEvent("input", { bubbles: true }));
"""  # noqa: E501


@pytest.fixture(scope="module")
def live(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Live]:
    with serving(live_session(tmp_path_factory.mktemp("live"), photos=2)) as found:
        yield found


def settled(browser: Any, pictures: int) -> None:
    browser.execute_async_script(SETTLED, pictures)


def pixels(browser: Any, canvas: str = "right") -> np.ndarray:
    height, width, values = browser.execute_script(PIXELS, canvas)
    return np.array(values, np.uint8).reshape(height, width, 4)[..., :3]


@pytest.mark.parametrize(("width", "scheme"), [(1440, "light"), (390, "dark")])
def test_the_page_is_whole(browser: Any, live: Live, width: int, scheme: str) -> None:
    show(browser, live.url, width, scheme)
    settled(browser, 1)
    assert browser.execute_script("return document.documentElement.scrollWidth") <= width
    assert browser.execute_script(WIDE) == []
    assert browser.execute_script("return document.querySelectorAll('h1').length") == 1
    unnamed = """return [...document.querySelectorAll("input, select, button")].filter((one) =>
      !one.labels?.length && !one.ariaLabel && !one.textContent.trim()).length"""
    assert browser.execute_script(unnamed) == 0
    style = "return getComputedStyle(document.getElementById('right')).imageRendering"
    assert browser.execute_script(style) == "pixelated"
    zoom = """const one = document.getElementById("right");
      return one.getBoundingClientRect().width * devicePixelRatio / one.width"""
    assert float(browser.execute_script(zoom)).is_integer()
    assert browser.get_log("browser") == []


def test_a_slider_changes_the_picture_and_the_saved_recipe_gives_it(
    browser: Any, live: Live
) -> None:
    show(browser, live.url, 1280)
    settled(browser, 1)
    before = pixels(browser)
    browser.execute_script(SLIDE, "noise", 0, 20)
    settled(browser, 2)
    after = pixels(browser)
    assert before.shape == after.shape
    assert (before != after).any()
    browser.execute_script(
        "document.querySelector('button.step[data-for=draw][data-step=\"1\"]').click()"
    )
    settled(browser, 3)
    browser.execute_script(SLIDE, "jpeg_quality", 1, 50)  # the other end
    settled(browser, 4)
    shown = pixels(browser)
    browser.execute_script("""document.getElementById("name").value = "noisier";
      document.getElementById("save").requestSubmit();""")
    file = live.session.file.with_name("noisier.yaml")
    said = "return document.getElementById('saved').textContent"
    for _ in range(500):
        if browser.execute_script(said).startswith("Saved"):
            break
    assert str(file) in browser.execute_script(said)
    recipe, _ = load_recipe(str(file))
    assert recipe.degraders[0].noise == (20, 25)  # type: ignore[union-attr]
    assert "noise: [20, 25]  # levels" in file.read_text()
    side = live.session.start().sides
    hr = live.session.hr(0, 0, 512 if 512 in side else side[0])
    program = build(recipe.degraders[0], 2, {}).draw(
        stream(recipe.seed, "preview", "bsrgan", 1), hr.shape[:2]
    )
    np.testing.assert_array_equal(shown, apply(program, hr, assets_of(())))
    assert browser.get_log("browser") == []


def test_what_is_wrong_is_said_beside_its_setting(browser: Any, live: Live) -> None:
    show(browser, live.url, 1280)
    settled(browser, 1)
    browser.execute_script("""
      const box = document.querySelector('[aria-label="noise, least, typed"]');
      box.value = "700"; box.dispatchEvent(new InputEvent("input", { bubbles: true }));""")
    settled(browser, 99)
    wrong = browser.execute_script(
        "return [...document.querySelectorAll('.knob.wrong')].map((one) => [one.knob.path.join('.'), one.querySelector('.wrong-text').textContent])"  # noqa: E501
    )
    assert [path for path, _ in wrong] == ["noise"]
    assert "255" in wrong[0][1]
    browser.execute_script("document.getElementById('reset').click()")
    settled(browser, 2)
    assert browser.execute_script("return document.querySelectorAll('.wrong').length") == 0
    # The browser notes that an answer was 422, and nothing else.
    assert all("422" in entry["message"] for entry in browser.get_log("browser"))


def test_the_photo_is_beside_the_lr_pixel_by_pixel(browser: Any, live: Live) -> None:
    show(browser, live.url, 1280)
    settled(browser, 1)
    side = int(browser.execute_script("return document.getElementById('side').value"))
    for _ in range(200):
        if pixels(browser, "left").shape == live.session.photo(0, 0, side, 0).shape:
            break
    np.testing.assert_array_equal(pixels(browser, "left"), live.session.photo(0, 0, side, 0))


def test_the_command_serves_until_ctrl_c(tmp_path: Path) -> None:
    save(photograph(0, 90, 90), tmp_path / "real/a.png")
    (tmp_path / "mine.yaml").write_text(RECIPE.replace(", clean: [clean]", ""))
    command = [sys.executable, "-m", "pairmill", "preview", "mine.yaml", "--live", "--no-open"]
    with subprocess.Popen(
        command,
        cwd=tmp_path,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout is not None
        lines = iter(process.stdout.readline, "")
        url = next(line.split()[1] for line in lines if "page" in line)
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        with opener.open(url, timeout=60) as answer:
            assert b"Live preview of mine.yaml" in answer.read()
        process.send_signal(signal.SIGINT)
        _, errors = process.communicate(timeout=60)
    assert process.returncode == 130
    assert "Traceback" not in errors
    assert not (tmp_path / "data").exists()  # a workspace is only looked at
