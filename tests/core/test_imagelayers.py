"""Layers of images: what another machine has of them, and what archives say that nobody vouches for."""

import json
from typing import Any

import pytest

from swarmctl.core.imagelayers import Shared, keeps_archives, layers_of, read_config, read_manifest, shared

A, B, C, D = (f"sha256:{digit * 64}" for digit in "abcd")


@pytest.mark.parametrize(
    ("held", "found"),
    [
        ({}, Shared()),
        ({"one": (A,), "two": (A, B)}, Shared("two", 2)),
        ({"one": (A, B, C, D)}, Shared("one", 3)),
        ({"one": (B, A, C)}, Shared()),
        ({"one": (A, D, C)}, Shared("one", 1)),
        ({"one": (), "two": (D,)}, Shared()),
    ],
)
def test_a_layer_is_there_where_all_below_it_are(held: dict[str, tuple[str, ...]], found: Shared) -> None:
    assert shared((A, B, C), held) == found


def test_a_store_by_containerd_is_known_by_what_docker_says() -> None:
    assert keeps_archives({"Driver": "overlayfs", "DriverStatus": [["driver-type", "io.containerd.snapshotter.v1"]]})
    assert not keeps_archives({"Driver": "overlay2", "DriverStatus": [["Backing Filesystem", "extfs"]]})
    for odd in (None, {}, [], [["x"]], "x", [None], 3):
        assert not keeps_archives({"DriverStatus": odd})


@pytest.mark.parametrize(
    "odd", [None, {}, [], {"RootFS": []}, {"RootFS": {"Layers": None}}, {"RootFS": {"Layers": [1]}}]
)
def test_an_image_that_does_not_say_its_layers_has_none(odd: object) -> None:
    assert layers_of(odd) == ()


def test_the_layers_of_an_image_and_of_its_configuration() -> None:
    assert layers_of({"RootFS": {"Layers": [A, B]}}) == (A, B)
    assert read_config(json.dumps({"rootfs": {"diff_ids": [A, B]}}).encode()) == (A, B)
    assert read_manifest(json.dumps([{"Config": "c.json", "Layers": ["a", "b"]}]).encode()) == ("c.json", ("a", "b"))


@pytest.mark.parametrize(
    "odd",
    [[], {}, 1, None, {"rootfs": {}}, {"rootfs": {"diff_ids": []}}, {"rootfs": {"diff_ids": ["sha256:../../etc"]}},
     {"rootfs": {"diff_ids": [1]}}, {"rootfs": {"diff_ids": [A] * 1001}}],
)  # fmt: skip
def test_a_configuration_that_names_no_layers(odd: Any) -> None:
    with pytest.raises(ValueError, match="layer"):
        read_config(json.dumps(odd).encode())


@pytest.mark.parametrize(
    "odd", [[], {}, [1], [{}, {}], [{"Config": 1, "Layers": []}], [{"Config": "c", "Layers": [1]}]]
)
def test_a_manifest_that_is_not_of_one_image(odd: Any) -> None:
    with pytest.raises(ValueError, match=r"image|whole"):
        read_manifest(json.dumps(odd).encode())
