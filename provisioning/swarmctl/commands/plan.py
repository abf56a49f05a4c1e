"""`plan`: what `up` would do here."""

from dataclasses import replace

from swarmctl.commands.falling import held
from swarmctl.commands.formed import formed
from swarmctl.core.plan import Plan
from swarmctl.core.reconcile import reconcile
from swarmctl.effects.observe import observe
from swarmctl.effects.specs import Opened, with_fallbacks
from swarmctl.effects.unconverted import is_weights
from swarmctl.effects.world import World


def plan(opened: Opened, world: World) -> Plan:
    """What `up` would do now, with what it would make of published weights first; changes nothing."""
    found = _here(formed(with_fallbacks(opened, held(opened, world)), world), world)
    if opened.spec.target.vast is None:
        return found
    from swarmctl.commands.wished import foretold  # noqa: PLC0415 - of rented machines alone

    return replace(found, warnings=(*found.warnings, *foretold(opened, world)))


def _here(opened: Opened, world: World) -> Plan:
    if opened.spec.engine.kind == "vllm" or not any(map(is_weights, opened.spec.models.values())):
        return reconcile(opened.spec, observe(opened, world))
    from swarmctl.commands.converted import ready  # noqa: PLC0415 - 0.1 s that most swarms do not need
    from swarmctl.commands.upcoming import upcoming  # noqa: PLC0415 - as above

    made = ready(opened.spec, world)
    first = upcoming(opened.spec, world) if made is opened.spec else None
    opened = replace(opened, spec=made)
    return replace(reconcile(opened.spec, observe(opened, world)), first=first)
