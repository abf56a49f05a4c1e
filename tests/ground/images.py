"""Images by tag and content key: one that bears our key is done, one without is the official one and is left alone."""

import hashlib
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

from ground.host import secrets
from ground.shell import ask, run

KEY = "swarmctl.ground"
"""The label with the key of what an image was made from."""

FILES = Path(__file__).parent / "dockerfiles"


@dataclass(frozen=True, slots=True)
class Image:
    """A tag and the key of its recipe."""

    tag: str
    key: str

    def ready(self) -> str | None:
        """Size and origin; None where it is missing or its recipe changed."""
        said = ask("docker", "image", "inspect", "-f", f'{{{{.Size}}}} {{{{index .Config.Labels "{KEY}"}}}}', self.tag)
        if said is None:
            return None
        size, _, key = said.partition(" ")
        if key and key != self.key:
            return None
        return f"{self.tag}, {int(size) / 1e6:.0f} MB{'' if key else ', official'}"


@dataclass(frozen=True, slots=True)
class Recipe:
    """An image built here from a Dockerfile of ours, where the official one cannot be pulled."""

    tag: str
    file: str
    target: str = ""
    args: dict[str, str] = field(default_factory=dict)
    above: tuple[Image, ...] = ()
    official: bool = True

    @property
    def image(self) -> Image:
        """Tag, and a key of the Dockerfile, its arguments and the images that it stands on."""
        text = (FILES / f"{self.file}.Dockerfile").read_text()
        parts = [text, self.target, *sorted(f"{name}={value}" for name, value in self.args.items())]
        parts += [f"{below.tag} {below.key}" for below in self.above]
        return Image(self.tag, hashlib.sha256("\n".join(parts).encode()).hexdigest()[:16])

    def make(self) -> None:
        """Pulls or builds it."""
        if self.official and pulled(self.tag):
            return
        args = [word for name, value in self.args.items() for word in ("--build-arg", f"{name}={value}")]
        args += ["--target", self.target] if self.target else []
        before = _id(self.tag)
        run(
            self.tag.replace("/", "-").replace(":", "-"),
            "docker", "build", "--network", "host", "--progress", "plain", *secrets(), *args,
            "--label", f"{KEY}={self.image.key}", "-t", self.tag, "-f", FILES / f"{self.file}.Dockerfile", FILES,
            env={"DOCKER_BUILDKIT": "1", "BUILDX_NO_DEFAULT_ATTESTATIONS": "1"},
        )  # fmt: skip
        if before and before != _id(self.tag):
            ask("docker", "rmi", before)


def pulled(tag: str) -> bool:
    """Fetches the official image, where there is a way to it."""
    return _hub() and ask("docker", "pull", tag, seconds=1800) is not None


def _id(tag: str) -> str | None:
    return ask("docker", "image", "inspect", "-f", "{{.Id}}", tag)


@cache
def _hub() -> bool:
    """Whether official images can be had; asked once, by a pull: of a daemon's mirrors its client knows nothing."""
    return ask("docker", "pull", "-q", "debian:bookworm-slim", seconds=60) is not None
