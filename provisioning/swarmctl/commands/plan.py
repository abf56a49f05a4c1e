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
    """What `up` would do now; changes nothing."""
    opened = formed(with_fallbacks(opened, held(opened, world)), world)
    opened = _ready(opened, world)
    return reconcile(opened.spec, observe(opened, world))


def _ready(opened: Opened, world: World) -> Opened:
    """The same with the files that became of published weights, where they were converted already."""
    if not any(map(is_weights, opened.spec.models.values())):
        return opened
    from swarmctl.commands.converted import ready  # noqa: PLC0415 - 0.1 s that most swarms do not need

    return replace(opened, spec=ready(opened.spec, world))
