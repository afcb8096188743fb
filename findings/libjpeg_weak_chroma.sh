#!/usr/bin/env bash
# libjpeg-turbo (in OpenCV 5.0.0): of weak 4:2:0 chroma, a level strong here and there, "fancy" upsampling makes more
# than was stored: it rounds each pixel to a whole level, up from 9/16 of a sample. Chroma of noise at quality 95 comes
# out with a quarter more variance than the same interpolation of the same samples has without rounding; 4:4:4 has
# none of this. FFmpeg's planes are the samples themselves. Nothing is against the standard, which leaves upsampling
# to decoders; but who measures chroma noise of JPEGs measures the decoder too.
# Seen on 2026-11-30: Cb 1.28 and Cr 1.27 times the variance of the interpolation; 4:4:4 1.00 and 1.00.
# Exits 0 while it is above 1.2, 1 once chroma is decoded as strong as it is stored.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
"${PYTHON:-python3}" -m venv "$folder/venv"
"$folder/venv/bin/pip" install -q --disable-pip-version-check opencv-python-headless==5.0.0.93 av==18.1.0 numpy==2.4.6
cd "$folder"
"$folder/venv/bin/python" - <<'PYTHON'
import io
import sys

import av
import cv2
import numpy as np

print("OpenCV", cv2.__version__, "PyAV", av.__version__)
CHROMA = np.array([[-0.168735892, -0.331264108, 0.5], [0.5, -0.418687589, -0.081312411]])


def interpolated(samples, axis):
    """Weights 3/4 and 1/4 of the two nearest samples, not rounded."""
    samples = np.moveaxis(samples, axis, 0)
    edged = np.concatenate([samples[:1], samples, samples[-1:]])
    pixels = np.empty((2 * len(samples), *samples.shape[1:]))
    pixels[0::2] = 0.75 * samples + 0.25 * edged[:-2]
    pixels[1::2] = 0.75 * samples + 0.25 * edged[2:]
    return np.moveaxis(pixels, 0, axis)


def varies(plane):
    """Variance of what a pixel has over its 32 x 32 block, without the borders."""
    blocks = plane.reshape(16, 32, 16, 32)
    return (blocks - blocks.mean(axis=(1, 3), keepdims=True))[1:-1, :, 1:-1].var()


noise = np.random.default_rng(7).normal(0, 3, (512, 512, 3))
image = np.rint(np.array([140, 120, 100]) + noise).astype(np.uint8)
ratios = {}
for name in ("420", "444"):
    how = getattr(cv2, f"IMWRITE_JPEG_SAMPLING_FACTOR_{name}")
    options = [cv2.IMWRITE_JPEG_QUALITY, 95, cv2.IMWRITE_JPEG_SAMPLING_FACTOR, how]
    data = cv2.imencode(".jpg", image[..., ::-1], options)[1]
    pixels = cv2.imdecode(data, cv2.IMREAD_COLOR)[..., ::-1].astype(float)
    with av.open(io.BytesIO(data.tobytes())) as file:
        planes = list(next(file.decode(video=0)).planes)[1:]
    for colour, plane, weights in zip(("Cb", "Cr"), planes, CHROMA):
        stored = np.frombuffer(plane, np.uint8).reshape(plane.height, plane.line_size)
        stored = stored[:, : plane.width].astype(float)
        if name == "420":
            stored = interpolated(interpolated(stored, 0), 1)
        # R, G and B are whole numbers, so that chroma of pixels is, to the nearest.
        decoded = np.rint(pixels @ weights)
        ratios[name, colour] = varies(decoded) / varies(stored)
        print(f"4:{name[1]}:{name[2]} {colour}: {ratios[name, colour]:.2f} times as stored")
wide = min(ratios["420", "Cb"], ratios["420", "Cr"])
sys.exit(bool(wide < 1.2 or not 0.9 < ratios["444", "Cb"] < 1.1))
PYTHON
