"""Images of every encoding in headless Chromium, pixel by pixel."""

from __future__ import annotations

import base64
from typing import Any, get_args

import numpy as np
import pytest

from pairmill.pipeline.images.encode import SUFFIXES, encode
from pairmill.schemas.shard import Encoding
from tests.support.photographed import scene

PIXELS = """
const done = arguments[1], image = new Image();
image.onerror = () => done(null);
image.onload = () => {
  const canvas = document.createElement("canvas");
  canvas.width = image.width; canvas.height = image.height;
  const context = canvas.getContext("2d");
  context.drawImage(image, 0, 0);
  const found = context.getImageData(0, 0, image.width, image.height);
  done([image.height, image.width, Array.from(found.data)]);
};
image.src = arguments[0];
"""


@pytest.mark.parametrize("encoding", get_args(Encoding))
def test_chromium_shows_the_pixels(browser: Any, encoding: Encoding) -> None:
    noise = np.random.default_rng(0).integers(0, 256, (50, 64, 3), np.uint8)
    for picture in (scene(0)[:37, :31], noise):
        data = base64.b64encode(encode(picture, encoding)).decode()
        url = f"data:image/{SUFFIXES[encoding]};base64,{data}"
        height, width, values = browser.execute_async_script(PIXELS, url)
        shown = np.array(values, np.uint8).reshape(height, width, 4)
        np.testing.assert_array_equal(shown[..., :3], picture)
        assert (shown[..., 3] == 255).all()
