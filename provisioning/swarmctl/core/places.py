"""Where the files of one swarm are: joins only, nothing is opened."""

from pathlib import Path


class Places:
    """The files of one swarm, all under one folder that `down` removes."""

    def __init__(self, name: str, root: Path) -> None:
        self.name, self.root = name, root

    @property
    def logs(self) -> Path:
        """One log a service, and the supervisor's own."""
        return self.root / "logs"

    @property
    def engine_key(self) -> Path:
        """The secret that engines demand."""
        return self.root / "secrets" / "engine.key"

    @property
    def agent_token(self) -> Path:
        """The secret that agents demand."""
        return self.root / "secrets" / "agents.token"

    @property
    def ports(self) -> Path:
        """Which service was given which port."""
        return self.root / "ports.json"

    @property
    def proved(self) -> Path:
        """The last verdict for which models were asked."""
        return self.root / "proved.json"

    @property
    def seen(self) -> Path:
        """The last verdict of a look alone."""
        return self.root / "seen.json"

    @property
    def golden(self) -> Path:
        """How each model began its answer when this form of the stack was first proved."""
        return self.root / "golden.json"

    @property
    def host(self) -> Path:
        """Which host the swarm is on, where that is not this machine."""
        return self.root / "host.json"

    @property
    def record(self) -> Path:
        """What the swarm was last brought up as."""
        return self.root / "swarm.json"

    @property
    def kept(self) -> Path:
        """The last two proved states."""
        return self.root / "kept.json"

    @property
    def git_config(self) -> Path:
        """Git configuration that carries the agents' token."""
        return self.root / "secrets" / "git.conf"

    @property
    def tests(self) -> Path:
        """Clones that tests run in, while they run."""
        return self.root / "tests"

    def service(self, name: str) -> Path:
        """The settings file of a service."""
        return self.root / "services" / f"{name}.json"

    def data(self, name: str) -> Path:
        """What an agent keeps."""
        return self.root / "data" / name
