"""Everything a person sees: data on stdout, talk on stderr, JSON on request."""

import json
import os
import sys
from collections.abc import Sequence
from typing import Any, TextIO

from swarmctl.errors import SwarmctlError

_STYLES = {"bold": "1", "dim": "2", "red": "31", "green": "32", "yellow": "33"}


class Console:
    """One command's voice. Colour only on a terminal, and never under NO_COLOR."""

    def __init__(self, *, as_json: bool = False, out: TextIO | None = None, err: TextIO | None = None) -> None:
        self.as_json = as_json
        self.as_lines = False
        """Every document of JSON is one line, and an error is the last of them: what happens is told as it happens."""
        self._answered = False
        self._out, self._err = out or sys.stdout, err or sys.stderr

    @property
    def lively(self) -> bool:
        """Somebody watches: progress may be redrawn in place."""
        return self._err.isatty() and os.environ.get("TERM") != "dumb"

    @property
    def unicode(self) -> bool:
        """The reader's end takes more than ASCII."""
        return (getattr(self._out, "encoding", None) or "utf-8").lower().replace("-", "") == "utf8"

    def data(self, text: str) -> None:
        """What was asked for."""
        self._out.write(text if text.endswith("\n") else text + "\n")
        self._out.flush()

    def json(self, value: dict[str, Any]) -> None:
        """What was asked for, as one JSON object."""
        self.data(json.dumps(value, indent=None if self.as_lines else 2, ensure_ascii=False))
        self._answered = True

    def say(self, text: str = "") -> None:
        """A word on the side."""
        self._err.write(text + "\n")
        self._err.flush()

    def redraw(self, text: str) -> None:
        """Replace the line that is being drawn; nothing where nobody watches."""
        if self.lively:
            self._err.write(f"\r\x1b[2K{text}")
            self._err.flush()

    def style(self, text: str, *names: str, to_stderr: bool = False) -> str:
        """The text in colour where colour is wanted."""
        stream = self._err if to_stderr else self._out
        if not stream.isatty() or os.environ.get("NO_COLOR"):
            return text
        return f"\x1b[{';'.join(_STYLES[name] for name in names)}m{text}\x1b[0m"

    def mark(self, good: bool | None) -> str:
        """`ok`, `FAIL`, or `?` where it could not be told."""
        word, colour = {True: ("ok", "green"), False: ("FAIL", "red"), None: ("?", "yellow")}[good]
        return self.style(f"{word:<4}", colour)

    def table(self, head: Sequence[str], rows: Sequence[Sequence[Any]]) -> str:
        """Columns wide enough for their cells; numbers to the right."""
        cells = [[str(cell) for cell in row] for row in rows]
        widths = [
            max(len(column), *(len(row[i]) for row in cells)) if cells else len(column) for i, column in enumerate(head)
        ]
        right = [all(isinstance(row[i], int | float) for row in rows) and bool(rows) for i in range(len(head))]

        def line(parts: Sequence[str]) -> str:
            padded = (p.rjust(w) if r else p.ljust(w) for p, w, r in zip(parts, widths, right, strict=True))
            return "  ".join(padded).rstrip()

        return "\n".join([self.style(line(head), "bold"), *(line(row) for row in cells)])

    def letter(self, error: SwarmctlError) -> None:
        """An error: what happened, the evidence, what to type next.

        After an answer in JSON there is no second document: the exit code and stderr say the rest. Where documents are
        lines, the error is the last.
        """
        if self.as_json and (self.as_lines or not self._answered):
            self.json(
                {
                    "schema": "swarmctl/error/v1",
                    "error": type(error).__name__,
                    "message": error.message,
                    "detail": error.detail,
                    "hint": error.hint,
                    "exit_code": error.exit_code,
                }
            )
        self.say(self.style("error", "bold", "red", to_stderr=True) + f": {error.message}")
        if error.detail:
            self.say("\n".join(f"  {line}" for line in error.detail.splitlines()))
        if error.hint:
            self.say(self.style("next", "bold", to_stderr=True) + f":  {error.hint}")
