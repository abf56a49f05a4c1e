"""Deciding for containers: what has to be done so that a swarm's stacks run as its file says."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from swarmctl.core.asmade import altered
from swarmctl.core.composed import Composed, composed, host_of, running_services, used_images
from swarmctl.core.composehost import OPEN, ServerSeen
from swarmctl.core.composesite import ComposeSite
from swarmctl.core.drift import SICK, container_drift, model_drift, wishes
from swarmctl.core.loads import files_of, loads
from swarmctl.core.modelfile import modelfile, read
from swarmctl.core.moves import homes, moves, other_card, without_moves
from swarmctl.core.observed import Observed
from swarmctl.core.ollama.order import Wish
from swarmctl.core.placement.placement import Placement
from swarmctl.core.plan import Memory, Plan, Step, Verb
from swarmctl.core.spec import SwarmSpec
from swarmctl.core.stack import Service, Stack, stack_hash
from swarmctl.core.stackfiles import asked, compose_file, of_kind, stack_files
from swarmctl.core.trial import AGENT_IDLE, room, upgrade
from swarmctl.core.trialname import TRIAL


@dataclass(frozen=True, slots=True)
class _Drift:
    """What is not as it should be. anew: by stack, containers to be made, with the cause. served: models to be loaded.

    upgraded: what of a proved swarm would be served otherwise. full: why both cannot run at once.
    """

    anew: Mapping[str, Mapping[str, str]]
    served: Mapping[str, Sequence[Step]]
    upgraded: str = ""
    full: str = ""


def reconcile_compose(spec: SwarmSpec, observed: Observed) -> Plan:
    """What has to be done so that the swarm's containers run as its file says; nothing, when they do already."""
    made = composed(spec, observed)
    if not isinstance(made, Composed):
        return Plan(spec.name, ram_free=observed.machine.ram_free, refusals=made)
    drift = _drift(made, observed)
    untried = f"{drift.upgraded} cannot be tried beside the old one: {drift.full}; it comes back if the new one fails"
    return Plan(
        swarm=spec.name,
        stacks=made.stacks,
        steps=tuple(_steps(spec, made, observed, drift)),
        memory=tuple(_memory(spec, made.placement)),
        ram_free=observed.machine.ram_free,
        ports=made.site.ports,
        warnings=(*made.notes, *([untried] if drift.full else [])),
        site=made.site,
    )


def _drift(made: Composed, observed: Observed) -> _Drift:
    written = stack_files(made.stacks, made.site, observed.prompts, host_of(observed).written)
    left = without_moves(made, observed)
    anew = {stack.where: dict(_anew(stack, made, written, left)) for stack in made.stacks}
    served = {stack.where: list(_models(stack, made, observed, set(anew[stack.where]))) for stack in made.stacks}
    every = {name: cause for names in anew.values() for name, cause in names.items()}
    what = upgrade(every, [step for steps in served.values() for step in steps], made, observed)
    return _Drift(anew, served, what, room(made, observed) if what else "")


def _steps(spec: SwarmSpec, made: Composed, observed: Observed, drift: _Drift) -> Iterator[Step]:
    slot = made.stacks[0].slot
    changes = [*moves(made, observed), *_preparations(spec, made, observed)]
    if drift.upgraded and not drift.full:
        changes.append(Step(Verb.CHECK, slot, TRIAL, f"{drift.upgraded} is proved beside the old one first"))
    for stack in made.stacks:
        if names := drift.anew[stack.where]:
            changes.append(Step(Verb.DEPLOY, stack.where, _counted(names, stack), _causes(names)))
        changes += drift.served[stack.where]
    changes += _superfluous(made, observed)
    if changes:
        changes += _asleep(made, observed, changes)
    yield from changes
    if changes:
        yield Step(Verb.CHECK, slot, "all proofs", f"after #{len(changes)}")
    elif observed.proved != stack_hash(made.stacks):
        yield Step(Verb.CHECK, slot, "all proofs", "not proved yet in this form")


