"""One model as Ollama is to know it: a Modelfile, written from a template and read back."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Literal

from jinja2 import TemplateNotFound

from swarmctl.core.stack import LABEL
from swarmctl.core.templates import environment
from swarmctl.errors import SpecError

OWN = "own"
"""The family of a model whose file carries a template that the engine runs."""
BATCH = 512
ORIGIN = f"{LABEL}source=sha256:"
_TRIPLE = '"""'
_LINE = re.compile(r"^(FROM|TEMPLATE|PARAMETER|SYSTEM|LICENSE|ADAPTER|MESSAGE|RENDERER|PARSER|REQUIRES|DRAFT) +", re.I)

Value = int | float | bool | str | tuple[str, ...]


@dataclass(frozen=True, slots=True)
class EngineModel:
    """What a Modelfile is written from.

    name: what clients ask for. source: a path, or `sha256:…` of a blob. origin: digest of the file, 64 digits.
    family: of core/chatfamily, or `own`. context: tokens per slot. output: tokens that one answer may have, -1 for as
    many as fit. temperature: None leaves it to each request. threads: None leaves them to the engine. device: `cpu`
    keeps all layers off the GPU. sampling: further parameters by Ollama's names, such as top_p.
    """

    name: str
    source: str
    origin: str
    family: str
    context: int
    output: int
    batch: int = BATCH
    temperature: float | None = None
    threads: int | None = None
    device: Literal["gpu", "cpu", "experts-on-cpu"] = "gpu"
    sampling: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Created:
    """What a Modelfile says: where the weights are, the chat template ("" for none), and parameters by name.

    origin: digest of the file that we gave. Ollama ≥ 0.30 rewrites what it is given, so the one in `source` is
    another; ours travels in the licence, which changes nothing.
    """

    source: str
    template: str
    parameters: Mapping[str, Value]
    origin: str = ""

    @property
    def stored(self) -> str:
        """Digest of the weights as the engine keeps them; "" where `source` is a plain path."""
        return digest(self.source)


def modelfile(model: EngineModel, templates: Mapping[str, str]) -> str:
    """The text of a Modelfile. templates: the files under modelfiles/ by name, without `.j2`.

    Raises SpecError for a family without a template.
    """
    try:
        found = environment(templates, ".j2").get_template(f"{model.family}.j2")
    except TemplateNotFound:
        known = ", ".join(sorted(set(templates) - {"base"}))
        raise SpecError(f"models.{model.name}: no chat template {model.family!r}; there are {known}") from None
    label = f"{ORIGIN}{model.origin}" if model.origin else ""
    return found.render(name=model.name, source=model.source, label=label, parameters=_parameters(model))


def _parameters(model: EngineModel) -> list[tuple[str, int | float]]:
    found: list[tuple[str, int | float]] = [
        ("num_ctx", model.context),
        ("num_batch", model.batch),
        ("num_predict", model.output),
    ]
    if model.device == "cpu":
        found.append(("num_gpu", 0))
    if model.threads is not None:
        found.append(("num_thread", model.threads))
    if model.temperature is not None:
        found.append(("temperature", model.temperature))
    return [*found, *sorted(model.sampling.items())]


def read(text: str) -> Created:
    """What a Modelfile says, ours or one that `/api/show` gives. Raises SpecError for a line of no known kind."""
    source, template, origin, values = "", "", "", dict[str, list[str]]()
    for word, rest in _commands(text):
        if word == "FROM":
            source = source or rest
        elif word == "TEMPLATE":
            template = rest
        elif word == "LICENSE" and rest.startswith(ORIGIN):
            origin = digest(rest)
        elif word == "PARAMETER":
            key, _, value = rest.partition(" ")
            values.setdefault(key.lower(), []).append(_unquoted(value.strip()))
    return Created(source, template, {key: _value(key, found) for key, found in values.items()}, origin)


def _commands(text: str) -> list[tuple[str, str]]:
    found: list[tuple[str, str]] = []
    lines = iter(text.split("\n"))
    for line in lines:
        if not line.strip() or line.startswith("#"):
            continue
        match = _LINE.match(line)
        if match is None:
            raise SpecError(f"a Modelfile has the line {line.strip()[:60]!r}")
        rest = line[match.end() :]
        mark = next((mark for mark in (_TRIPLE, '"') if rest.startswith(mark)), "")
        if mark:
            rest = _quoted(rest.removeprefix(mark), mark, lines)
        found.append((match[1].upper(), rest if mark else rest.strip()))
    return found


def _quoted(text: str, mark: str, lines: Iterator[str]) -> str:
    """The text up to the line that ends with the mark."""
    while not text.rstrip().endswith(mark):
        more = next(lines, None)
        if more is None:
            raise SpecError("a Modelfile ends inside a quotation")
        text = f"{text}\n{more}"
    return text.rstrip().removesuffix(mark)


def _unquoted(text: str) -> str:
    return text[1:-1] if len(text) > 1 and text[0] == text[-1] == '"' else text


def _value(key: str, found: list[str]) -> Value:
    """Stop words are always a list; anything else is a number, yes or no, or a word."""
    if key == "stop":
        return tuple(found)
    last = found[-1]
    if last in {"true", "false"}:
        return last == "true"
    try:
        number = float(last)
    except ValueError:
        return last
    return int(number) if number.is_integer() else number


def differences(wanted: Created, there: Created) -> tuple[str, ...]:
    """What of a model in the engine is not as wanted, in words; empty when nothing need be done.

    Weights are compared by hash, where the wanted one is known. Where no template is wanted the engine may have found
    one, and stop words with it.
    """
    found = []
    if wanted.origin and wanted.origin != (there.origin or there.stored):
        found.append("weights")
    if wanted.template and wanted.template.strip() != there.template.strip():
        found.append("template")
    free = {"stop"} if not wanted.template else set()
    for key in sorted((wanted.parameters.keys() | there.parameters.keys()) - free):
        before, after = there.parameters.get(key), wanted.parameters.get(key)
        if before != after:
            found.append(f"{key} {'unset' if before is None else before} → {'unset' if after is None else after}")
    return tuple(found)


def digest(source: str) -> str:
    """The 64 digits in `sha256:…` or in the path of a blob; "" when there are none."""
    found = re.search(r"sha256[:-]([0-9a-f]{64})", source)
    return found[1] if found else ""
