"""Judges a container as the Engine has it: it runs, is healthy, and runs what was planned."""

from swarmctl.core.containers import Container
from swarmctl.core.hints import logs
from swarmctl.core.proof import Proof, outcome

DEATHS = 2
"""Starts by its restart policy after which a container must first show that it is well."""


def up_proof(service: str, swarm: str, wanted: str, found: Container | None, before: int | None = None) -> Proof:
    """It runs, its check passes, and its config hash is the planned one ("" where that does not matter).

    A restart that healed it is counted, and no fault, unless it happened while it was asked: before is their number
    then. One that is still starting is not known to be well; one that does so again and again is not.
    """
    name, promised, mend = "container up", "running, as planned", f"swarmctl up --swarm {swarm}"
    if found is None:
        return Proof(name, service, promised, "none", "docker ps", "fail", mend)
    words = _said(found)
    drifted = bool(wanted) and found.hash != wanted
    if drifted:
        words.append(f"config {found.hash or 'none'}, not {wanted}")
    runs = found.state == "running" and found.health in {"", "healthy", "starting"}
    fell = before is not None and found.restarts > before
    if fell:
        words.append("it ended while it was asked")
    verdict = outcome(runs and not drifted and not fell)
    if verdict == "pass" and found.health == "starting":
        verdict = "fail" if found.restarts >= DEATHS else "unknown"
    evidence = f"docker inspect {found.id[:12]}"
    if not runs or found.restarts:
        mend = logs(swarm, service)
    return Proof(name, service, promised, ", ".join(words), evidence, verdict, mend)


def _said(found: Container) -> list[str]:
    """Its state in words."""
    restarts = f"{found.restarts} restarts" if found.restarts else ""
    limit = "its memory limit was met" if found.oom else ""
    return [word for word in (found.state, found.health, restarts, found.ended, limit) if word]