def _preparations(spec: SwarmSpec, made: Composed, observed: Observed) -> Iterator[Step]:
    """What containers stand on: the host, their images, the files of their models."""
    host, slot = host_of(observed), made.stacks[0].slot
    if not observed.prepared:
        yield Step(Verb.PREPARE, slot, "local host", observed.unprepared or "no state of this swarm here")
    for image in (name for name in used_images(made.stacks) if name not in host.images):
        yield Step(Verb.PREPARE, slot, image, "what it is built from changed" if image in host.seen else "not here")
    yield from loads(spec, dict(files_of(spec, made.placement)), observed, slot)


def _anew(stack: Stack, made: Composed, written: Mapping[str, str], observed: Observed) -> Iterator[tuple[str, str]]:
    """Containers of a stack that must be made or made anew, with the cause."""
    host, running = host_of(observed), {s.name: s for s in observed.services}
    renamed = host.written.get(compose_file(stack)) not in {None, written[compose_file(stack)]}
    for service in running_services(stack):
        settings = f"services/{service.name}.json"
        strange = settings in written and host.written.get(settings) != written[settings]
        cause = (
            container_drift(service, running.get(service.name), host)
            or (observed.unprepared if unfounded(observed) else "")
            or ("its settings file is not as it should be" if strange else "")
            or other_card(stack, made, running.get(service.name))
            or altered(stack, service, host.made.get(service.name), made.site)
            or ("its Compose file changed" if renamed else "")
        )
        if cause:
            yield service.name, cause


def spoilt(stack: Stack, site: ComposeSite, observed: Observed) -> list[str]:
    """Containers that Compose would leave as they are: sick, on nothing, or altered since they were made."""
    mine, made = {s.name: s for s in running_services(stack)}, host_of(observed).made
    found = []
    for one in (one for one in observed.services if one.name in mine and one.gpu == stack.gpu):
        wanted = mine[one.name]
        changed = one.hash == wanted.hash and altered(stack, wanted, made.get(one.name), site)
        if changed or one.state in SICK or unfounded(observed):
            found.append(one.name)
    return found


def unfounded(observed: Observed) -> bool:
    """Containers that run stand on keys or a network that are gone: none of them can be kept."""
    return not observed.prepared and observed.unprepared != OPEN


def _counted(anew: Mapping[str, str], stack: Stack) -> str:
    if len(anew) == 1:
        return next(iter(anew))
    every = len(running_services(stack))
    return f"{len(anew)} containers" if len(anew) == every else f"{len(anew)} of {every} containers"


def _causes(anew: Mapping[str, str]) -> str:
    by_cause: dict[str, list[str]] = {}
    for name, cause in anew.items():
        by_cause.setdefault(cause, []).append(name)
    if len(by_cause) == 1:
        return next(iter(by_cause))
    return "; ".join(f"{', '.join(names)}: {cause}" for cause, names in by_cause.items())


def _models(stack: Stack, made: Composed, observed: Observed, anew: set[str]) -> Iterator[Step]:
    """Models that must be given to their servers or loaded; in the order in which they are loaded."""
    for server in (s for s in stack.services if s.kind == "engine" and s.settings["engine"] == "ollama"):
        mine = [s for s in stack.services if s.kind == "model" and s.needs == (server.name,)]
        loads = [wish.name for wish in wishes(mine, _sizes(made), most_loaded(server))]
        for service in sorted(mine, key=lambda s: _at(loads, s.subject)):
            cause = (
                f"{server.name} is made anew" if server.name in anew else _why(service, server, made, observed, loads)
            )
            if cause:
                yield Step(Verb.LOAD, stack.where, service.name, cause)


