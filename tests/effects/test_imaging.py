"""Images come, are demanded again, and say why they do not come: a real Engine, a real registry, real builds."""

import io
import secrets
import subprocess
import tarfile
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from fakes.grounded import docker, stands
from fakes.refusing import refusing_registry
from ground.places import ADDRESS
from swarmctl import __version__
from swarmctl.core.lock import Lock
from swarmctl.effects import building, imaging
from swarmctl.effects.dockerapi import asking
from swarmctl.effects.imaging import here, look, missing, provide
from swarmctl.effects.recipe import Recipe
from swarmctl.errors import DeployError, HostError

pytestmark = [pytest.mark.ground, pytest.mark.slow]

CANARY = "canary-of-a-proxy"
RECIPE = """
ARG BASE=debian:bookworm-slim
FROM $BASE
RUN --mount=type=secret,id=env,mode=0444 --mount=type=secret,id=apt,mode=0444 \\
    grep -q canary-of-a-proxy /run/secrets/env && touch /lent; \\
    mkdir /made && echo text > /made/file && ln /made/file /made/hard && ln -s file /made/soft \\
    && rm /etc/issue && chmod 4755 /made/file
COPY provisioning /opt
ARG VERSION=0
ARG REVISION=unknown
LABEL org.opencontainers.image.version="$VERSION" org.opencontainers.image.revision="$REVISION"
LABEL swarmctl.test=imaging
"""


@pytest.fixture(autouse=True)
def ground() -> None:
    stands("engine", "registry", "bookworm")


@pytest.fixture
def name() -> Iterator[str]:
    """Of a repository of the registry; whatever is tagged so is gone after."""
    repository = f"{ADDRESS}/test-{secrets.token_hex(4)}"
    yield repository
    left = docker("images", "-q", "-f", "label=swarmctl.test=imaging").split()
    subprocess.run(["docker", "rmi", "-f", *left], capture_output=True, check=False)


def published(name: str, text: str, tag: str = "1") -> str:
    """Pushes an image of one file and forgets it here; its reference."""
    raw = io.BytesIO()
    with tarfile.open(fileobj=raw, mode="w") as tar:
        entry = tarfile.TarInfo("file")
        entry.size = len(text)
        tar.addfile(entry, io.BytesIO(text.encode()))
    reference = f"{name}:{tag}"
    argv = ["docker", "import", "--change", "LABEL swarmctl.test=imaging", "-", reference]
    subprocess.run(argv, input=raw.getvalue(), check=True, capture_output=True)
    docker("push", "-q", reference)
    docker("rmi", "-f", docker("image", "inspect", "-f", "{{.Id}}", reference).strip())
    return reference


def test_an_image_is_pulled_seen_and_demanded_after(name: str) -> None:
    reference = published(name, "first")
    assert missing([reference]) == [reference]
    said: list[str] = []
    seen = provide(reference, lock=Lock(), tell=said.append)
    assert seen.kind == "registry"
    assert said[0] == f"pulling {reference}"
    assert missing([reference]) == []
    lock = Lock().merge([seen])
    assert provide(reference, lock=lock) == seen

    docker("rmi", "-f", reference)
    published(name, "another under the same tag")
    again = provide(reference, lock=lock, tell=said.append)
    assert again == seen, "the lock's digest is what is pulled, wherever the tag points by now"
    assert f"pulling {name}@{seen.digest}" in said

    docker("rmi", "-f", here()[reference].id)
    docker("pull", "-q", reference)
    with pytest.raises(DeployError) as refused:
        provide(reference, lock=lock)
    (found,) = look([reference])
    assert seen.digest in refused.value.detail
    assert found.digest in refused.value.detail
    assert "--update-lock" in refused.value.hint
    assert provide(reference, lock=lock.without([reference])) == found


def test_a_digest_that_the_registry_does_not_have_is_said(name: str) -> None:
    reference = published(name, "first")
    lock = Lock().merge([provide(reference, lock=Lock())])
    docker("rmi", "-f", here()[reference].id)
    gone = f"sha256:{'0' * 64}"
    wrong = Lock({reference: lock.images[reference].model_copy(update={"digest": gone})})
    with pytest.raises(DeployError, match="no such image") as refused:
        provide(reference, lock=wrong)
    assert gone in refused.value.hint
    assert missing([reference]) == [reference]


@pytest.mark.parametrize(
    ("reference", "words"),
    [(f"{ADDRESS}/nobody/has-this:1", "no such image"), ("127.0.0.1:9/closed/door:1", "network does not carry it")],
)
def test_an_image_that_cannot_come_says_why_and_what_to_type(reference: str, words: str) -> None:
    with pytest.raises(DeployError, match=words) as refused:
        provide(reference, lock=Lock())
    assert refused.value.detail
    assert f"docker pull {reference}" in refused.value.hint


def test_a_registry_that_refuses_is_said() -> None:
    with refusing_registry() as address, pytest.raises(DeployError, match="refuses") as refused:
        provide(f"{address}/team/private:1", lock=Lock())
    assert "docker login" in refused.value.hint


def test_no_engine_is_an_error_of_the_host() -> None:
    with pytest.raises(HostError, match="no Docker Engine"):
        missing(["a/b:1"], ask=asking("unix:///nowhere/docker.sock"))


