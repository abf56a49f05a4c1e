"""Acting with containers: one plan walked by Docker Compose and Ollama's API."""

from collections.abc import Callable, Iterable
from pathlib import Path

from swarmctl.core.compose import labels, shared
from swarmctl.core.composed import host_of, used_images
from swarmctl.core.composeplan import most_loaded, spoilt
from swarmctl.core.composesite import ComposeSite
from swarmctl.core.containers import bridge, isolated
from swarmctl.core.drift import LEFT_OUT, wishes
from swarmctl.core.modelfile import modelfile
from swarmctl.core.ollama.order import Wish
from swarmctl.core.places import Places
from swarmctl.core.plan import Step
from swarmctl.core.reconcile import reconcile
from swarmctl.core.render import HOST
from swarmctl.core.specfile import Loaded
from swarmctl.core.stack import Service, Stack
from swarmctl.core.stackfiles import asked, compose_file, of_kind, stack_files
from swarmctl.core.trial import trial_spec
from swarmctl.core.trialname import TRIAL
from swarmctl.core.verdict import Verdict
from swarmctl.effects import files, hostwall, imaging, swarmkeys
from swarmctl.effects.ahead import SENDING, Ahead
from swarmctl.effects.bringing.given import Given
from swarmctl.effects.clearing import clear
from swarmctl.effects.clock import wait_until
from swarmctl.effects.connections.connection import Connection
from swarmctl.effects.engines.elsewhere import Elsewhere
from swarmctl.effects.engines.ollama import Ollama
from swarmctl.effects.execute import Job, Progress, StepEnded
from swarmctl.effects.hosts.images import provide
from swarmctl.effects.lockfile import write_lock
from swarmctl.effects.observe import observe
from swarmctl.effects.paths import private
from swarmctl.effects.runtimes.compose import ComposeRuntime
from swarmctl.effects.serving import serve, stay
from swarmctl.effects.specs import Opened
from swarmctl.errors import CapacityError, DeployError, HostError

_ANSWERS = 60.0
"""Seconds for a server that was just started to answer."""
_DEATHS = 2
"""Starts by its restart policy after which a container that does not answer is given up."""


