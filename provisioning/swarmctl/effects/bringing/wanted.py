"""What of a swarm file says which models go to its machine, and by which right."""

from swarmctl.core.spec import ModelSource, SwarmSpec


def wanted(spec: SwarmSpec) -> list[ModelSource]:
    """Files that a swarm's servers read: of its roles, and what those build on."""
    used = {name for name in spec.models if spec.users(name)}
    used |= {other for name in used for other in (spec.models[name].base, spec.models[name].draft) if other}
    return [source for name, source in spec.models.items() if name in used]


def lends_token(spec: SwarmSpec) -> bool:
    """The swarm file says that the machine may use the hub's token."""
    target = spec.target.vast or spec.target.ssh
    return target is not None and target.hub_token
