"""The chat template as llama.cpp renders it from the GGUF file held against the tokenizer's own rendering."""

from collections.abc import Callable
from typing import Any

from swarmctl.converter.answering import Failed, Server
from swarmctl.converter.corpus import DIALOGUES

Words = Callable[[list[int]], str]
DATE = "26 Jul 2024"
"""Some templates write today's date; both sides are told the same day."""


def measure(server: Server, tokenizer: Any) -> dict[str, Any]:
    """The part of the certificate about the template."""
    if not tokenizer.chat_template:
        return {"present": False, "dialogues": []}
    return {"present": True, "dialogues": [_one(server, tokenizer, name, said) for name, said in DIALOGUES.items()]}


def rendered(tokenizer: Any, said: dict[str, Any]) -> str:
    """A dialogue as published, with the mark where the answer begins. Raises what the template raises."""
    return str(
        tokenizer.apply_chat_template(
            said["messages"], tools=said.get("tools"), add_generation_prompt=True, tokenize=False, date_string=DATE
        )
    )


def _one(server: Server, tokenizer: Any, name: str, said: dict[str, Any]) -> dict[str, Any]:
    try:
        expected = rendered(tokenizer, said)
    except Exception as e:  # noqa: BLE001 - templates raise what they like
        return {"dialogue": name, "verdict": "not in this template", "why": str(e)[:120]}
    try:
        got = str(server.ask("apply-template", **said, chat_template_kwargs={"date_string": DATE})["prompt"])
    except Failed as e:
        return {"dialogue": name, "verdict": "refused", "why": str(e)[:200]}
    wanted = [int(n) for n in tokenizer.encode(expected, add_special_tokens=False)]
    return {"dialogue": name, **apart(wanted, server.tokens(got, special=True), server.text, tokenizer.decode)}


def apart(wanted: list[int], ids: list[int], text: Words, published: Words | None = None) -> dict[str, Any]:
    """The verdict on two renderings by their ids. text, published: words of either side's ids."""
    if ids == wanted:
        return {"verdict": "same"}
    at = next((n for n, (a, b) in enumerate(zip(wanted, ids, strict=False)) if a != b), min(len(wanted), len(ids)))
    return {
        "verdict": "another",
        "at": at,
        "expected": (published or text)(wanted[at : at + 20]) or "the end",
        "got": text(ids[at : at + 20]) or "the end",
    }
