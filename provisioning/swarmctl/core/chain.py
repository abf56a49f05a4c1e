"""What the steps of a plan count as in the chain from nothing to a proved swarm."""

from swarmctl.core.plan import Step, Verb

_PARTS = {Verb.DEPLOY: "containers", Verb.CHECK: "proofs", Verb.RELEASE: "release"}


def part(step: Step) -> str:
    """`images`, `models`, `load`…"""
    if step.verb is Verb.PREPARE:
        return "keys and folders" if step.subject == "local host" else "images"
    if step.verb is Verb.LOAD:
        return "load" if "/" in step.where else "models"
    return _PARTS[step.verb]
