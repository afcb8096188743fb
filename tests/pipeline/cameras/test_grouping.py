"""Which photographs share a camera: properties, then examples."""

from __future__ import annotations

from collections import Counter
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pairmill.pipeline.cameras.grouping import Photograph, group_photographs
from pairmill.schemas.camera import CameraFacts
from pairmill.schemas.groups import GroupsConfig, GroupSource, PhotographGroups


def digest(number: int) -> str:
    return f"{number * 7919 % 10007:064x}"


def taken(number: int, size: tuple[int, int] = (3000, 2000), **facts: Any) -> Photograph:
    """A photograph, of one camera unless something else is said."""
    said = {"make": "NIKON CORPORATION", "model": "NIKON D5", "focal_length": 50.0, **facts}
    return Photograph(digest(number), size, camera=CameraFacts(**said))


def plain(number: int, **more: Any) -> Photograph:
    return Photograph(digest(number), (3000, 2000), **more)


def sizes(groups: PhotographGroups) -> dict[str, int]:
    return {group.name: len(group.photographs) for group in groups.groups}


AUTO = GroupsConfig()

CAMERAS = st.builds(
    CameraFacts,
    make=st.sampled_from(["", "Canon", "NIKON CORPORATION"]),
    model=st.sampled_from(["", "Canon EOS 5D", "NIKON D5", "D5"]),
    lens=st.sampled_from(["", "50mm f/1.8", "24-70mm"]),
    focal_length=st.sampled_from([None, 4.2, 24.0, 35.0, 50.0, 70.0]),
    aperture=st.sampled_from([None, 1.8, 2.8, 8.0, 22.0]),
    digital_zoom=st.sampled_from([1.0, 1.5, 4.0]),
    iso=st.sampled_from([None, 100]),
)
SETS = st.lists(
    st.tuples(
        st.none() | CAMERAS,
        st.sampled_from(["", "", "phone", "all", "various"]),
        st.none() | st.integers(0, 2),
    ),
    max_size=24,
).map(
    lambda items: [
        Photograph(digest(n), (100 + n, 80), name, camera, cluster)
        for n, (camera, name, cluster) in enumerate(items)
    ]
)
CONFIGS = st.builds(
    GroupsConfig,
    by=st.sampled_from(["auto", "names", "exif", "spectra", "one"]),
    min_photographs=st.integers(1, 6),
)


@settings(max_examples=300, deadline=None)
@given(photographs=SETS, config=CONFIGS, data=st.data())
def test_properties(photographs: list[Photograph], config: GroupsConfig, data: Any) -> None:
    found = group_photographs(photographs, config)
    members = [member for group in found.groups for member in group.photographs]
    assert Counter(members) == Counter(p.digest for p in photographs)
    assert all(list(group.photographs) == sorted(group.photographs) for group in found.groups)
    firsts = [group.photographs[0] for group in found.groups]
    assert firsts == sorted(firsts)
    names = [group.name for group in found.groups]
    assert len(set(names)) == len(names)
    for group in found.groups:
        large = len(group.photographs) >= config.min_photographs
        named = group.source == GroupSource.NAMES
        assert large or named or len(found.groups) == 1 or group.name.startswith("various")
    assert group_photographs(data.draw(st.permutations(photographs)), config) == found
    assert PhotographGroups.model_validate_json(found.model_dump_json()) == found


@given(photographs=SETS)
def test_one_group_is_one_group(photographs: list[Photograph]) -> None:
    found = group_photographs(photographs, GroupsConfig(by="one"))
    assert [group.source for group in found.groups] == [GroupSource.ONE] * bool(photographs)


def test_nothing_and_a_single_photograph() -> None:
    assert group_photographs([], AUTO).groups == ()
    (one,) = group_photographs([plain(1)], AUTO).groups
    assert (one.name, one.source, one.notes) == ("all", GroupSource.ONE, ("no EXIF",))
    (one,) = group_photographs([taken(1)], AUTO).groups
    assert (one.name, one.source) == ("nikon-d5", GroupSource.EXIF)


def test_two_cameras_are_two_groups() -> None:
    photographs = [taken(n) for n in range(5)]
    photographs += [taken(n, make="Apple", model="iPhone 12") for n in range(5, 9)]
    found = group_photographs(photographs, AUTO)
    assert sizes(found) == {"nikon-d5-50mm": 5, "apple-iphone-12-50mm": 4}
    group = found.group_of(digest(0))
    assert group.shared == photographs[0].camera
    assert found.several


def test_thirty_cameras_in_one_folder_are_one_group_that_says_so() -> None:
    (group,) = group_photographs([taken(n, model=f"D{n}") for n in range(30)], AUTO).groups
    assert group.name == "various"
    assert group.notes == ("30 cameras with fewer than 4 photographs each",)
    assert group.shared == CameraFacts(make="NIKON CORPORATION", focal_length=50)


