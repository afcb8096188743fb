"""Whether an encoder's bytes are the same on every processor: the installed wheels on emulated
processors, with and without SIMD, in threads and in processes of their own.

    apt install qemu-user
    python -m benchmarks.encoder_bytes
    python -m benchmarks.encoder_bytes --python "arm64=qemu-aarch64 -L ROOT ROOT/usr/bin/python3.11"

`--python` names another Python, here one for arm64 under ROOT; its packages are taken from
`--packages arm64=FOLDER`.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import pickle
import shlex
import shutil
import subprocess
import sys
import sysconfig
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np

from benchmarks.bench_encoders import Image8, tiles
from benchmarks.common import Row, row, save
from pairmill.pipeline.images.encode import encode
from pairmill.schemas.shard import Encoding

SIZES = ((1, 1), (5, 17), (1, 200), (50, 128))
ENCODINGS: tuple[Encoding, ...] = ("fast", "small")
PROCESSORS = {
    "SSE4.2 (Nehalem)": "Nehalem",
    "AVX2 (Haswell)": "Haswell",
    "no carry-less product": "max,-pclmulqdq",
}
"""Models of qemu, by what they are like. The least has SSE4.2, as the wheels of numpy want."""
PROGRAM = """
import hashlib, io, json, pickle, sys
sys.path.insert(0, sys.argv[1])

def fast():
    import fpng
    return lambda width, height, pixels: fpng.from_bytes(pixels, width, height, 3)

def small():
    from PIL import Image
    def make(width, height, pixels):
        file = io.BytesIO()
        Image.frombytes("RGB", (width, height), pixels).save(file, "WEBP", lossless=True, method=0, quality=0)
        return file.getvalue()
    return make

images, found = pickle.load(sys.stdin.buffer), {}
for name in ("fast", "small"):
    try:
        encode = globals()[name]()
    except ImportError:
        continue
    found[name] = hashlib.sha256(b"".join(encode(*image) for image in images)).hexdigest()
print(json.dumps(found))
"""  # noqa: E501
"""What another processor runs: the encoders alone, without this project."""


def pictures() -> list[Image8]:
    """Tiles of the bundled photos and noise, of odd sizes."""
    photos = tiles([], 12, side=96)
    rng = np.random.default_rng(0)
    noise = [rng.integers(0, 256, (height, width, 3), np.uint8) for height, width in SIZES]
    return photos + [photo[:37, :31] for photo in photos] + noise


def here(encoding: Encoding, images: list[Image8]) -> str:
    """Digest of all files, encoded in this process as a build does it."""
    return hashlib.sha256(b"".join(encode(image, encoding) for image in images)).hexdigest()


def elsewhere(command: list[str], packages: str, images: list[Image8]) -> dict[str, str]:
    """Digests by another Python, of the encoders that it has."""
    plain = [(image.shape[1], image.shape[0], image.tobytes()) for image in images]
    done = subprocess.run(
        [*command, "-I", "-S", "-c", PROGRAM, packages],
        check=False,
        input=pickle.dumps(plain),
        capture_output=True,
    )
    if done.returncode:
        raise SystemExit(f"{shlex.join(command)}: {done.stderr[-500:].decode()}")
    found: dict[str, str] = json.loads(done.stdout)
    return found


def main() -> None:
    """Print and save who makes the same bytes."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("--python", action="append", default=[], metavar="NAME=COMMAND")
    parser.add_argument("--packages", action="append", default=[], metavar="NAME=FOLDER")
    arguments = parser.parse_args()
    own, packages = str(Path(sys.executable).resolve()), sysconfig.get_paths()["purelib"]
    commands = {"another process": [own]}
    if shutil.which("qemu-x86_64"):
        commands |= {
            name: ["qemu-x86_64", "-cpu", model, own] for name, model in PROCESSORS.items()
        }
    folders = dict.fromkeys(commands, packages)
    commands |= {
        name: shlex.split(command)
        for name, command in (text.split("=", 1) for text in arguments.python)
    }
    folders |= dict(text.split("=", 1) for text in arguments.packages)
    rows = []
    images = pictures()
    digests = {encoding: here(encoding, images) for encoding in ENCODINGS}
    for encoding, wanted in digests.items():
        with ThreadPoolExecutor(8) as pool:
            same = set(pool.map(here, [encoding] * 16, [images] * 16)) == {wanted}
        rows.append(_row(encoding, "eight threads", wanted, same=same))
    for name, command in commands.items():
        found = elsewhere(command, folders[name], images)
        for encoding, wanted in digests.items():
            if encoding in found:
                same = found[encoding] == wanted
                rows.append(_row(encoding, name, found[encoding], same=same))
    for item in rows:
        print(f"{item['what']:<8} {item['against']:<24} {item['detail'][:16]} {item['reached']}")
    print(f"saved {save(rows, 'encoder_bytes')}")


def _row(encoding: str, where: str, digest: str, *, same: bool) -> Row:
    return row(encoding, where, float(same), "1", reached=same, detail=digest)


if __name__ == "__main__":
    main()
