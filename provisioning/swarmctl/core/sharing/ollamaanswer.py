"""What llama-server answers, in Ollama's words: whole answers, and streams line by line."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

Body = dict[str, Any]
_REASONS = {"length": "length"}


@dataclass
class Lines:
    """One streamed answer on its way. kind: `message` for a chat, `response` for a question.

    Tool calls come in pieces and leave whole, before the last line.
    """

    model: str
    kind: str
    calls: dict[int, Body] = field(default_factory=dict)
    reason: str = "stop"
    figures: Body = field(default_factory=dict)

    def told(self, chunk: Mapping[str, Any], now: str) -> Iterable[Body]:
        """Lines for one chunk of the stream; now: a time in RFC 3339."""
        if timings := chunk.get("timings"):
            self.figures = _figures(timings)
        for choice in chunk.get("choices") or ():
            delta = choice.get("delta") or {}
            for piece in delta.get("tool_calls") or ():
                self._piece(piece)
            self.reason = choice.get("finish_reason") or self.reason
            text, thought = delta.get("content"), delta.get("reasoning_content")
            if text or thought:
                yield self.line(now, text or "", thought)

    def last(self, now: str) -> Iterable[Body]:
        """The calls, and the line that says it is done."""
        if self.calls:
            yield self.line(now, "", None, [_function(call) for _, call in sorted(self.calls.items())])
        end = {"done": True, "done_reason": _REASONS.get(self.reason, "stop")}
        yield self.line(now, "", None) | end | self.figures

    def _piece(self, piece: Mapping[str, Any]) -> None:
        call = self.calls.setdefault(piece.get("index") or 0, {"id": "", "name": "", "arguments": ""})
        function = piece.get("function") or {}
        call["id"] = piece.get("id") or call["id"]
        call["name"] += function.get("name") or ""
        call["arguments"] += function.get("arguments") or ""

    def line(self, now: str, text: str, thought: str | None, calls: list[Body] | None = None) -> Body:
        """One line that is not the last."""
        common: Body = {"model": self.model, "created_at": now, "done": False}
        if self.kind == "response":
            return common | {"response": text} | ({"thinking": thought} if thought else {})
        message: Body = {"role": "assistant", "content": text}
        if thought:
            message["thinking"] = thought
        if calls:
            message["tool_calls"] = calls
        return common | {"message": message}


def whole(answer: Mapping[str, Any], model: str, kind: str, now: str) -> Body:
    """An answer that was not streamed."""
    choice = (answer.get("choices") or [{}])[0]
    said = choice.get("message") or {}
    lines = Lines(model, kind, reason=choice.get("finish_reason") or "stop")
    calls = [
        _function({"id": c.get("id"), **{k: (c.get("function") or {}).get(k) for k in ("name", "arguments")}})
        for c in said.get("tool_calls") or ()
    ]
    lines.figures = _figures(answer.get("timings") or {})
    found = lines.line(now, said.get("content") or "", said.get("reasoning_content"), calls)
    return found | {"done": True, "done_reason": _REASONS.get(lines.reason, "stop")} | lines.figures


def loaded(model: str, kind: str, now: str) -> Body:
    """To a request without a question: the model is there, and stays."""
    lines = Lines(model, kind)
    return lines.line(now, "", None) | {"done": True, "done_reason": "load"}


def _function(call: Mapping[str, Any]) -> Body:
    """Arguments as an object; what is none stays text, for the client to see."""
    given = call.get("arguments") or "{}"
    try:
        arguments = json.loads(given)
    except ValueError:
        arguments = given
    return {"id": call.get("id") or "", "function": {"name": call.get("name") or "", "arguments": arguments}}


def _figures(timings: Mapping[str, Any]) -> Body:
    """Nanoseconds, and tokens: a prompt's count holds those that the slot remembered."""

    def number(key: str) -> float:
        value = timings.get(key)
        return value if isinstance(value, int | float) else 0

    read, written = int(number("prompt_ms") * 1e6), int(number("predicted_ms") * 1e6)
    return {
        "total_duration": read + written,
        "load_duration": 0,
        "prompt_eval_count": int(number("prompt_n") + number("cache_n")),
        "prompt_eval_duration": read,
        "eval_count": int(number("predicted_n")),
        "eval_duration": written,
    }
