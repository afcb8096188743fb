"""A type checker sees the public names as they are, in programs that use the installed package."""

from __future__ import annotations

import re
import subprocess
import sys

import pairmill
from tests.support.paths import ROOT
from tests.support.wheel import Installation

PROGRAM = """
import pairmill

corpus = pairmill.open("photos@released")
reveal_type(corpus)
reveal_type(pairmill.build("recipe.yaml"))
reveal_type([lr.dtype for hr, lr, record in corpus.pairs("train")])
reveal_type(corpus.samples[0])
reveal_type(corpus.samples[:2])
reveal_type(corpus.verify().ok)
reveal_type(corpus.replay("key").identical)
reveal_type(pairmill.preview({"name": "photos"}).page)
reveal_type(pairmill.Loader(pairmill.Pairs(corpus.shards(), crop=None), batch=4))
reveal_type(pairmill.__version__)
corpus.version = "other"
pairmill.build("recipe.yaml", workers="two")
pairmill.nothing
"""
LIBRARIES = ("torch", "scipy", "cv2", "pyarrow", "zarr")
"""Nothing is asked of their types, and to read them takes longer than all the rest."""
REVEALED = [
    "pairmill.corpus.Corpus",
    "pairmill.corpus.Corpus",
    "list[numpy.dtype[numpy.unsignedinteger[numpy._typing._nbit_base._8Bit]]]",
    "pairmill.schemas.sample.SampleRow",
    "list[pairmill.schemas.sample.SampleRow]",
    "bool",
    "bool",
    "str",
    "pairmill.pipeline.shards.reader.Loader",
    "str",
]


def test_types_of_the_interface(installation: Installation) -> None:
    program = installation.project / "program.py"
    program.write_text(PROGRAM, "utf-8")
    skipped = (f"[mypy-{name}.*]\nfollow_imports = skip\n" for name in LIBRARIES)
    (installation.project / "mypy.ini").write_text("[mypy]\n" + "".join(skipped), "utf-8")
    command = [sys.executable, "-m", "mypy", "--strict", "--cache-dir", ".cache", program.name]
    done = subprocess.run(
        [*command, "--python-executable", str(installation.python)],
        cwd=installation.project,
        capture_output=True,
        text=True,
    )
    assert re.findall(r'Revealed type is "(.*)"', done.stdout) == REVEALED, (
        done.stdout + done.stderr
    )
    errors = re.findall(r"error: .*\[([a-z-]+)\]", done.stdout)
    assert errors == ["misc", "arg-type", "attr-defined"], done.stdout


def test_every_public_name_is_there() -> None:
    assert set(pairmill.__all__) <= set(dir(pairmill))
    for name in pairmill.__all__:
        assert getattr(pairmill, name) is not None


def test_an_unknown_name_is_an_attribute_error() -> None:
    assert not hasattr(pairmill, "nothing")


def test_importing_takes_nothing_along() -> None:
    code = (
        "import sys\n"
        "before = set(sys.modules)\n"
        "import pairmill\n"
        "new = set(sys.modules) - before\n"
        "print({name.partition('.')[0] for name in new} - set(sys.stdlib_module_names))\n"
        "print({'importlib.metadata'} & new)\n"
        "pairmill.open, pairmill.build, pairmill.Corpus\n"
        "print({'torch', 'prefect', 'dask', 'rich', 'typer'} & set(sys.modules))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert done.stdout.splitlines() == ["{'pairmill'}", "set()", "set()"]