class ComposeJob(Job):
    """A plan for containers of one machine, this one or one that SSH reaches."""

    _loaded: dict[str, list[str]]
    _ahead: Ahead
    _given: Given

    def execute(self) -> Verdict | None:
        """Walk the steps; what was sent ahead of them is broken off with them."""
        with Ahead(SENDING if self._over.name else 1) as self._ahead:
            return super().execute()

    def ready(self) -> None:
        """Docker's Compose is here. Raises HostError."""
        self._runtime.able()

    def begin(self) -> None:
        """Write down what will run."""
        self._loaded = {}
        self.remember()
        self._over.forward(list(self.plan.ports.values()))
        self._given = Given(self.spec, self.world, self._over, self.world.placed(self.spec.name))
        self._given.begin(self.plan)

    def prepare(self, n: int, step: Step) -> None:
        """Keys, folders, network and volume; or an image."""
        if step.subject != "local host":
            host = host_of(self.observed)
            self._given.image(step.subject, self._brought(n))
            provide(step.subject, host.lock, lambda text: self.tell(Progress(n, text)), self._over)
            return
        self.tell(Progress(n, "keys, folders, network"))
        places = self.world.places(self.spec.name)
        swarmkeys.make(places)
        _folders(self.plan.stacks, places)
        self._over.bring(places.root, "secrets", "services", "data")
        self._over.settle()
        first = self.plan.stacks[0]
        closed = self._site.dialect.isolated
        options = ["--internal", *(["--opt", _ISOLATED] if closed else [])]
        settings = {"internal": True, "isolated": closed}
        self._runtime.make_network(shared(first, "agents"), labels(first, settings, "all"), options)
        self._wall()
        self._runtime.make_volume(shared(first, "models"), labels(first, {"kind": "folder"}, "all"), self._site.models)

    def _trial(self, n: int) -> None:
        """Bring the swarm up under another name, beside what runs, prove it, and take it away again.

        Raises what `up` raises, having touched nothing of what runs.
        """
        spec, told = trial_spec(self.spec), self.tell
        opened = Opened(Loaded(spec, "", {}), spec, dict(self.observed.prompts))
        observed = observe(opened, self.world)
        plan = reconcile(spec, observed)
        if plan.refusals:
            raise CapacityError(f"the trial: {plan.refusals[0]}", hint="swarmctl plan")

        def tell(said: Progress | StepEnded) -> None:
            if isinstance(said, Progress):
                told(Progress(n, f"trial: {said.text or plan.steps[said.step - 1].subject}", said.done, said.total))

        try:
            ComposeJob(spec, plan, observed, self.world, tell).execute()
        finally:
            clear(spec.name, self.world, purge=True)

    def _wall(self) -> None:
        """Close to the swarm's networks what the Engine leaves open: the host, and the world beyond the doors."""
        for network in self._runtime.networks():
            if not isolated(network) and hostwall.able(self._over.shell):
                hostwall.close(self.spec.name, bridge(network), self._over.shell)

    def deploy(self, n: int, step: Step) -> None:
        """Write a stack's files and let Compose make what is missing or changed."""
        stack, places = self._stack(step.where), self.world.places(self.spec.name)
        self.tell(Progress(n, "starting containers"))
        for path, text in stack_files([stack], self._site, self.observed.prompts).items():
            files.write(places.root / path, text)
        _folders([stack], places)  # of a role that came into a swarm which was prepared before
        known = [places.ports.name] if self._over.name else []  # for another computer that takes the swarm over
        self._over.bring(places.root, "services", "data", compose_file(stack), *known)
        self._link(n, stack)
        file = Path(self._site.root) / compose_file(stack)
        if mine := spoilt(stack, self._site, self.observed):
            self._runtime.restart(file, mine)
        self._runtime.up(file)
        self._wall()

    def load(self, n: int, step: Step) -> None:
        """A model into the store, or into its server and there into memory."""
        if step.where == self.plan.stacks[0].slot:
            if not self._given.away:  # elsewhere it is on its way, and waited for where it is needed
                self.fetch(n, step)
            return
        stack = self._stack(step.where)
        service = stack.service(step.subject)
        server = stack.service(service.needs[0])
        self._given.arrive(service.subject, self._brought(n), read=False)
        with self._client(server) as client:
            wish = next((w for w in self._wishes(stack, server) if w.name == service.subject), None)
            self._send_ahead(n, stack, server)
            self._ahead.wait(server.name, service.subject, self._watch(n))
            if step.cause.startswith(LEFT_OUT):
                client.unload(service.subject)
            serve(client, service.subject, lambda name: self._recipe(stack, name), wish, self._watch(n))
            if wish is not None:
                self._loaded.setdefault(server.name, []).append(wish.name)
                stay(client, self._loaded[server.name])

    def _send_ahead(self, n: int, stack: Stack, server: Service) -> None:
        """This step's model and those of later steps, to one server; each step still gives its own."""
        mine = {s.name: s.subject for s in stack.services if s.kind == "model" and s.needs == (server.name,)}
        steps = [s for s in self.plan.steps[n - 1 :] if s.where == stack.where and s.subject in mine]
        models = tuple(mine[s.subject] for s in steps)
        self._ahead.send(server.name, models, lambda: self._connect(server), lambda name: self._recipe(stack, name))

    def check(self, n: int, step: Step) -> None:
        """All proofs; what passed them is what the lock demands from now on. Or a trial, which leaves no trace."""
        if step.subject == TRIAL:
            self._trial(n)
            return
        self._given.settle(self._brought(n))
        super().check(n, step)
        host, wanted = host_of(self.observed), used_images(self.plan.stacks)
        ask, shell = self._runtime.ask, self._over.shell
        seen = imaging.look(wanted, ask=ask)
        self.images = {name: one.id for name, one in imaging.here(ask).items() if name in wanted}
        imaging.prune(self.images.values(), ask=ask, shell=shell)
        if host.lock_path:
            write_lock(Path(host.lock_path), host.lock.merge(seen))

    def release(self, _n: int, step: Step) -> None:
        """End a container, or let a server forget a model."""
        if step.subject.startswith("model-"):
            gpu = step.where.rpartition("/")[2]
            server = next(s for s in self._stack_of(gpu).services if s.kind == "engine")
            with self._client(server) as client:
                client.delete(step.subject.removeprefix("model-"))
            return
        gpu = step.where.rpartition("/")[2]
        found = self._runtime.containers()
        self._runtime.remove([one for one in found if (one.service, one.gpu) == (step.subject, gpu)])
        if gpu not in {one.gpu for one in self.plan.stacks}:
            self._over.forget(f"{gpu}.yml")
        self._runtime.tidy({stack.gpu for stack in self.plan.stacks})

    @property
    def _over(self) -> Connection:
        return self.world.connection(self.spec.name)

    @property
    def _runtime(self) -> ComposeRuntime:
        return self.world.compose(self.spec.name)

    @property
    def _site(self) -> ComposeSite:
        if self.plan.site is None:
            raise ValueError("a plan for processes is carried out with containers")
        return self.plan.site

    def _stack(self, where: str) -> Stack:
        return next(stack for stack in self.plan.stacks if stack.where == where)

    def _stack_of(self, gpu: str) -> Stack:
        return next(stack for stack in self.plan.stacks if stack.gpu == gpu)

    def _client(self, server: Service) -> Ollama:
        """A client of a server that answers. Raises HealthError when it does not in time."""
        client, runtime = self._connect(server), self._runtime

        def answers() -> bool:
            if not (there := client.answers()):
                self._lives(server.name)
            return there

        try:
            wait_until(
                answers,
                clock=self.world.clock,
                deadline=_ANSWERS,
                every=0.1,
                what=f"{server.name} to answer",
            )
        except HostError as e:
            raise DeployError(
                e.message,
                detail=runtime.tail(server.name, 12),
                hint=f"swarmctl logs --swarm {self.spec.name} {server.name}",
            ) from None
        return client

    def _connect(self, server: Service) -> Ollama:
        url = f"http://{HOST}:{self.plan.ports[server.name]}"
        runtime, here = self._runtime, None if self._over.name else Path(self._over.models) / "ollama"
        store = here or self._given.blobs(lambda: {key for one in self.plan.stacks for key in _read_by(one)})
        return Ollama(url, log=lambda: runtime.log(server.name), store=store, clock=self.world.clock)

    def _lives(self, name: str) -> None:
        """Raises DeployError with its last words for a container that ends whenever it is started."""
        one = next((one for one in self._runtime.containers() if one.service == name), None)
        if one is not None and one.restarts >= _DEATHS:
            raise DeployError(
                f"{name} keeps ending: {one.ended or f'exit {one.exit_code}'}, started {one.restarts + 1} times",
                detail=self._runtime.tail(name, 6),
                hint=f"swarmctl logs --swarm {self.spec.name} {name}",
            )

    def _recipe(self, stack: Stack, model: str) -> tuple[str, Path | Elsewhere] | None:
        """The Modelfile of a stack's model, and its file in the store."""
        service = next((s for s in of_kind([stack], "model") if s.subject == model), None)
        if service is None:
            return None
        digest, file = self._given.weights(service.subject)
        text = modelfile(asked(service, self._site, digest), host_of(self.observed).modelfiles)
        files.write(self.world.places(self.spec.name).root / "modelfiles" / f"{service.subject}.Modelfile", text)
        return text, file

    def _wishes(self, stack: Stack, server: Service) -> tuple[Wish, ...]:
        mine = [s for s in stack.services if s.kind == "model" and s.needs == (server.name,)]
        sizes = {s.settings["source"]: self._given.bytes(s.settings["source"]) for s in mine}
        return wishes(mine, {key: size for key, size in sizes.items() if size is not None}, most_loaded(server))

    def _watch(self, n: int) -> Callable[[str, str, int, int], None]:
        def tell(model: str, what: str, done: int, total: int) -> None:
            self.tell(Progress(n, f"{what} {model}", done, total))

        return tell

    def _brought(self, n: int) -> Callable[[str, int, int | None], None]:
        return lambda what, done, total: self.tell(Progress(n, what, done, total))

    def _link(self, n: int, stack: Stack) -> None:
        """Files that a llama-server reads, under the models' folder by content: another name of the store's own."""
        for key in _read_by(stack):
            self._given.stand(key, self._site.files[key], self._brought(n))


def _folders(stacks: Iterable[Stack], places: Places) -> None:
    """What agents keep, and where forwarders mark that the engines are used."""
    for service in (one for stack in stacks for one in stack.services if one.kind in {"agent", "forwarder"}):
        private(places.data(service.name))


_ISOLATED = "com.docker.network.bridge.gateway_mode_ipv4=isolated"


def _read_by(stack: Stack) -> set[str]:
    servers = [s.settings for s in stack.services if s.kind == "engine" and s.settings["engine"] == "llamacpp"]
    found = {s["source"] for s in servers} | {s["draft"] for s in servers if s["draft"]}
    return found | {edit["source"] for s in servers for edit in s["adapters"]}
