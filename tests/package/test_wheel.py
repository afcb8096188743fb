"""What the wheel holds, and that it lives next to a project of any names."""

from __future__ import annotations

import subprocess
import zipfile
from importlib.metadata import version

from tests.support.paths import ROOT
from tests.support.wheel import PACKED, Installation


def test_the_wheel_installs_one_name(installation: Installation) -> None:
    with zipfile.ZipFile(installation.wheel) as wheel:
        names = wheel.namelist()
    assert {name.partition("/")[0] for name in names} == {
        "pairmill",
        f"pairmill-{version('pairmill')}.dist-info",
    }


def test_the_wheel_holds_every_module_and_file(installation: Installation) -> None:
    with zipfile.ZipFile(installation.wheel) as wheel:
        held = {name for name in wheel.namelist() if name.startswith("pairmill/")}
    wanted = {
        f"pairmill/{path.relative_to(ROOT)}".replace("pairmill/pairmill/", "pairmill/")
        for name in PACKED
        for path in (ROOT / name).rglob("*.*")
        if path.is_file() and "__pycache__" not in path.parts
    }
    assert "pairmill/py.typed" in held
    assert {f"pairmill/pipeline/html/page.{ending}" for ending in ("css", "js")} <= held
    assert held == wanted


def test_the_installed_package_is_the_one_imported(installation: Installation) -> None:
    printed = installation.run(
        "import importlib.util, pairmill, pairmill.pipeline.rng, pairmill.models.functional.blur\n"
        "print(pairmill.__file__)\n"
        "print(pairmill.__version__)\n"
        "print(*(importlib.util.find_spec(name) is None for name in ('schemas', 'flows')))\n"
        "print(importlib.util.find_spec('models').origin)\n"
    ).splitlines()
    environment = installation.python.parent.parent
    assert printed == [
        next(environment.glob("lib/*/site-packages/pairmill/__init__.py")).as_posix(),
        version("pairmill"),
        "True True",
        str(installation.project / "models/__init__.py"),
    ]


def test_the_command_is_installed_and_says_its_version(installation: Installation) -> None:
    def said(*words: str) -> str:
        command = installation.python.with_name("pairmill")
        return subprocess.run(
            [command, *words], cwd=installation.project, capture_output=True, text=True, check=True
        ).stdout

    assert said("--version") == f"pairmill {version('pairmill')}\n"
    assert "build" in said("--help")
