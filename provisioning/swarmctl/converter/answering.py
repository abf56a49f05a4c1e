"""llama-server on loopback for as long as a block lasts, and what it is asked."""

import json
import socket
import subprocess  # noqa: TID251 - an island: processes of the container start where they are read
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

_PATIENCE = 900
"""Seconds for a model to load from a slow disk."""
_ANSWER = 1800
"""Seconds for one answer."""


class Failed(Exception):  # noqa: N818 - what happened to a measurement
    """A measurement could not be made; the message says why."""


class Server:
    """One model that answers. url: of llama-server on loopback."""

    def __init__(self, url: str) -> None:
        self._url = url

    def ask(self, path: str, **body: Any) -> dict[str, Any]:
        """The answer to a POST. Raises Failed with what the server said."""
        request = urllib.request.Request(  # noqa: S310 - loopback
            f"{self._url}/{path}", json.dumps(body).encode(), {"content-type": "application/json"}
        )
        try:
            with _direct().open(request, timeout=_ANSWER) as got:
                found = json.load(got)
        except urllib.error.HTTPError as e:
            raise Failed(f"/{path}: {e.code} {e.read(400).decode(errors='replace')}") from None
        except (OSError, ValueError) as e:
            raise Failed(f"/{path}: {e}") from None
        if not isinstance(found, dict):
            raise Failed(f"/{path}: answers {str(found)[:80]}")
        return found

    def tokens(self, text: str, *, special: bool) -> list[int]:
        """Ids of a text, whose special tokens are read as such. special: with those that begin and end a text."""
        return list(self.ask("tokenize", content=text, add_special=special, parse_special=True)["tokens"])

    def text(self, tokens: Sequence[int]) -> str:
        """The text of ids."""
        return str(self.ask("detokenize", tokens=list(tokens))["content"])


@contextmanager
def serving(model: Path, log: Path, *, threads: int, context: int = 2048) -> Iterator[Server]:
    """A server that computes as exactly as the file allows. Raises Failed where it does not come up."""
    port = _free()
    exact = ("--flash-attn", "off", "--cache-type-k", "f32", "--cache-type-v", "f32", "--cache-ram", "0")
    command = (
        "llama-server", "-m", str(model), "--host", "127.0.0.1", "--port", str(port), "--offline", "--no-webui",
        "--jinja", "-c", str(context), "-np", "1", "-t", str(threads), "-fit", "off", "--no-warmup", *exact,
    )  # fmt: skip
    with log.open("wb") as out:
        child = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=out, stderr=out)
    try:
        _wait(f"http://127.0.0.1:{port}/health", child, log)
        yield Server(f"http://127.0.0.1:{port}")
    finally:
        child.terminate()
        try:
            child.wait(10)
        except subprocess.TimeoutExpired:
            child.kill()
            child.wait()


def _wait(health: str, child: "subprocess.Popen[bytes]", log: Path) -> None:
    until = time.monotonic() + _PATIENCE
    while time.monotonic() < until:
        try:
            child.wait(0.05)
        except subprocess.TimeoutExpired:
            pass
        else:
            raise Failed(f"llama-server ended with {child.returncode}: {last(log)}")
        if _answers(health):
            return
    raise Failed(f"llama-server does not answer after {_PATIENCE} s: {last(log)}")


def _answers(health: str) -> bool:
    try:
        with _direct().open(health, timeout=5) as got:
            return bool(got.status == 200)
    except OSError:
        return False


def last(log: Path) -> str:
    """The lines of a log that tell most: those about errors, else the last."""
    lines = [line.strip() for line in log.read_text(errors="replace").splitlines() if line.strip()]
    told = [line for line in lines if "error" in line.lower()] or lines
    return " | ".join(line[:200] for line in told[-3:])


def _direct() -> urllib.request.OpenerDirector:
    """No proxy stands between a process and its own machine."""
    return urllib.request.build_opener(urllib.request.ProxyHandler({}))


def _free() -> int:
    with socket.socket() as asked:
        asked.bind(("127.0.0.1", 0))
        return int(asked.getsockname()[1])
