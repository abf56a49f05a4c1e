"""Swarm files: found, read, and everything that they name checked to be there."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from swarmctl import assets
from swarmctl.core.fallback import fallen, mistakes
from swarmctl.core.spec import ModelSource, SwarmSpec
from swarmctl.core.specfile import Loaded, Override, load
from swarmctl.core.yamltree import MAX_BYTES
from swarmctl.errors import SpecError

DEFAULT = "swarm.yml"
_GENERIC = "specialist"


@dataclass(frozen=True, slots=True)
class Opened:
    """A spec with absolute paths, the system prompt of each role, and where every value came from."""

    loaded: Loaded
    spec: SwarmSpec
    prompts: dict[str, str]


def ready_made() -> list[str]:
    """Names of the swarms that ship in inventory/swarms."""
    return sorted(p.stem for p in (assets.root() / "inventory" / "swarms").glob("*.yml"))


def locate(file: Path | None, swarm: str | None) -> Path:
    """The file that is meant: -f FILE, --swarm NAME, or swarm.yml in this folder. Raises SpecError."""
    if file is not None and swarm is not None:
        raise SpecError("-f and --swarm both name a swarm file", hint="leave one out")
    if swarm is not None:
        if swarm not in ready_made():
            raise SpecError(
                f"there is no ready-made swarm '{swarm}'; there are: {', '.join(ready_made())}",
                hint=f"swarmctl plan --swarm {ready_made()[0]}",
            )
        return assets.root() / "inventory" / "swarms" / f"{swarm}.yml"
    if file is None and not Path(DEFAULT).exists():
        raise SpecError(
            f"there is no {DEFAULT} in this folder",
            hint="swarmctl init   (or name one: -f FILE, --swarm demo)",
        )
    return file or Path(DEFAULT)


def open_spec(path: Path, overrides: Sequence[Override] = ()) -> Opened:
    """Read a swarm file and what it names. Raises SpecError with every mistake at once."""
    loaded = load(_bytes(path), source=str(path), overrides=overrides)
    base = path.resolve().parent
    spec = fetchable(loaded.spec, base)
    prompts, wrong = _prompts(spec, base, loaded)
    wrong += [
        f"{loaded.origins.get(f'models.{name}.path', path)}: models.{name}.path: there is no file {source.path}"
        for name, source in spec.models.items()
        if source.path is not None and not Path(source.path).exists()
    ]
    if wrong:
        raise SpecError(f"{path} names what is not there", detail="\n".join(wrong))
    if senseless := [f"{path}: {one}" for one in mistakes(loaded.spec)]:
        raise SpecError(f"{path} has fallbacks that are none", detail="\n".join(senseless))
    return Opened(loaded, spec, prompts)


def with_fallbacks(opened: Opened, count: int) -> Opened:
    """The same file with its first fallbacks in it."""
    if not count:
        return opened
    spec = fallen(opened.loaded.spec, count)
    return replace(opened, spec=fetchable(spec, Path(opened.loaded.source).resolve().parent))


def fetchable(spec: SwarmSpec, base: Path) -> SwarmSpec:
    """Every source as it will be fetched. Weights that may be shared stay as published: an edit is told from them.

    base: folder that a relative path counts from.
    """
    ready = spec.engine.kind != "vllm"
    shares = spec.engine.kind == "llamacpp" and spec.placement.architecture in {"auto", "shared-base"}
    edited = {one.base for one in spec.models.values()} if shares else set()
    models = {
        name: as_fetched(source, base, ready=ready and name not in edited and not (shares and source.base))
        for name, source in spec.models.items()
    }
    return spec.model_copy(update={"models": models})


def as_fetched(source: ModelSource, base: Path, *, ready: bool = True) -> ModelSource:
    """A source as it will be fetched: an absolute path; with `ready`, a file that is published in the wanted form."""
    if source.path is not None:
        return source.model_copy(update={"path": str(base / Path(source.path).expanduser())})
    if not ready or source.quant is None or source.revision != "main":
        return source
    from swarmctl.effects import catalogue  # noqa: PLC0415 - not for files that are named

    card = catalogue.card(source)
    if card is None or card.ready is None or source.quant not in card.ready.quants:
        return source
    return source.model_copy(update={"hf": card.ready.hf, "file": card.ready.name(source.quant)})


def _bytes(path: Path) -> bytes:
    try:
        if path.is_dir():
            raise SpecError(f"{path} is a folder, not a swarm file", hint=f"-f {path / DEFAULT}")
        with path.open("rb") as file:
            return file.read(MAX_BYTES + 1)
    except FileNotFoundError:
        raise SpecError(f"there is no file {path}", hint="swarmctl init") from None
    except (OSError, ValueError) as e:
        raise SpecError(f"{path} cannot be read: {getattr(e, 'strerror', None) or e}") from None


def _prompts(spec: SwarmSpec, base: Path, loaded: Loaded) -> tuple[dict[str, str], list[str]]:
    built_in = assets.root() / "inventory" / "prompts"
    found: dict[str, str] = {}
    wrong: list[str] = []
    for name, role in spec.roles.items():
        own = built_in / f"{name}.md"
        path = base / role.prompt if role.prompt else own if own.exists() else built_in / f"{_GENERIC}.md"
        try:
            found[name] = path.read_text(encoding="utf-8").strip()
        except (OSError, UnicodeDecodeError) as e:
            place = loaded.origins.get(f"roles.{name}.prompt", loaded.source)
            reason = getattr(e, "strerror", None) or "it is not UTF-8 text"
            wrong.append(f"{place}: roles.{name}.prompt: {path}: {reason}")
    return found, wrong
