"""What the command line says, and that it says what is wrong before anything starts."""

from __future__ import annotations

import io
from pathlib import Path

import fsspec
import pytest
from rich.console import Console

from pairmill.flows import terminal
from pairmill.flows.cli.build import make_pool
from pairmill.flows.cli.image_check import _recipe_of, check_images
from pairmill.flows.cli.new import write_recipe
from pairmill.flows.cli.serve import check_once
from pairmill.pipeline.images.encode import encode
from pairmill.pipeline.recipe.load import load_recipe
from pairmill.pipeline.stages import ingest
from pairmill.pipeline.workspace.lock import check_room
from pairmill.pipeline.workspace.storage import Storage
from pairmill.schemas.errors import StoreError, UserError
from tests.support.make import Tiny, photograph


@pytest.fixture
def screen(monkeypatch: pytest.MonkeyPatch) -> io.StringIO:
    """All that is printed."""
    file = io.StringIO()
    console = Console(file=file, width=120, highlight=False, soft_wrap=True)
    monkeypatch.setattr(terminal, "out", console)
    monkeypatch.setattr(terminal, "err", console)
    return file


def test_names_of_files_do_not_command_the_terminal(screen: io.StringIO) -> None:
    name = "\x1b[2J\u202e[/bold]\udcff\a.png"
    terminal.error(UserError("an image is missing", where=name, got="first\nsecond"))
    terminal.table("", ["image"], [[name]])
    terminal.warning(name)
    shown = "\\x1b[2J\\x202e[/bold]\\udcff\\x07.png"
    assert screen.getvalue().count(shown) == 3
    assert "first\nsecond" in screen.getvalue()
    assert all(char.isprintable() or char == "\n" for char in screen.getvalue())


def test_a_build_says_how_many_files_it_left_out(tiny: Tiny, screen: io.StringIO) -> None:
    left_out = tiny.manifest.model_copy(update={"counts": {"images": 5, "images_rejected": 2}})
    terminal.built(left_out, "folder", "data", fresh=True)
    assert "left out 2 of 7 files; the report names each with its reason" in screen.getvalue()
    screen.truncate(0)
    terminal.built(
        tiny.manifest.model_copy(update={"counts": {"images": 5, "images_rejected": 0}}),
        "folder",
        "data",
        fresh=True,
    )
    assert "left out" not in screen.getvalue()


def test_of_many_files_left_out_the_first_are_named(screen: io.StringIO) -> None:
    terminal.left_out([(f"{number}.png", "too small") for number in range(10)])
    assert [line.split()[3] for line in screen.getvalue().splitlines()] == [
        f"{number}.png:" for number in range(10)
    ]
    screen.seek(0)
    screen.truncate()
    others = [("a.jpg", "cut \x1b off")] * 1500 + [
        (f"{number}.gif", f"reason {number}") for number in range(6)
    ]
    terminal.left_out([("first.png", "too small")] * 11 + others)
    lines = [line.strip() for line in screen.getvalue().splitlines()]
    assert lines[:10] == ["! left out: first.png: too small"] * 10
    assert lines[10:13] == [
        "and 1,507 more; the page names each",
        "1,500  cut \\x1b off",
        "1  too small",
    ]
    assert lines[13:] == ["1  reason 0", "1  reason 1", "1  reason 2", "3  for 3 other reasons"]


def test_a_check_counts_rejected_files_by_reason(tmp_path: Path, screen: io.StringIO) -> None:
    (tmp_path / "photos").mkdir()
    for name, content in {"a\x1b[1m.txt": b"text", "b.txt": b"text", "c.png": b""}.items():
        (tmp_path / "photos" / name).write_bytes(content)
    with pytest.raises(UserError, match="no source image is usable"):
        check_images(
            str(tmp_path / "photos"), [], str(tmp_path / "w"), out=None, workers=1, open_=False
        )
    (tmp_path / "photos/good.ppm").write_bytes(b"P6 64 64 255\n" + bytes(range(256)) * 48)
    check_images(
        str(tmp_path / "photos"), [], str(tmp_path / "w"), out=None, workers=1, open_=False
    )
    rows = [line.split() for line in screen.getvalue().splitlines()]
    assert ["not-an-image", "2", "a\\x1b[1m.txt"] in rows
    assert ["empty-file", "1", "c.png"] in rows


def test_a_file_where_the_workspace_should_be_is_told_at_once(
    tmp_path: Path, screen: io.StringIO
) -> None:
    (tmp_path / "taken").write_bytes(b"mine")
    (tmp_path / "r.yaml").write_text("name: m\nimages: {real: [x]}\ndegraders: [{kind: bicubic}]\n")
    with pytest.raises(StoreError, match="cannot write in the workspace"):
        make_pool("kernels", str(tmp_path / "r.yaml"), str(tmp_path / "taken"), "local", 1, "cpu")
    check_room(Storage(str(tmp_path / "free")))
    assert screen.getvalue() == ""


def test_a_wrong_day_is_told_before_a_server_starts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(
        "pairmill.flows.cli.carried.carried_by_prefect", lambda _work: pytest.fail("it started")
    )
    with pytest.raises(UserError, match="invalid date"):
        check_once(str(tmp_path), 0.01, "2026-13-01", 90)


@pytest.mark.parametrize("scale", [2, 3, 4, 8])
def test_a_new_recipe_is_a_recipe(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, scale: int
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "photos").mkdir()
    write_recipe("photos", scale, None)
    assert load_recipe("photos.yaml")[0].scale == scale


def test_a_new_recipe_and_a_check_take_a_url(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    store = fsspec.filesystem("memory")
    store.pipe("/bucket/My Photos/2024/a#1.png", encode(photograph(0), "small"))
    write_recipe("memory://bucket/My Photos/", 2, None)
    recipe, base = load_recipe("my-photos.yaml")
    (file,) = ingest.find(recipe.images, base).files
    assert file.url.endswith("/My Photos/2024/a#1.png")
    assert [*_recipe_of("memory://bucket/My Photos", [])[0].images.real] == [*recipe.images.real]
    with pytest.raises(UserError, match="no such folder"):
        write_recipe("memory://bucket/nowhere", 2, None)


def test_a_new_recipe_needs_a_folder_and_a_scale_of_kernels(tmp_path: Path) -> None:
    (tmp_path / "a.png").write_bytes(b"")
    with pytest.raises(UserError, match="no such folder"):
        write_recipe(str(tmp_path / "a.png"), 2, "n")
    with pytest.raises(UserError, match=r"not for this scale[\s\S]*wanted: 2, 3, 4 or 8"):
        write_recipe(str(tmp_path), 5, "n")