@pytest.fixture
def own(name: str, tmp_path: Path) -> Recipe:
    """A recipe of ours that builds in a second."""
    files = {"compose/agent/Dockerfile": RECIPE, "provisioning/a.py": "a = 1\n", "provisioning/b.py": "b = 2\n"}
    for path, text in files.items():
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).write_text(text)
    return Recipe("agent", f"{name}:{__version__}", tuple((path, tmp_path / path) for path in sorted(files)))


@pytest.fixture
def known(own: Recipe, monkeypatch: pytest.MonkeyPatch) -> Recipe:
    """`provide` takes it for ours."""
    monkeypatch.setattr(imaging, "recipe", lambda reference: own if reference == own.reference else None)
    return own


def test_two_builds_without_a_cache_give_one_image(own: Recipe) -> None:
    ask, ids = asking(), []
    base = here()[own.base].id
    for tag in ("one", "two"):
        built = replace(own, reference=f"{own.reference.rpartition(':')[0]}:{tag}")
        building.build(built, base, lambda _: None, ask, fresh=True)
        ids.append(here()[built.reference].id)
    assert ids[0] == ids[1]
    raw: dict[str, Any] = ask(f"/images/{ids[0]}/json")
    under: dict[str, Any] = ask(f"/images/{base}/json")
    count = len(under["RootFS"]["Layers"])
    assert raw["RootFS"]["Layers"][:count] == under["RootFS"]["Layers"], "the base is shared, not copied"
    script = "stat -c '%a %h %Y' /opt/a.py /made/file; readlink /made/soft; test ! -e /etc/issue"
    said = docker("run", "--rm", "--label", "swarmctl.test=imaging", ids[0], "sh", "-c", script).split("\n")
    assert said[0].startswith("644 1 ")
    assert said[1].startswith("4755 2 "), "modes and hard links stay"
    assert said[2] == "file"


def test_ours_is_built_once_and_again_when_what_it_is_built_from_changed(known: Recipe) -> None:
    said: list[str] = []
    first = provide(known.reference, lock=Lock(), tell=said.append)
    assert first.kind == "built"
    assert said[0] == f"building {known.reference} on debian:bookworm-slim"
    lock, count = Lock().merge([first]), len(said)
    assert missing([known.reference]) == []
    assert provide(known.reference, lock=lock, tell=said.append) == first
    assert len(said) == count, "nothing was built"

    dict(known.files)["provisioning/a.py"].write_text("a = 3\n")
    assert missing([known.reference]) == [known.reference], "same tag, other inputs: stale"
    second = provide(known.reference, lock=lock)
    assert second.digest != first.digest
    assert lock.merge([second]).images[known.reference].digest == second.digest

    others = {row["Id"] for row in asking()("/images/json")} - {first.digest}
    assert imaging.prune({*others, first.digest}) == [], "what is kept"
    assert imaging.prune(others) == [first.digest], "lost its tag, and nobody goes back to it"

    dict(known.files)["provisioning/a.py"].write_text("a = 1\n")
    assert provide(known.reference, lock=lock) == first, "what was, comes back bit for bit"
    assert not [tag for tag in here() if tag.endswith("-unfinished") and known.reference in tag]


def test_another_image_under_our_tag_is_refused(known: Recipe) -> None:
    lock = Lock().merge([provide(known.reference, lock=Lock())])
    labels = here()[known.reference].labels
    argv = [word for key, value in labels.items() for word in ("--label", f"{key}={value}")]
    text = f"FROM {known.reference}\nRUN echo evil > /made/file\n"
    subprocess.run(["docker", "build", "-q", *argv, "-t", known.reference, "-"], input=text, text=True, check=True)
    with pytest.raises(DeployError, match="another image"):
        provide(known.reference, lock=lock)


def test_what_the_host_lends_is_in_no_layer(known: Recipe, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("no_proxy", CANARY)
    file = dict(known.files)[known.dockerfile]  # a secret is no reason for the builder to leave its cache aside
    file.write_text(RECIPE.replace("echo text", f"echo {secrets.token_hex(8)}"))
    provide(known.reference, lock=Lock())
    docker("save", "-o", str(tmp_path / "image.tar"), known.reference)
    layers = _layers(tmp_path / "image.tar")
    assert b"a = 1" in layers, "they are looked into"
    script = ("--label", "swarmctl.test=imaging", "--rm", known.reference, "test", "-e", "/lent")
    docker("run", *script)  # the build had it
    assert CANARY.encode() not in layers


def _layers(saved: Path) -> bytes:
    """All that the layers hold, the recipe's own text (in the history) left out."""
    with tarfile.open(saved) as archive:
        return b"".join(
            found.read()
            for entry in archive
            if entry.name.endswith(".tar") and (found := archive.extractfile(entry)) is not None
        )


def test_a_build_that_fails_shows_its_last_lines(known: Recipe) -> None:
    file = dict(known.files)[known.dockerfile]
    file.write_text(RECIPE + "RUN echo the reason >&2; echo no space left on device >&2; exit 3\n")
    with pytest.raises(DeployError, match="no space left") as refused:
        provide(known.reference, lock=Lock())
    assert "the reason" in refused.value.detail
    assert "docker system df" in refused.value.hint
    assert known.reference not in here()
