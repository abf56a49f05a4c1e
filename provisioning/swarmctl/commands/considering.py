"""What would be rented for a swarm: a virtual machine, or a container where no machine fits or processes are wanted."""

from dataclasses import dataclass, replace

from swarmctl.commands.offers import Terms, offers
from swarmctl.core.leasing.promise import Promise, promise
from swarmctl.core.leasing.ranking import Choice, Ranked
from swarmctl.core.processform import as_processes, lost, may_be_processes
from swarmctl.core.settle import unserved
from swarmctl.core.target import VastTarget
from swarmctl.effects.providers.provider import Provider
from swarmctl.effects.specs import Opened
from swarmctl.effects.world import World
from swarmctl.errors import CapacityError


@dataclass(frozen=True, slots=True)
class Considered:
    """choice: what would be rented. agreed: what that would promise. ranked: all that will do. opened: for which."""

    choice: Choice
    agreed: Promise
    ranked: Ranked
    opened: Opened


def considered(opened: Opened, world: World, market: Provider | None = None) -> Considered:
    """What would be rented: a virtual machine, or a container where processes are asked for, or where no machine fits.

    Raises CapacityError, ProviderError.
    """
    spec, target = opened.spec, opened.spec.target.vast or VastTarget.model_validate({})
    if spec.runtime == "process":
        if wrong := tuple(unserved(spec)):  # before a machine is paid for
            raise CapacityError(wrong[0], detail="\n".join(wrong[1:]), hint="swarmctl plan")
        return _considered(_cheapest(opened, target, world, market), target, opened, lost(spec))
    try:
        return _considered(_cheapest(opened, target, world, market), target, opened, ())
    except CapacityError as e:
        other = replace(opened, spec=as_processes(spec))
        if not may_be_processes(spec, opened.loaded.origins) or any(unserved(other.spec)):
            raise
        try:
            found = _cheapest(other, target, world, market)
        except CapacityError:
            raise e from None
        why = (f"a container, since no virtual machine will do: {e.message}",)
        return _considered(found, target, other, (*why, *e.detail.splitlines()[:2], *lost(other.spec)))


def _considered(found: Ranked, target: VastTarget, opened: Opened, notes: tuple[str, ...]) -> Considered:
    return Considered(found.choices[0], promise(target, found.choices[0], notes), found, opened)


def _cheapest(opened: Opened, target: VastTarget, world: World, market: Provider | None) -> Ranked:
    processes = opened.spec.runtime == "process"
    found = offers(opened, _terms(target, vm=not processes), world, market).ranked
    if not found.choices:
        raise CapacityError("no offer will do", detail=found.why(), hint="swarmctl offers   (with wider conditions)")
    return found


def _terms(target: VastTarget, *, vm: bool = True) -> Terms:
    from swarmctl.effects.providers.where import conditions  # noqa: PLC0415 - the market's own package, where it is used

    return Terms(
        gpu=target.gpu,
        max_price=target.max_price,
        ttl=target.ttl,
        regions=target.regions,
        datacenter=target.datacenter,
        vm=vm,
        spot=target.spot,
        unverified=target.unverified,
        where=conditions(target.where) if target.where else {},
    )
