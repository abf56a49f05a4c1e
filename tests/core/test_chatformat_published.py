"""The chat formats of modelfiles/ are those that publishers' own templates write."""

import json
from typing import Any

import pytest
from jinja2.sandbox import ImmutableSandboxedEnvironment

from fakes.realtokenizers import tokenizer
from fakes.tinyshapes import SHAPES
from swarmctl.core.chatfamily import family
from swarmctl.core.chatformat import FORMATS, TALK

pytestmark = pytest.mark.slow

_ARCHITECTURES = {"qwen2_5": "qwen2", "qwen3": "qwen3", "llama3_2": "llama", "gemma2": "gemma2", "gemma3": "gemma3"}
NAMES = [*_ARCHITECTURES, "deepseek_v3"]


def template(name: str) -> tuple[str, str]:
    """What the publisher ships, and the token that begins a text."""
    said = json.loads((tokenizer(name) / "tokenizer_config.json").read_text())
    shipped = next((shape.template for shape in SHAPES.values() if shape.tokenizer == name and shape.template), "")
    begins = said.get("bos_token") or ""
    return shipped or said["chat_template"], begins["content"] if isinstance(begins, dict) else begins


def rendered(name: str, messages: list[dict[str, str]]) -> str:
    def refuse(why: str) -> None:
        raise ValueError(why)

    text, begins = template(name)
    place = ImmutableSandboxedEnvironment(trim_blocks=True, lstrip_blocks=True, extensions=["jinja2.ext.loopcontrols"])
    place.globals["raise_exception"] = refuse
    given: dict[str, Any] = {"messages": messages, "bos_token": begins, "add_generation_prompt": True}
    written = place.from_string(text).render(given, date_string="26 Jul 2024")
    # The engine puts it there itself.
    return written.removeprefix(begins)


@pytest.mark.parametrize("name", NAMES)
def test_the_family_is_told_by_the_publishers_template(name: str) -> None:
    known = family(template(name)[0], _ARCHITECTURES.get(name, "deepseek2"), name)
    assert known == {"llama3_2": "llama3", "gemma2": "gemma", "gemma3": "gemma", "deepseek_v3": "deepseek3"}.get(
        name, "chatml"
    )


@pytest.mark.parametrize("name", NAMES)
def test_a_conversation_comes_out_as_the_publisher_writes_it(name: str) -> None:
    known = family(template(name)[0], "", "")
    assert known is not None
    talk = [dict(one) for one in TALK]
    if name == "gemma2":
        # Its template refuses a system prompt; our format puts it before the first question, as Gemma 3's does.
        talk = [{"role": "user", "content": f"{talk[0]['content']}\n\n{talk[1]['content']}"}, *talk[2:]]
    got = rendered(name, talk)
    if name == "llama3_2":
        # It tells the date in the system prompt, which our format leaves out.
        got = got.replace("Cutting Knowledge Date: December 2023\nToday Date: 26 Jul 2024\n\n", "")
    assert got == FORMATS[known]
