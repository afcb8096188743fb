"""The server of a live preview, by real HTTP: who is turned away, what is answered to what is
wrong, and that what is right is the LR of `apply`, bit for bit."""

from __future__ import annotations

import json
from base64 import b64decode
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from pairmill.flows.live import LARGEST, listening_socket
from pairmill.pipeline import degraders
from pairmill.pipeline.images.encode import decode
from pairmill.pipeline.ops.apply import apply
from pairmill.pipeline.preview.pool_items import assets_of, pools_of
from pairmill.pipeline.realism.compare import auc
from pairmill.pipeline.recipe.load import load_recipe
from pairmill.pipeline.rng import stream
from pairmill.schemas.errors import UserError
from pairmill.schemas.program import Program
from tests.support.live import RECIPE, SECRET, Live, live_session, serving


@pytest.fixture(scope="module")
def live(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Live]:
    with serving(live_session(tmp_path_factory.mktemp("live"))) as found:
        yield found


def problems(live: Live, path: str, body: Any) -> tuple[int, list[dict[str, Any]]]:
    status, _, said = live.ask(path, body)
    return status, json.loads(said)["problems"]


def test_the_page_asks_nothing_of_others_and_nobody_may_frame_it(live: Live) -> None:
    status, headers, body = live.ask(f"/?token={SECRET}", token="")
    assert status == 200
    assert "default-src 'none'" in headers["content-security-policy"]
    assert "frame-ancestors 'none'" in headers["content-security-policy"]
    assert headers["referrer-policy"] == "no-referrer"
    assert "access-control-allow-origin" not in headers
    assert b"http://" not in body.replace(b"http://www.w3.org/", b"")
    assert SECRET.encode() not in body


@pytest.mark.parametrize("path", ["/", f"/?token={SECRET}x", "/?token=", "/?token=%C3%A4", "/?a=b"])
def test_no_page_without_its_token(live: Live, path: str) -> None:
    status, headers, body = live.ask(path)
    assert status == 403
    assert b"preview --live" in body
    assert headers["x-content-type-options"] == "nosniff"


@pytest.mark.parametrize("token", ["", SECRET[:-1], SECRET + "x", SECRET.upper()])
@pytest.mark.parametrize("path", ["/api/draw", "/api/save", "/api/controls", "/api/realism"])
def test_no_answer_without_the_token(live: Live, path: str, token: str) -> None:
    assert live.ask(path, live.draw(), token=token)[0] == 403
    assert live.ask(f"{path}?token={SECRET}", live.draw(), token=token)[0] == 403  # a header it is


@pytest.mark.parametrize("host", ["evil.example", "127.0.0.1", "localhost:1", "127.0.0.1.evil:80"])
def test_no_other_name_leads_here(live: Live, host: str) -> None:
    assert live.ask(f"/?token={SECRET}", Host=host)[0] == 421
    assert live.ask("/api/draw", live.draw(), Host=host)[0] == 421
    assert live.ask(f"/?token={SECRET}", Host=f"localhost:{live.port}")[0] == 200


@pytest.mark.parametrize("origin", ["null", "http://evil.example", "https://127.0.0.1:443"])
def test_no_other_page_may_ask(live: Live, origin: str) -> None:
    assert live.ask("/api/draw", live.draw(), Origin=origin)[0] == 403
    own = f"http://127.0.0.1:{live.port}"
    assert live.ask("/api/draw", live.draw(), Origin=own)[0] == 200


