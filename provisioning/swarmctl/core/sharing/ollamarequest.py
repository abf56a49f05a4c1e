"""Ollama's requests in the words of OpenAI's chat completions. Raises BadRequest."""

import json
from collections.abc import Mapping
from typing import Any

_OPTIONS = {
    "temperature": "temperature",
    "top_p": "top_p",
    "top_k": "top_k",
    "min_p": "min_p",
    "typical_p": "typical_p",
    "seed": "seed",
    "stop": "stop",
    "repeat_penalty": "repeat_penalty",
    "repeat_last_n": "repeat_last_n",
    "presence_penalty": "presence_penalty",
    "frequency_penalty": "frequency_penalty",
    "num_predict": "max_tokens",
}
Body = dict[str, Any]


class BadRequest(Exception):  # noqa: N818 - what it is
    """A request that is not as Ollama's are; the message is a sentence for the client."""


def chat(body: Mapping[str, Any], context: int) -> Body:
    """`/api/chat`. context: tokens that a slot has; a request for more is refused, not cut."""
    messages = body.get("messages")
    if not isinstance(messages, list) or not all(isinstance(message, dict) for message in messages):
        raise BadRequest("messages is no list of messages")
    found: Body = {"messages": _messages(messages)} | _settings(body, context)
    if tools := body.get("tools"):
        found["tools"] = tools
    return found


def generate(body: Mapping[str, Any], context: int) -> Body:
    """`/api/generate`: one question, in the model's own template."""
    for key in ("raw", "suffix", "context", "template"):
        if body.get(key):
            raise BadRequest(f"{key} is not served here: send messages to /api/chat, or a prompt to /v1/completions")
    prompt, system = body.get("prompt"), body.get("system")
    if not isinstance(prompt, str) or not isinstance(system, str | None):
        raise BadRequest("prompt and system must be text")
    messages = [{"role": "system", "content": system}] if system else []
    asked = {"role": "user", "content": prompt, "images": body.get("images")}
    return {"messages": _messages([*messages, asked])} | _settings(body, context)


def streams(body: Mapping[str, Any]) -> bool:
    """Ollama streams unless it is told not to."""
    return body.get("stream") is not False


def _settings(body: Mapping[str, Any], context: int) -> Body:
    options = body.get("options") or {}
    if not isinstance(options, dict):
        raise BadRequest("options is no object")
    wanted = options.get("num_ctx")
    if wanted is not None and (type(wanted) is not int or wanted > context):
        raise BadRequest(f"num_ctx {str(wanted)[:20]} is more than the {context} tokens that this model has here")
    found: Body = {theirs: options[ours] for ours, theirs in _OPTIONS.items() if options.get(ours) is not None}
    if isinstance(limit := found.get("max_tokens"), int) and limit < 0:
        del found["max_tokens"]
    if isinstance(think := body.get("think"), bool):
        found["chat_template_kwargs"] = {"enable_thinking": think}
    return found | _format(body.get("format")) | _stream(streams(body))


def _stream(wanted: bool) -> Body:
    return {"stream": True, "stream_options": {"include_usage": True}} if wanted else {"stream": False}


def _format(wanted: object) -> Body:
    if not wanted:
        return {}
    if wanted == "json":
        return {"response_format": {"type": "json_object"}}
    if isinstance(wanted, dict):
        return {"response_format": {"type": "json_schema", "json_schema": {"name": "answer", "schema": wanted}}}
    raise BadRequest('format must be "json" or a JSON schema')


def _messages(given: list[dict[str, Any]]) -> list[Body]:
    """Tool calls get numbers, which Ollama's do not have: the answers follow in their order."""
    found: list[Body] = []
    open_calls: list[tuple[str, str]] = []
    for message in given:
        made: Body = {"role": message.get("role"), "content": _content(message)}
        if calls := message.get("tool_calls"):
            if not isinstance(calls, list):
                raise BadRequest("tool_calls is no list of tool calls")
            made["tool_calls"] = [_call(call, len(found), n) for n, call in enumerate(calls)]
            open_calls = [(call["id"], call["function"]["name"]) for call in made["tool_calls"]]
        if made["role"] == "tool":
            made["tool_call_id"] = _answered(open_calls, message)
        found.append(made)
    return found


def _answered(open_calls: list[tuple[str, str]], message: Mapping[str, Any]) -> str:
    """The call that a tool's message answers: the first of that name, else the first."""
    if given := message.get("tool_call_id"):
        return str(given)
    name = message.get("tool_name") or message.get("name")
    chosen = next((call for call in open_calls if call[1] == name), open_calls[0] if open_calls else None)
    if chosen is None:
        raise BadRequest("a message of a tool answers no call")
    open_calls.remove(chosen)
    return chosen[0]


def _content(message: Mapping[str, Any]) -> Any:
    text, images = message.get("content") or "", message.get("images")
    if not isinstance(text, str):
        raise BadRequest("content must be text")
    if not images:
        return text
    if not isinstance(images, list) or not all(isinstance(image, str) for image in images):
        raise BadRequest("images must be a list of base64")
    shown = [{"type": "image_url", "image_url": {"url": f"data:image/png;base64,{image}"}} for image in images]
    return [{"type": "text", "text": text}, *shown]


def _call(call: Any, turn: int, number: int) -> Body:
    function = call.get("function") if isinstance(call, dict) else None
    if not isinstance(function, dict) or not isinstance(function.get("name"), str):
        raise BadRequest("a tool call names no function")
    given = function.get("arguments") or {}
    arguments = given if isinstance(given, str) else json.dumps(given)
    named = {"name": function["name"], "arguments": arguments}
    return {"id": str(call.get("id") or f"call-{turn}-{number}"), "type": "function", "function": named}
