"""A swarm as people read it: what runs, what was proved, what it used."""

import json
from dataclasses import asdict
from datetime import datetime
from typing import TYPE_CHECKING

from swarmctl.console import Console
from swarmctl.core.parts.names import whole
from swarmctl.core.units import as_duration

if TYPE_CHECKING:
    # What is shown was made elsewhere: importing its makers would cost each command what the slowest one needs.
    from swarmctl.commands.check import Round
    from swarmctl.commands.cost import Cost
    from swarmctl.commands.doctor import Diagnosis
    from swarmctl.commands.models import ModelLine
    from swarmctl.commands.status import AgentLine, Status
    from swarmctl.core.verdict import Verdict
    from swarmctl.effects.ledger import Event

_MB = 1_000_000
_BACK = 5.0
"""Seconds by which two looks at one clock may differ."""


def show_status(console: Console, status: "Status") -> None:
    """One line on the whole, a table of services, the faults."""
    if console.as_json:
        console.json(status.as_json())
        return
    if not status.up:
        console.data(f"swarm '{status.swarm}' is down" + ("" if not status.faults else ", as far as can be seen"))
        _faults(console, status)
        return
    health = console.style("as it should be", "green") if not status.faults else console.style("has faults", "red")
    console.data(f"swarm '{status.swarm}' {health}; {_proved(status.verdict, status.at)}")
    if status.looked is not None:
        console.data(f"looked at since, without asking: {_proved(status.looked, status.at)}")
    for machine in status.machines:
        console.data(machine.text(status.at.timestamp()))
    rows = [
        [s.name, s.state, s.pid or "-", s.port or "-", s.restarts, round(s.memory), s.note] for s in status.services
    ]
    console.data(console.table(["service", "state", "pid", "port", "restarts", "MiB", ""], rows))
    _faults(console, status)


def _faults(console: Console, status: "Status") -> None:
    for fault in status.faults:
        console.data(f"{console.style('fault', 'red')}: {fault}")


def _proved(verdict: "Verdict | None", now: datetime) -> str:
    if verdict is None:
        return "never proved"
    return proved_ago(verdict, (now - verdict.at).total_seconds())


def proved_ago(verdict: "Verdict", age: float) -> str:
    """A verdict in one sentence. age: seconds, less than zero when the clock was set back since."""
    if age < -_BACK:
        return f"{verdict.summary} (dated {as_duration(-age)} ahead: the clock was set back)"
    return f"{verdict.summary} ({as_duration(max(0, age))} ago)"


def show_verdict(console: Console, verdict: "Verdict") -> None:
    """Every proof with its mark, and the evidence of those that failed."""
    if console.as_json:
        console.json(verdict.as_json())
        return
    width = max((len(p.subject) for p in verdict.proofs), default=0)
    for proof in verdict.proofs:
        good = {"pass": True, "fail": False}.get(proof.verdict)
        console.data(f"{console.mark(good)} {proof.subject:<{width}}  {proof.name}: {proof.measured}")
        if good is not True:
            console.data(
                f"     promised: {proof.promised}" + (f"\n     evidence: {proof.evidence}" if proof.evidence else "")
            )
            if proof.mend:
                console.data(f"     mend: {proof.mend}")
    asked = "models were not asked" if verdict.depth == "look" else "models were asked, which loads and wakes them"
    console.data(f"{verdict.summary}, in {verdict.seconds:.1f} s; {asked}")


def show_round(console: Console, one: "Round") -> None:
    """A line a look; the whole table when the outcome is another than before. With --json an object a line."""
    console.redraw("")
    if console.as_json:
        said = one.verdict.as_json() if one.verdict else {"schema": "swarmctl/verdict/v1", "problem": one.problem}
        console.data(json.dumps(said, ensure_ascii=False))
        return
    if one.verdict is None:
        console.data(f"{console.mark(False)} look {one.number}: {one.problem}")
        return
    if one.changed:
        show_verdict(console, one.verdict)
    at = f"{one.verdict.at.astimezone():%H:%M:%S}"
    console.data(f"{console.mark(one.verdict.passed)} look {one.number} at {at}: {one.verdict.summary}")