def _asleep(made: Composed, observed: Observed, changes: Sequence[Step]) -> list[Step]:
    """Models that sleep while all are about to be proved; where only some may be loaded, any that are will do."""
    told, found = {(step.where, step.subject) for step in changes}, list[Step]()
    for stack in made.stacks:
        for server in (s for s in stack.services if s.kind == "engine" and s.settings["engine"] == "ollama"):
            seen = host_of(observed).servers.get(server.name)
            if seen is None or seen.problem:
                continue
            mine = [s for s in stack.services if s.kind == "model" and s.needs == (server.name,)]
            loads = [wish.name for wish in wishes(mine, _sizes(made), most_loaded(server))]
            full = len(loads) < len(mine) and len(seen.loaded) >= len(loads)
            for service in sorted(mine, key=lambda s: _at(loads, s.subject)):
                asleep = service.subject in loads and service.subject not in seen.loaded and not full
                if asleep and (stack.where, service.name) not in told:
                    found.append(Step(Verb.LOAD, stack.where, service.name, "sleeps, and all are proved"))
    return found


def _why(service: Service, server: Service, made: Composed, observed: Observed, loads: Sequence[str]) -> str:
    """Why a model is not as it should be.

    Where fewer may be loaded than there are, any of them will do. One that does not stay for ever may have gone to
    sleep since it was proved.
    """
    host, s = host_of(observed), service.settings
    seen = host.servers.get(server.name, ServerSeen(problem="its server does not run"))
    wanted = read(modelfile(asked(service, made.site, host.digests.get(s["source"], "")), host.modelfiles))
    others = len(loads) < sum(1 for one in of_kind(made.stacks, "model") if one.needs == service.needs)
    full = others and len(seen.loaded) >= len(loads)
    proved = observed.proved == stack_hash(made.stacks)
    awake = service.subject in loads and not full and (s["keep_alive"] < 0 or not proved)
    wish = Wish(service.subject, 0, s["keep_alive"])
    return model_drift(wish, wanted, seen, awake=awake, context=s["context"], device=s["device"])


def most_loaded(server: Service) -> int:
    """Models that a server may have loaded at once."""
    return int(server.settings["environment"]["OLLAMA_MAX_LOADED_MODELS"])


def _sizes(made: Composed) -> dict[str, int]:
    by_model = {process.models[0]: process.weights.total for process in made.placement.processes}
    return {s.settings["source"]: by_model.get(s.subject, 0) for s in of_kind(made.stacks, "model")}


def _at(loads: Sequence[str], name: str) -> int:
    return loads.index(name) if name in loads else len(loads)


def _superfluous(made: Composed, observed: Observed) -> Iterator[Step]:
    wanted = homes(made)
    where = {s.name: f"{made.stacks[0].slot}/{s.gpu}" for s in without_moves(made, observed).services}
    for service in without_moves(made, observed).services:
        if service.name not in wanted and not service.name.startswith("converter"):
            yield Step(Verb.RELEASE, where.get(service.name, made.stacks[0].where), service.name, "not in the file")
    models = {s.subject for s in of_kind(made.stacks, "model")}
    for server, seen in host_of(observed).servers.items():
        for name in sorted(set(seen.created) - models) if server in wanted else ():
            yield Step(Verb.RELEASE, where.get(server, made.stacks[0].where), f"model-{name}", "not in the file")


def _memory(spec: SwarmSpec, placed: Placement) -> Iterator[Memory]:
    """What each process takes of the host's memory; what it takes of a card stands in `plan --gpu here`."""
    for process in placed.processes:
        need, really = process.need.host, process.expected.host.total
        place_of = "cpu" if process.gpu is None else f"gpu{process.gpu}"
        name = f"{place_of} {process.name.removeprefix('engine-')}"
        yield Memory(name, need.weights, need.kv, need.compute + need.output, need.other, expected=really)
    agents = AGENT_IDLE * len(spec.roles)
    yield Memory(f"{len(spec.roles)} agents", 0.0, 0.0, 0.0, agents, expected=agents)