def test_thirty_focal_lengths_of_a_zoom_are_few_groups() -> None:
    photographs = [taken(n, focal_length=24.0 + 1.5 * n, lens="24-70mm") for n in range(30)]
    found = group_photographs(photographs, AUTO)
    assert 1 <= len(found.groups) <= 3
    assert min(sizes(found).values()) >= 4
    (few,) = group_photographs(photographs[::6], AUTO).groups
    assert few.name == "nikon-d5"
    assert few.notes == ("2 focal lengths, too few photographs of each",)


def test_lenses_zooms_focal_lengths_and_apertures_divide() -> None:
    photographs = [taken(n, lens="50mm", aperture=1.8) for n in range(4)]
    photographs += [taken(n, lens="50mm", aperture=8.0) for n in range(4, 8)]
    photographs += [taken(n, lens="NIKON 85mm", focal_length=85.0) for n in range(8, 12)]
    photographs += [taken(n, lens="50mm", digital_zoom=2.0, aperture=1.8) for n in range(12, 16)]
    assert sizes(group_photographs(photographs, AUTO)) == {
        "nikon-d5-50mm-f1-8": 4,
        "nikon-d5-50mm-f8": 4,
        "nikon-d5-85mm": 4,
        "nikon-d5-50mm-zoom-2": 4,
    }


def test_a_stray_joins_what_is_next_to_it() -> None:
    photographs = [taken(n, focal_length=16.0) for n in range(6)]
    photographs += [taken(n, focal_length=120.0) for n in range(6, 10)]
    photographs += [taken(10, focal_length=90.0)]
    found = group_photographs(photographs, AUTO)
    assert sorted(sizes(found).values()) == [5, 6]
    group = found.group_of(digest(10))
    assert digest(6) in group.photographs
    assert group.notes == ("1 of other focal lengths",)


def test_iso_divides_nothing() -> None:
    photographs = [taken(n, iso=100 << (n % 5)) for n in range(20)]
    assert len(group_photographs(photographs, AUTO).groups) == 1


def test_photographs_without_exif_are_a_group_if_they_are_enough() -> None:
    known = [taken(n) for n in range(6)]
    found = group_photographs([*known, *(plain(n) for n in range(10, 14))], AUTO)
    assert sizes(found) == {"nikon-d5-50mm": 6, "no-exif": 4}
    found = group_photographs([*known, plain(10)], AUTO)
    assert sizes(found) == {"nikon-d5-50mm": 7}
    assert found.groups[0].notes == ("joined by 1 of an unknown camera",)


def test_names_are_taken_as_they_are_and_contradictions_are_said() -> None:
    photographs = [
        Photograph(digest(n), (9, 9), "mine", CameraFacts(model=f"D{n}")) for n in range(3)
    ]
    photographs.append(plain(3, name="yours"))
    found = group_photographs(photographs, AUTO)
    assert sizes(found) == {"mine": 3, "yours": 1}
    assert found.group_of(digest(0)).notes == ("contradictory: 3 models under one name",)
    assert {group.source for group in found.groups} == {GroupSource.NAMES}
    assert len(group_photographs(photographs, GroupsConfig(by="exif")).groups) == 1


def test_clusters_are_the_last_resort() -> None:
    photographs = [plain(n, cluster=n % 2) for n in range(10)]
    assert sizes(group_photographs(photographs, AUTO)) == {"spectra-1": 5, "spectra-2": 5}
    # Labels are whatever the clustering numbered them as.
    other = [plain(n, cluster=7 - n % 2) for n in range(10)]
    assert group_photographs(other, AUTO) == group_photographs(photographs, AUTO)
    assert len(group_photographs(photographs, GroupsConfig(by="exif")).groups) == 1


def test_resized_photographs_are_said() -> None:
    photographs = [taken(n, (6000, 4000) if n else (1500, 1000)) for n in range(5)]
    (group,) = group_photographs(photographs, AUTO).groups
    assert group.notes == ("longest side from 1,500 to 6,000 px: some may be resized",)


@pytest.mark.parametrize(
    ("make", "model", "name"),
    [
        ("NIKON CORPORATION", "NIKON D5", "NIKON D5"),
        ("Canon", "Canon EOS 5D", "Canon EOS 5D"),
        ("Apple", "iPhone 12", "Apple iPhone 12"),
        ("OLYMPUS IMAGING CORP.", "E-M1", "OLYMPUS E-M1"),
        ("SONY", "", "SONY"),
        ("", "D5", "D5"),
        ("", "", ""),
        ("Company", "X", "Company X"),
    ],
)
def test_the_name_of_a_camera_says_its_maker_once(make: str, model: str, name: str) -> None:
    assert CameraFacts(make=make, model=model).name == name