@pytest.mark.parametrize(
    ("changes", "path", "text"),
    [
        ({"anisotropic": 1.5}, ["anisotropic"], "less than or equal to 1"),
        ({"noise": [30, 2]}, ["noise"], "a range is [least, largest], got [30, 2]"),
        ({"blur_size": [7, 8]}, ["blur_size"], "sizes are odd"),
        ({"sigma": [0, 1]}, ["sigma", 0], "greater than 0"),
        ({"noise": [2.5, 8]}, ["noise", 0], "integer"),
        ({"jpeg": True}, ["jpeg"], "number"),
        ({"chain": "bsr"}, ["chain"], "'bsrgan' or 'plus'"),
        ({"methods": {"bicubic": 0}}, ["methods"], "at least one weight must be above 0"),
        ({"sigmas": [1, 2]}, ["sigmas"], "did you mean sigma?"),
        ({"up": [20, 20], "chain": "plus", "directions": {"up": 1}}, [], "too large"),
        ({"up": [5000, 6000], "chain": "plus", "directions": {"up": 1}}, [], "cannot be"),
    ],
)
def test_what_is_wrong_is_said_by_its_setting(
    live: Live, changes: dict[str, Any], path: list[Any], text: str
) -> None:
    for target in ("/api/draw", "/api/realism"):
        status, found = problems(live, target, live.draw(**changes))
        if target == "/api/realism":
            status, found = problems(live, target, live.settings(**changes))
        assert status == 422
        assert [one["path"] for one in found] == [path]
        assert text in found[0]["text"]
    assert live.ask("/api/draw", live.draw())[0] == 200  # nothing is broken


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b"", 400),
        (b"{", 400),
        (b"\xff", 400),
        (b"[" * 50_000, 400),
        (b'{"draw": NaN}', 400),
        (b'{"draw": ' + b"9" * 5000 + b"}", 400),
        (b"{}", 422),
        (b"[1]", 422),
        (b'{"client": "\\ud800"}', 400),
        (b" " * (LARGEST + 1), 413),
    ],
)
def test_what_is_no_request_is_refused(live: Live, body: bytes, status: int) -> None:
    assert problems(live, "/api/draw", body)[0] == status


@pytest.mark.parametrize(
    "changes", [{"image": 99}, {"degrader": 9}, {"side": 5000}, {"draw": -1}, {"client": "../a"}]
)
def test_what_is_not_there_is_said(live: Live, changes: dict[str, Any]) -> None:
    assert problems(live, "/api/draw", live.draw() | changes)[0] == 422


@pytest.mark.parametrize(
    "query",
    [
        "",
        "?image=0&part=0",
        "?image=9&part=0&side=64",
        "?image=-1&part=0&side=64",
        "?image=0&part=0&side=1e9",
    ],
)
def test_no_part_of_no_image(live: Live, query: str) -> None:
    assert live.ask(f"/api/hr{query}")[0] == 422
    assert live.ask(f"/api/photo{query}")[0] == 422


def test_a_body_without_a_length_ends_as_well(live: Live) -> None:
    import http.client

    connection = http.client.HTTPConnection("127.0.0.1", live.port, timeout=30)
    parts = (b" " * 100_000 for _ in range(4))
    connection.request(
        "POST", "/api/draw", parts, {"X-Pairmill-Token": SECRET}, encode_chunked=True
    )
    assert connection.getresponse().status == 413
    connection.close()


@pytest.mark.parametrize("degrader", [0, 1])
def test_lr_is_that_of_apply_on_the_hr_beside_it(live: Live, degrader: int) -> None:
    session = live.session
    for number in (0, 3):
        status, _, body = live.ask("/api/draw", live.draw(degrader) | {"draw": number})
        assert status == 200
        said = json.loads(body)
        hr = decode(live.ask("/api/hr?image=0&part=0&side=64")[2])
        assert hr.shape == (64, 64, 3)
        config = session.recipe.degraders[degrader]
        pools = session._degrader(config, degrader)[1]
        made = degraders.build(config, 2, pools_of(pools))
        program = made.draw(stream(0, "preview", config.label, number), (64, 64))
        assert Program.model_validate_json(said["program"]) == program
        lr = decode(b64decode(said["png"]))
        np.testing.assert_array_equal(lr, apply(program, hr, assets_of(pools)))
        assert [op["stand_in"] for op in said["ops"]].count(True) == 2 * degrader
        assert bool(said["notes"]) == bool(degrader)
    photo = decode(live.ask("/api/photo?image=0&part=0&side=64&beside=0")[2])
    assert photo.shape == lr.shape


