"""A certificate for a person: a line a part, each with the figure that it stands on."""

from collections.abc import Iterator

from swarmctl.core.converting.measured import Failed, Logits, Measured, Own, Quant, Stop, Template, Tensors, Tokens
from swarmctl.core.converting.refusing import exact


def lines(certificate: Measured) -> tuple[str, ...]:
    """What was measured, whether it is good or not; refusals are said apart."""
    return tuple(_all(certificate))


def _all(certificate: Measured) -> Iterator[str]:
    source, tools, quants = certificate.source, certificate.tools, certificate.quants
    if not isinstance(source, Failed):
        size = sum(file.bytes for file in source.files.values())
        where = source.revision or ("a folder" if certificate.against == "weights" else "a GGUF file")
        yield f"source      {where}, {len(source.files)} files, {size / 1e9:.2f} GB"
    if not isinstance(tools, Failed):
        yield "tools       " + ", ".join(f"{name} {version}" for name, version in tools.items() if version)
    for name in (one for one in certificate.parts if one in _NAMES):
        part = getattr(certificate, name)
        yield f"{_NAMES[name]:11} {_said(certificate, part)}"
    if isinstance(quants, Failed):
        yield f"quants      {_said(certificate, quants)}"
    else:
        yield from (f"{label:11} {_quant(quant)}" for label, quant in quants.items())


_NAMES = {
    "file": "file",
    "tensors": "tensors",
    "tokens": "tokenizer",
    "logits": "weights",
    "template": "template",
    "stop": "stop",
}


def _said(certificate: Measured, part: object) -> str:
    if isinstance(part, Failed):
        return f"not measured: {part.error}"
    if isinstance(part, Tensors):
        return _tensors(part) + (", alike or proved by the answers" if exact(certificate) else "")
    return _measured(part)


def _measured(part: object) -> str:
    if isinstance(part, Tokens):
        return _tokens(part)
    if isinstance(part, Own):
        return _own(part)
    if isinstance(part, Logits):
        return _logits(part)
    if isinstance(part, Template):
        return _template(part)
    return _stop(part) if isinstance(part, Stop) else "unknown"


def _tensors(found: Tensors) -> str:
    dropped = f", {len(found.dropped)} left out" if found.dropped else ""
    return f"{found.mapped} of {found.published} published in {found.stored}{dropped}, {found.compared} compared"


def _tokens(found: Tokens) -> str:
    begins = "begins with BOS" if found.begins.llama_cpp else "no BOS"
    notes = [f"{found.wrong} wrong"] if found.wrong else []
    if found.begins.published and not found.begins.tokenizer:
        notes.append("its settings ask for BOS, which its tokenizer leaves to the template")
    if found.not_normalised:
        notes.append("accents are not composed by llama.cpp")
    if found.marks_taken_otherwise:
        notes.append(f"{found.marks_taken_otherwise} marks of other formats are taken for special")
    return "; ".join([f"{found.words:,} words, {found.strings} hard strings, {begins}", *notes])


def _own(found: Own) -> str:
    begins = "begins with BOS" if found.begins.llama_cpp else "no BOS"
    back = f"{found.strings - found.back_wrong} of {found.strings} hard strings come back"
    return f"{found.words:,} words, {back}, {begins}, answers to {found.prompts - len(found.silent)} prompts"


def _logits(found: Logits) -> str:
    run = "all layers" if found.whole else f"the first {found.layers} of {found.of} layers"
    if found.kl is None or found.largest is None:
        return f"{run}: no numbers"
    figures = f"kl at most {found.kl:.1e}, log-probabilities within {found.largest:.1e}"
    return f"{run} against the published ones, {len(found.prompts)} prompts: {figures}"


def _template(found: Template) -> str:
    if not found.present:
        return "none published"
    count = {v: sum(one.verdict == v for one in found.dialogues) for v in ("same", "not in this template")}
    left = f", {count['not in this template']} that it does not know" if count["not in this template"] else ""
    return f"{count['same']} of {len(found.dialogues)} dialogues as the tokenizer renders them{left}"


def _stop(found: Stop) -> str:
    good = [end.token for end in found.ends if end.stops]
    return f"at {', '.join(good)}" if good else "nowhere"


def _quant(found: Quant) -> str:
    size = f"{found.bytes / 1e9:.2f} GB, {found.bits:.2f} bits per weight"
    if found.error or found.kl is None:
        return f"{size}, not measured: {found.error or 'no number'}"
    same = f", the same first token in {found.same_top:.0f} %" if found.same_top is not None else ""
    return f"{size}, kl {found.kl:.4f}{same}"
