"""Which figures of a certificate refuse a conversion, and why these limits.

Measured on seven architectures with random weights, which feel rounding most, 8 prompts each (kl in nats; largest
difference of a log-probability): stored as f32 at most 5e-7 and 0.004, as f16 2.7e-5 and 0.02, as bf16 1.3e-3 and 0.14,
since llama.cpp rounds activations to the type of the weights. Two matrices exchanged make 0.3 and 4, the rows of one
in another order 0.1 and 1.9.
"""

from collections.abc import Iterator

from swarmctl.core.converting.measured import Failed, Logits, Measured, Own, Quant, Stop, Template, Tensors, Tokens

EXACT = {"F32": (1e-4, 0.02), "F16": (1e-3, 0.1), "BF16": (1e-2, 0.5)}
"""Type of the unquantised file → limits of kl and of the largest difference."""
APART = 0.05
"""Two tensors drawn alike are about 1 apart, one and itself rounded from f32 to bf16 about 0.004, to f16 0.0005."""
LOST = 4.0
"""Nats of a quantisation: beyond it the answers are another model's. Random experts quantised to 4 bits have 1.4."""
LOST_8 = 0.5
"""The same for Q8_0 and for what is not quantised. Random experts have 0.2, published models 0.01 at most."""
_SHOWN = 3


def refusals(certificate: Measured) -> tuple[str, ...]:
    """One sentence each."""
    return tuple(_all(certificate))


def exact(certificate: Measured) -> bool:
    """Every layer was run, and the log-probabilities are those of the published weights."""
    found = certificate.logits
    return isinstance(found, Logits) and found.whole and not any(_logits(certificate, found))


def _all(certificate: Measured) -> Iterator[str]:
    for name in certificate.parts:
        part = getattr(certificate, name)
        if isinstance(part, Failed):
            yield f"{name}: not measured: {part.error}"
        else:
            yield from _part(certificate, part)


def _part(certificate: Measured, part: object) -> Iterator[str]:
    if isinstance(part, Tensors):
        yield from _tensors(part, proved=exact(certificate))
    elif isinstance(part, Tokens):
        yield from _tokens(part)
    elif isinstance(part, Logits):
        yield from _logits(certificate, part)
    elif isinstance(part, Own):
        yield from _own(part)
    else:
        yield from _always(certificate, part)


def _always(certificate: Measured, part: object) -> Iterator[str]:
    """What is asked of any file."""
    if isinstance(part, Template):
        yield from _template(part) if certificate.against == "weights" else _own_template(part)
    elif isinstance(part, Stop):
        yield from _stop(part)
    elif part is certificate.quants and not isinstance(certificate.quants, Failed):
        for label, quant in certificate.quants.items():
            yield from _quant(label, quant)


def _tensors(found: Tensors, *, proved: bool) -> Iterator[str]:
    """Names and moments are of no matter where the whole model is proved to answer alike."""
    if not found.published:
        yield "tensors: none were published"
    if found.source_not_numbers:
        yield f"tensors: published values are NaN or infinite: {_some(found.source_not_numbers)}"
    if found.not_numbers:
        yield f"tensors: values of the result are NaN or infinite: {_some(found.not_numbers)}"
    if found.missing:
        yield f"tensors: in the result, and in no published file: {_some(found.missing)}"
    if proved:
        return
    if found.unplaced:
        yield f"tensors: published, and not in the result: {_some(found.unplaced)}"
    other = [name for name, figure in found.apart.items() if isinstance(figure, str) or figure > APART]
    if other:
        yield f"tensors: the numbers are not the published ones: {_some(other)}"


def _tokens(found: Tokens) -> Iterator[str]:
    begins = found.begins
    if begins.tokenizer != begins.llama_cpp:
        said = "begins with" if begins.tokenizer else "does not begin with"
        yield f"tokenizer: a text {said} token {begins.token} (BOS) as published, and llama.cpp does the opposite"
    if found.wrong:
        case = next(iter(found.wrong_cases), {})
        shown = f"{case.get('text')!r}: {case.get('expected')} became {case.get('got')}" if case else "none is shown"
        yield f"tokenizer: {found.wrong} of {2 * found.strings} readings have other ids; {shown[:200]}"
    if found.other_words:
        case = next(iter(found.other_cases), {})
        shown = f"{case.get('id')} is {case.get('got')!r}, not {case.get('expected')!r}" if case else "none is shown"
        yield f"tokenizer: {found.other_words} of {found.words} ids stand for other words; {shown[:200]}"
    if found.back_wrong:
        yield f"tokenizer: {found.back_wrong} of {found.strings} strings come back as another text"
    if not found.strings:
        yield "tokenizer: no string was tried"


