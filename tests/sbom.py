"""Writes build/sbom-<image>.cdx.json for our images: CycloneDX, of what is in them, Debian's packages and Python's.

`python tests/sbom.py` (make sbom) asks the images that are here, and checks what it wrote against the schema.
"""

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

from cyclonedx.model import HashAlgorithm, HashType
from cyclonedx.model.bom import Bom
from cyclonedx.model.component import Component, ComponentType
from cyclonedx.output.json import JsonV1Dot6
from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator
from packageurl import PackageURL

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "provisioning"))

from swarmctl import __version__  # noqa: E402 - from this checkout
from swarmctl.effects.imaging import here  # noqa: E402

_ASK = r"""
. /etc/os-release; echo "$ID $VERSION_ID"
dpkg-query -W -f '${binary:Package} ${Version} ${Architecture}\n'
echo --
cat /opt/agent/*.dist-info/METADATA 2>/dev/null | grep -E '^(Name|Version): ' || true
"""


def bom(reference: str) -> Bom:
    """Of an image that is here. Raises KeyError where it is not, CalledProcessError where it cannot be asked."""
    image = here()[reference]
    argv = ["docker", "run", "--rm", "--network", "none", "--label", "swarmctl.test=sbom", "--entrypoint", "sh"]
    said = subprocess.run([*argv, reference, "-c", _ASK], capture_output=True, text=True, check=True).stdout
    system, _, rest = said.partition("\n")
    debian, _, python = rest.partition("--\n")
    found = Bom(components=[*_debian(debian, *system.split()[:2]), *_python(python)])
    name, _, version = reference.rpartition(":")
    digest = HashType(alg=HashAlgorithm.SHA_256, content=image.id.removeprefix("sha256:"))
    root = Component(name=name, version=version, type=ComponentType.CONTAINER, hashes=[digest])
    found.metadata.component = root
    found.register_dependency(root, found.components)
    return found


def _debian(text: str, system: str, release: str = "unstable") -> Iterator[Component]:
    for line in text.splitlines():
        name, version, architecture = line.split()
        name = name.partition(":")[0]
        more = {"arch": architecture, "distro": f"{system}-{release}"}
        yield Component(name=name, version=version, purl=PackageURL("deb", system, name, version, more))


def _python(text: str) -> Iterator[Component]:
    words = [line.partition(": ")[2] for line in text.splitlines()]
    for name, version in zip(words[::2], words[1::2], strict=True):
        purl = PackageURL("pypi", None, name.lower().replace("_", "-"), version)
        yield Component(name=name, version=version, purl=purl)


def text(found: Bom) -> str:
    """As CycloneDX 1.6. Raises ValueError where the schema says no."""
    written = JsonV1Dot6(found).output_as_string(indent=1)
    if wrong := JsonStrictValidator(SchemaVersion.V1_6).validate_str(written):
        raise ValueError(str(wrong))
    return written


def main() -> None:
    """Write those of the images that are here."""
    (ROOT / "build").mkdir(exist_ok=True)
    for name in ("agent", "converter"):
        reference = f"swarmctl/{name}:{__version__}"
        if reference not in here():
            print(f"{reference} is not here: swarmctl up --runtime compose builds it")
            continue
        path = ROOT / "build" / f"sbom-{name}.cdx.json"
        path.write_text(text(bom(reference)), encoding="utf-8")
        print(f"{path}: {len(json.loads(path.read_text())['components'])} components")


if __name__ == "__main__":
    main()