def show_agents(console: Console, swarm: str, lines: "list[AgentLine]") -> None:
    """The roles."""
    if console.as_json:
        console.json({"schema": "swarmctl/agents/v1", "swarm": swarm, "agents": [asdict(line) for line in lines]})
        return
    rows = [[a.role, a.model, a.context, a.output, a.url, "answers" if a.answers else "silent"] for a in lines]
    console.data(console.table(["role", "model", "context", "output", "address", "card"], rows))


def show_cost(console: Console, cost: "Cost") -> None:
    """What was used and burned."""
    if console.as_json:
        roles = [{"role": c.role, "runs": c.runs, **c.usage.model_dump()} for c in cost.lines]
        console.json(
            {
                "schema": "swarmctl/cost/v1",
                "swarm": cost.swarm,
                "rate": str(cost.rate),
                "burned": str(cost.burned),
                "roles": roles,
                "machines": [machine.as_json() for machine in cost.machines],
            }
        )
        return
    rows = [
        [c.role, c.runs, c.usage.requests, c.usage.tokens_in, c.usage.tokens_out, round(c.usage.seconds, 1)]
        for c in cost.lines
    ]
    console.data(console.table(["role", "runs", "requests", "tokens in", "tokens out", "seconds"], rows))
    if cost.machines:
        from swarmctl.console.money import show_machines  # noqa: PLC0415 - brings the market's client with it

        show_machines(console, cost)
    else:
        console.data(f"burned ${cost.burned:.2f} at ${cost.rate:.2f}/h: this is your own machine")


def show_models(console: Console, lines: "list[ModelLine]") -> None:
    """The store."""
    if console.as_json:
        models = [
            {
                "key": m.model.key,
                "sha256": m.model.sha256,
                "bytes": m.model.bytes,
                "file": None if m.there else str(getattr(m.model, "blob", "")),
                "there": list(m.there),
                "used_by": list(m.users),
            }
            for m in lines
        ]
        console.json({"schema": "swarmctl/models/v1", "models": models})
        return
    rows = [
        [
            m.model.sha256[:12],
            round(m.model.bytes / _MB),
            m.model.facts.model.architecture,
            m.model.key,
            (", ".join(m.users) or "-") + (f", on {', '.join(m.there)} alone" if m.there else ""),
        ]
        for m in lines
    ]
    console.data(console.table(["sha256", "MB", "family", "source", "used by"], rows) if rows else "the store is empty")


def show_history(console: Console, events: "list[Event]") -> None:
    """Who did what, when, with what result."""
    if console.as_json:
        console.json({"schema": "swarmctl/history/v1", "events": [_event(e) for e in events]})
        return
    rows = [
        [
            f"{e.begun.astimezone():%Y-%m-%d %H:%M:%S}",
            "{} ({})".format(*part) if (part := whole(e.swarm)) else e.swarm,
            e.what + (f" {e.detail['run']}" if "run" in e.detail else ""),
            e.who,
            e.result or "unfinished",
            as_duration((e.ended - e.begun).total_seconds()) if e.ended else "-",
            e.note[:70],
        ]
        for e in events
    ]
    console.data(console.table(["when", "swarm", "what", "who", "result", "took", ""], rows) if rows else "nothing yet")


def _event(event: "Event") -> dict[str, object]:
    ended = event.ended.isoformat() if event.ended else None
    swarm, slot = whole(event.swarm) or (event.swarm, "")
    whose = {"swarm": swarm, "slot": slot}
    return {**asdict(event), **whose, "begun": event.begun.isoformat(), "ended": ended, "detail": dict(event.detail)}


def show_doctor(console: Console, diagnosis: "Diagnosis") -> None:
    """This machine."""
    if console.as_json:
        console.json(
            {
                "schema": "swarmctl/doctor/v1",
                "ready": diagnosis.ready,
                "machine": asdict(diagnosis.machine),
                "findings": [asdict(f) for f in diagnosis.findings],
            }
        )
        return
    console.data(f"{diagnosis.machine.system}, {diagnosis.machine.cores} cores")
    for finding in diagnosis.findings:
        good = {"ok": True, "missing": False}.get(finding.level)
        console.data(f"{console.mark(good)} {finding.name:<8} {finding.found}")
        if good is not True and finding.needed_for:
            mend = f"; mend: {finding.mend}" if finding.mend else ""
            console.data(f"     needed for: {finding.needed_for}{mend}")
    console.data("a swarm can run here" if diagnosis.ready else "a swarm cannot run here yet")