def _template(found: Template) -> Iterator[str]:
    other = [one for one in found.dialogues if one.verdict == "another"]
    refused = [one for one in found.dialogues if one.verdict == "refused"]
    if other:
        yield (
            f"template: {len(other)} of {len(found.dialogues)} dialogues come out otherwise; {other[0].dialogue}: from "
            f"token {other[0].at} on {other[0].got[:60]!r}, where the publisher has {other[0].expected[:60]!r}"
        )
    if refused:
        yield (
            f"template: llama.cpp refuses {len(refused)} of {len(found.dialogues)} dialogues; {refused[0].dialogue}: "
            f"{refused[0].why[:120]}"
        )
    if found.present and not any(one.verdict == "same" for one in found.dialogues):
        yield "template: no dialogue comes out as the publisher's"


def _own(found: Own) -> Iterator[str]:
    """What no model can be served with; a tokenizer that changes some texts may be meant so."""
    if found.not_numbers:
        yield f"file: values are NaN or infinite: {_some(found.not_numbers)}"
    if found.silent:
        yield f"file: its log-probabilities are no numbers after {len(found.silent)} of {found.prompts} prompts"
    if 2 * found.back_wrong > found.strings or not found.strings:
        case = found.back_cases[0] if found.back_cases else {}
        shown = f"; {case.get('text')!r} comes back as {case.get('got')!r}" if case else ""
        yield f"tokenizer: {found.back_wrong} of {found.strings} strings come back as another text{shown}"
    if found.begins.said is not None and found.begins.said != found.begins.llama_cpp:
        yield f"tokenizer: the file says add_bos_token {found.begins.said}, and llama.cpp does the opposite"


def _own_template(found: Template) -> Iterator[str]:
    """Two engines of one text: one dialogue that all templates know must come out alike."""
    wrong = [one for one in found.dialogues if one.verdict != "same"]
    if found.present and len(wrong) == len(found.dialogues):
        yield f"template: none of {len(wrong)} dialogues comes out as the file's own template has it"


def _stop(found: Stop) -> Iterator[str]:
    running = [f"{end.id} {end.token}" for end in found.ends if not end.stops]
    if running:
        yield f"stop: the publisher's end of an answer does not stop llama.cpp: {', '.join(running[:_SHOWN])}"
    if not found.ends:
        yield "stop: no token ends an answer: generation_config.json and the tokenizer name none"
    if not found.goes_on:
        yield "stop: every token ends the answer"


def _logits(certificate: Measured, found: Logits) -> Iterator[str]:
    types = [] if isinstance(certificate.gguf, Failed) else certificate.gguf.types
    kl, largest = EXACT[next((kind for kind in ("BF16", "F16") if kind in types), "F32")]
    worst = [p for p in found.prompts if p.kl is None or p.largest is None or p.kl > kl or p.largest > largest]
    if not found.prompts or found.kl is None or found.largest is None:
        yield "log-probabilities: there are none, or they are no numbers"
    elif worst:
        first = worst[0]
        yield (
            f"log-probabilities: not the published ones after {len(worst)} of {len(found.prompts)} prompts: "
            f"{first.prompt}: kl {_figure(first.kl)} (up to {kl:g}), "
            f"largest difference {_figure(first.largest)} (up to {largest:g})"
        )


def _figure(value: float | None) -> str:
    return "no number" if value is None else f"{value:.2g}"


def _quant(label: str, found: Quant) -> Iterator[str]:
    limit = LOST_8 if label.upper().startswith(("Q8", "F", "BF")) else LOST
    if found.error:
        yield f"{label}: not measured: {found.error}"
    elif found.kl is None:
        yield f"{label}: its divergence from the unquantised model is no number"
    elif found.kl > limit:
        yield f"{label}: {found.kl:.3g} nats from the unquantised model; up to {limit:g} is still the same model"
    if found.changed:
        yield f"{label}: metadata is not the unquantised file's: {_some(found.changed)}"


def _some(names: object) -> str:
    listed = [str(name)[:80] for name in names] if isinstance(names, list | dict) else []
    more = f" and {len(listed) - _SHOWN} more" if len(listed) > _SHOWN else ""
    return ", ".join(listed[:_SHOWN]) + more
