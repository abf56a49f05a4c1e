"""`plan`: what `up` would do here."""

from swarmctl.core.plan import Plan
from swarmctl.core.reconcile import reconcile
from swarmctl.effects.observe import observe
from swarmctl.effects.specs import Opened
from swarmctl.effects.world import World


def plan(opened: Opened, world: World) -> Plan:
    """What `up` would do now; changes nothing."""
    return reconcile(opened.spec, observe(opened, world))
