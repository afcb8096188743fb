"""Canonical JSON, digests, errors, and that every schema keeps what all schemas promise."""

from __future__ import annotations

import importlib
import pickle
import pkgutil
from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter, ValidationError

from pairmill import schemas
from pairmill.schemas.base import Digest, Frozen, Grown, Key, canonical_json, digest_of
from pairmill.schemas.errors import IntegrityError, PairmillError, StoreError, UserError
from pairmill.schemas.program import Program
from pairmill.schemas.recipe import TilesConfig

values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**60), 2**60)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=6),
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=4), inner, max_size=4)
    ),
    max_leaves=12,
)


def all_schemas() -> Iterator[type[Frozen]]:
    for module in pkgutil.iter_modules(schemas.__path__):
        importlib.import_module(f"pairmill.schemas.{module.name}")
    waiting = [Frozen]
    while waiting:
        kind = waiting.pop()
        waiting += kind.__subclasses__()
        if kind.__module__.startswith("pairmill.schemas."):
            yield kind


@given(values)
def test_canonical_json_is_stable_and_faithful(value: object) -> None:
    import json

    text = canonical_json(value)
    assert json.loads(text) == value
    assert canonical_json(json.loads(text)) == text
    assert digest_of(value) == digest_of(json.loads(text))


def test_canonical_json_worked_out() -> None:
    assert (
        canonical_json({"b": [1, 2.5, 0.1], "a": {"é": None, "z": True}})
        == '{"a":{"z":true,"é":null},"b":[1,2.5,0.1]}'
    )
    assert (
        digest_of({}) == "44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a"
    )  # sha256 of {}
    with pytest.raises(ValueError, match="not JSON compliant"):
        canonical_json(float("nan"))


def test_every_schema_is_frozen_strict_about_keys_and_explained() -> None:
    kinds = list(all_schemas())
    assert len(kinds) > 30
    for kind in kinds:
        assert kind.model_config["frozen"] is True, kind
        assert kind.model_config["extra"] == "forbid", kind
        generic = kind.__pydantic_generic_metadata__["origin"] or kind
        assert generic.__doc__, kind
        for name, field in kind.model_fields.items():
            assert field.description, f"{kind.__name__}.{name} has no docstring"


def test_with_validates() -> None:
    assert TilesConfig().with_(size=64).size == 64
    with pytest.raises(ValidationError):
        TilesConfig().with_(size="large")
    with pytest.raises(ValidationError):
        TilesConfig().with_(sise=64)


def test_keys_and_digests() -> None:
    for good in ("a", "0-a_b", "x" * 100):
        TypeAdapter(Key).validate_python(good)
    for bad in ("", "a.b", "a b", "A", "é", "a/b", "x" * 101, "a\n"):
        with pytest.raises(ValidationError):
            TypeAdapter(Key).validate_python(bad)
    for bad in ("0" * 63, "0" * 65, "G" + "0" * 63, "A" * 64):
        with pytest.raises(ValidationError):
            TypeAdapter(Digest).validate_python(bad)


def test_programs_know_their_ops_by_name() -> None:
    text = '{"scale":2,"ops":[{"op":"subsample","scale":2},{"op":"quantise"}]}'
    assert [op.op for op in Program.model_validate_json(text).ops] == ["subsample", "quantise"]
    for bad in (
        text.replace("quantise", "quantize"),
        text.replace('"scale":2}', '"scale":9}'),
        '{"scale":2,"ops":[]}',
    ):
        with pytest.raises(ValidationError):
            Program.model_validate_json(bad)


@pytest.mark.parametrize("kind", [PairmillError, UserError, StoreError, IntegrityError])
def test_errors_say_all_and_travel(kind: type[PairmillError]) -> None:
    error = kind("it failed", where="here", got="this", wanted="that", todo="do so")
    assert str(error) == "it failed\n  where: here\n  got: this\n  wanted: that\n  fix: do so"
    again = pickle.loads(pickle.dumps(error))  # noqa: S301
    assert type(again) is kind
    assert (str(again), again.todo, again.exit_code) == (
        str(error),
        "do so",
        2 if kind is UserError else 1,
    )
    assert str(kind("only this")) == "only this"


class Older(Frozen):
    side: int


class Newer(Grown):
    added = ("cells",)
    side: int
    cells: tuple[int, ...] = ()


def test_a_schema_that_grew_keeps_the_digests_of_before() -> None:
    assert Newer(side=3).content_digest() == Older(side=3).content_digest()
    told = Newer(side=3, cells=(1, 2))
    assert told.canonical_json() == '{"cells":[1,2],"side":3}'
    assert Newer.model_validate_json(told.canonical_json()) == told
    assert told.with_(cells=()) == Newer.model_validate({"side": 3})