def test_of_one_page_the_newest_request_is_answered(live: Live) -> None:
    asked = live.draw()
    assert live.ask("/api/draw", asked | {"sequence": 7})[0] == 200
    status, _, body = live.ask("/api/draw", asked | {"sequence": 6})
    assert (status, json.loads(body)) == (409, {"stale": True})
    assert live.ask("/api/draw", asked | {"sequence": 6, "client": "other"})[0] == 200


def test_a_saved_recipe_gives_the_same_bytes(live: Live) -> None:
    """The recipe is read from its file; its draw is made without any code of the page."""
    changes: dict[str, Any] = {
        "noise": [1, 4],
        "sigma": [0.3, 1.1],
        "methods": {"area": 3.0, "bicubic": 1},
    }
    said = json.loads(live.ask("/api/draw", live.draw(**changes) | {"draw": 2})[2])
    status, _, body = live.ask("/api/save", live.settings(**changes) | {"name": "softer"})
    assert status == 200
    saved = json.loads(body)
    assert saved["comments"]
    assert saved["changed"] == ["sigma", "methods", "noise"]
    recipe, _ = load_recipe(saved["path"])
    made = degraders.build(recipe.degraders[0], recipe.scale, {})
    program = made.draw(stream(recipe.seed, "preview", recipe.degraders[0].label, 2), (64, 64))
    hr = decode(live.ask("/api/hr?image=0&part=0&side=64")[2])
    np.testing.assert_array_equal(decode(b64decode(said["png"])), apply(program, hr, assets_of(())))
    text = Path(saved["path"]).read_text()
    assert "# all of it is mine" in text
    assert "noise: [1, 4]  # levels" in text
    assert recipe.degraders[1] == live.session.recipe.degraders[1]
    assert Path(saved["path"]).parent == live.session.file.parent
    assert live.session.file.read_text() == RECIPE


@pytest.mark.parametrize(
    "name", ["", "  ", "../up", "a/b", ".hidden", "a b", "mine.yaml", "mine", "x" * 101]
)
def test_nothing_is_overwritten_and_nothing_goes_elsewhere(live: Live, name: str) -> None:
    before = sorted(live.session.file.parent.rglob("*"))
    status, found = problems(live, "/api/save", live.settings(noise=[1, 2]) | {"name": name})
    assert status == 422
    assert found[0]["text"]
    assert sorted(live.session.file.parent.rglob("*")) == before
    assert live.session.file.read_text() == RECIPE


def test_realism_is_the_number_of_the_realism_of_reports(live: Live) -> None:
    """Of the same LR against the same photos, compared without any code of the preview."""
    changes: dict[str, Any] = {"noise": [60, 60], "jpeg_quality": [5, 5]}
    status, _, body = live.ask("/api/realism", live.settings(**changes))
    assert status == 200
    said, quick = json.loads(body), live.session.realism_of
    config = type(live.session.recipe.degraders[0]).model_validate(changes)
    made = degraders.build(config, 2, {})
    lr = [
        apply(made.draw(stream(0, "live", "bsrgan", number), hr.shape[:2]), hr, assets_of(()))
        for number, (_, hr) in enumerate(quick.tiles)
    ]
    photos = {scene.url: scene.source for scene in live.session.photos}
    sources = (list(photos), [url for url, _ in quick.tiles])
    again = auc(list(photos.values()), lr, quick.config, sources)
    assert said["auc"] == again.auc
    assert tuple(said["interval"]) == again.interval
    assert said["auc"] > 0.95
    assert said["images"] == 5
    assert said["verdict"] == again.words()


def test_a_taken_port_is_said() -> None:
    with listening_socket(0) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(UserError, match=f"port {port} cannot be used"):
            listening_socket(port)


def test_too_few_photos_for_a_number(tmp_path: Path) -> None:
    with serving(live_session(tmp_path, photos=1)) as live:
        said = json.loads(live.ask("/api/realism", live.settings())[2])
        assert said["auc"] is None
        assert "needs 4 real photos" in said["problem"]
        assert json.loads(live.ask("/api/controls", {})[2])[1]["auc"] is None
