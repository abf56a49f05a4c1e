"""Judges how a model is spoken to: its chat format, its tools, and where it stops."""

from collections.abc import Sequence

from swarmctl.core import chatformat
from swarmctl.core.modelfile import OWN
from swarmctl.core.ollama.api import Said
from swarmctl.core.ollama.proof import Promise
from swarmctl.core.proof import Proof, outcome

TOOL = {
    "type": "function",
    "function": {
        "name": "look_around",
        "description": "Looks.",
        "parameters": {"type": "object", "properties": {"at": {"type": "string"}}},
    },
}
_NAME = "look_around"
_QUOTE = 200


def format_proof(promise: Promise, family: str, rendered: str, problem: str = "") -> Proof:
    """What the model gets of a conversation is its family's format, to the letter. rendered: of chatformat.TALK.

    problem: why nothing was rendered.
    """
    name = "chat format in force"
    promised = "the file's own format" if family == OWN else f"{family}, to the letter"
    if problem:
        return Proof(name, promise.subject, promised, "not rendered", problem, "fail", promise.mend)
    wrong = chatformat.differs(family, rendered)
    evidence = f"_debug_render_only: {rendered!r}"[:_QUOTE]
    return Proof(name, promise.subject, promised, wrong or promised, evidence, outcome(not wrong), promise.mend)


def tools_proof(
    promise: Promise, can: bool | None, capabilities: Sequence[str], rendered: str, problem: str = ""
) -> Proof:
    """Tools are declared where the format has them, and a declared tool reaches the model.

    can: the format has tools; None where that is the file's own matter. rendered: of a question with one tool.
    """
    name = "tools in force"
    said = "tools" in capabilities
    wanted = said if can is None else can
    promised = "declared, and written into the prompt" if wanted else "none: its format has no tools"
    evidence = f"capabilities of /api/show: {', '.join(capabilities) or 'none'}"
    if problem:
        return Proof(name, promise.subject, promised, "not rendered", problem, "fail", promise.mend)
    written = _NAME in rendered
    measured = f"{'declared' if said else 'not declared'}, {'written' if written else 'not written'} into the prompt"
    holds = said == wanted and written == wanted
    return Proof(name, promise.subject, promised, measured, evidence, outcome(holds), promise.mend)


def stop_proof(
    promise: Promise, planned: Sequence[str], stored: Sequence[str], said: Said | str, mark: str, first: Said | str
) -> Proof:
    """Stop words are those of the format, none is left in an answer, and the engine does stop at one.

    said: the answer to the same question as `first` when it must stop at `mark`.
    """
    name = "stop in force"
    promised = f"stops at {', '.join(planned) or 'its own end'}"
    if set(planned) != set(stored):
        measured = f"its stop words are {', '.join(stored) or 'none'}"
        return Proof(name, promise.subject, promised, measured, "/api/show", "fail", promise.mend)
    leaked = [word for word in planned if isinstance(first, Said) and word in first.text]
    if leaked:
        evidence = repr(first.text[:60]) if isinstance(first, Said) else ""
        return Proof(name, promise.subject, promised, f"{leaked[0]} in an answer", evidence, "fail", promise.mend)
    if isinstance(said, str) or not mark:
        reason = said if isinstance(said, str) else "its answer holds nothing to stop at"
        return Proof(name, promise.subject, promised, "not tried", reason, "unknown", promise.mend)
    measured = f"asked to stop at {mark!r}: {said.tokens} tokens, done_reason {said.reason}"
    verdict = outcome(mark not in said.text and said.reason == "stop")
    if mark not in said.text and said.reason == "length":
        verdict = "unknown"  # it said something else this time, so nothing was there to stop at
    return Proof(name, promise.subject, promised, measured, repr(said.text[:60]), verdict, promise.mend)
