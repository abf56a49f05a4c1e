"""Acting with processes: one plan walked by telling the supervisor what is to run by now."""

import sys
from collections.abc import Iterator
from dataclasses import replace

from swarmctl.core.footprint import footprint, refusals
from swarmctl.core.gguf import GgufFacts
from swarmctl.core.observed import Source
from swarmctl.core.plan import Step
from swarmctl.core.render import Site, settings_file, supervisor_config
from swarmctl.core.settle import settle
from swarmctl.core.stack import Stack
from swarmctl.effects import files, ownserver, swarmkeys
from swarmctl.effects.execute import Job
from swarmctl.errors import CapacityError


def _read(stack: Stack) -> Iterator[str]:
    """Models whose files its engines read."""
    for service in stack.services:
        if service.kind == "engine":
            yield service.subject
            yield from (edit["model"] for edit in service.settings.get("adapters", ()))


class ProcessJob(Job):
    """A plan for processes of this machine."""

    _running: dict[str, str]

    def begin(self) -> None:
        """End what cannot be kept, and write down what will run."""
        found = (*self.observed.services, *(self.observed.strays if self.observed.prepared else ()))
        self._running = {service.name: service.hash for service in found}
        if self.observed.stale or not self.observed.prepared:
            # What runs has other code or keys than it will be asked with: none of it can be kept.
            self.world.runtime(self.spec.name).stop()
            self._running = {}
        self.remember()

    def prepare(self, _n: int, _step: Step) -> None:
        """Keys."""
        swarmkeys.make(self.world.places(self.spec.name))

    def load(self, n: int, step: Step) -> None:
        """A model into the store; one of which nothing was known is weighed as soon as it is here."""
        source = self.spec.models[step.subject]
        facts = self.fetch(n, step)
        if self.observed.sources[source.key].facts is None:
            self.fits(source.key, facts)

    def fits(self, key: str, facts: GgufFacts) -> None:
        """Raises CapacityError when the swarm does not fit with these facts of a model."""
        known = replace(self.observed, sources={**self.observed.sources, key: Source(key, True, facts)})
        fixed = self.spec.placement.model_copy(update={"give": ()})
        settled = settle(self.spec.model_copy(update={"placement": fixed}), known)
        refused = refusals(settled, known, footprint(self.spec, known, settled.placement))
        if refused:
            raise CapacityError(refused[0], detail="\n".join(refused[1:]), hint="swarmctl plan")

    def deploy(self, _n: int, step: Step) -> None:
        """A process of its own."""
        service, site = self._stack.service(step.subject), self._site()
        path = site.places.service(service.name)
        files.write(path, settings_file(self._stack, service, site).model_dump_json(indent=1))
        supervised = any(service.name == known.name for known in self.observed.services)
        again = supervised and self._running.get(service.name) == service.hash
        self._running[service.name] = service.hash
        self._apply(site)
        if again:
            self.world.runtime(self.spec.name).restart(service.name)

    def release(self, _n: int, step: Step) -> None:
        """A process that is not wanted any more ends."""
        self._running.pop(step.subject, None)
        self._apply(self._site())

    @property
    def _stack(self) -> Stack:
        (stack,) = self.plan.stacks
        return stack

    def _apply(self, site: Site) -> None:
        """Tell the supervisor what is to run by now: what ran before and what was deployed so far."""
        kept = [service for service in self._stack.services if self._running.get(service.name) == service.hash]
        self.world.runtime(self.spec.name).apply(supervisor_config(self._stack, kept, site))

    def _site(self) -> Site:
        world, models = self.world, self.spec.models
        held = {models[name].key: world.store.held(models[name]) for name in _read(self._stack)}
        return Site(
            places=world.places(self.spec.name),
            socket=str(world.runtime(self.spec.name).socket),
            home=world.runtime(self.spec.name).home,
            ports=self.plan.ports,
            blobs={key: str(item.blob) for key, item in held.items() if item is not None},
            prompts=self.observed.prompts,
            python=sys.executable,
            server=ownserver.path() if self.observed.engine == "binary" else "",
            cards=tuple(gpu.uuid for gpu in self.observed.machine.gpus),
        )
