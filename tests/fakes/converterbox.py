"""The converter's container for as long as a test lasts: one process in it forks for each order."""

import json
import os
import subprocess
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import swarmctl
from fakes.grounded import docker, stands
from swarmctl import __version__
from swarmctl.core.lock import Lock
from swarmctl.effects.imaging import provide

IMAGE = f"swarmctl/converter:{__version__}"
_ISLAND = Path(swarmctl.__file__).parent / "converter"
_PATH = "/usr/share/llama.cpp/llama.cpp-tools:/opt/swarmctl"


class Box:
    """Takes orders one after another. folder: mounted at its own path; everything named lies in it."""

    def __init__(self, process: "subprocess.Popen[str]", folder: Path) -> None:
        self._process, self.folder = process, folder
        self._count = 0

    def convert(self, source: Path, kind: str = "f16") -> Path:
        """A GGUF file beside the source, by llama.cpp's script."""
        out = self.folder / f"{source.name}.{kind}.gguf"
        self._good(
            do="script", argv=["/usr/bin/convert_hf_to_gguf", str(source), "--outfile", str(out), "--outtype", kind]
        )
        return out

    def quantise(self, file: Path, kind: str) -> Path:
        """A quantised file beside this one."""
        out = file.with_suffix(f".{kind}.gguf")
        self._good(do="tool", argv=["llama-quantize", str(file), str(out), kind, "2"])
        return out

    def certify(self, source: Path, gguf: Path, **more: Any) -> dict[str, Any]:
        """The certificate, as the program prints it."""
        request = {"source": str(source), "gguf": str(gguf), "quants": {}, "corpus": None, "threads": 2, **more}
        request["quants"] = {label: str(path) for label, path in request["quants"].items()}
        said, log = self._good(do="module", module="certify", request=request)
        assert said, log
        found: dict[str, Any] = said[-1]["certificate"]
        return found

    def order(self, **order: Any) -> tuple[int, list[dict[str, Any]], str]:
        """How it ended, what it said, and the last lines that were no JSON."""
        assert self._process.stdin
        assert self._process.stdout
        self._count += 1
        name = str(self._count)
        self._process.stdin.write(json.dumps({"id": name, "threads": 2, **order}) + "\n")
        self._process.stdin.flush()
        said = []
        for line in self._process.stdout:
            answer = json.loads(line)
            if answer.get("id") == name and "said" in answer:
                said.append(answer["said"])
            elif answer.get("id") == name and "ended" in answer:
                return int(answer["ended"]), said, "\n".join(answer["log"])
        raise AssertionError("the container ended")

    def _good(self, **order: Any) -> tuple[list[dict[str, Any]], str]:
        ended, said, log = self.order(**order)
        assert ended == 0, log
        return said, log


@contextmanager
def box(folder: Path) -> Iterator[Box]:
    """A container without a network until the block ends; skips the test where none can be had."""
    stands("engine", "forky")
    provide(IMAGE, lock=Lock())
    name = f"certify-{uuid.uuid4().hex[:12]}"
    command = [
        "docker", "run", "--rm", "-i", "--name", name, "--label", "swarmctl.test=certify", "--network", "none",
        "--user", f"{os.getuid()}:{os.getgid()}", "-e", f"PYTHONPATH={_PATH}", "-e", "HOME=/tmp",
        "-v", f"{_ISLAND}:/opt/swarmctl/swarmctl/converter:ro", "-v", f"{folder}:{folder}", IMAGE,
        "python3", "-m", "swarmctl.converter.serve",
    ]  # fmt: skip
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout
            assert "ready" in json.loads(process.stdout.readline())
            yield Box(process, folder)
        finally:
            assert process.stdin
            process.stdin.close()
            try:
                process.wait(10)
            except subprocess.TimeoutExpired:
                docker("rm", "-f", name)
