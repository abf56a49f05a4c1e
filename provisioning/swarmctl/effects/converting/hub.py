"""Repositories of a model hub by its own client: what they hold at a revision, and the files that are needed."""

import hashlib
import os
import shutil
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from fnmatch import fnmatch
from importlib import import_module
from pathlib import Path
from typing import Any

from swarmctl.core.converting.architectures import architecture
from swarmctl.core.converting.graph import Prepared
from swarmctl.core.converting.request import Asked
from swarmctl.core.converting.unsafe import ADAPTER, CONFIG, INDEX, Listing, mistakes, needed, outside, weights
from swarmctl.core.safetensors import loads
from swarmctl.effects.converting.listing import keep, kept
from swarmctl.effects.converting.looking import Seen, refuse, sized
from swarmctl.effects.sources.localfile import sha256
from swarmctl.errors import HostError, SpecError

_SPARE = 4 << 20
_SMALL = (CONFIG, INDEX, "tokenizer_config.json")


@dataclass(frozen=True, slots=True)
class _Held:
    """What a repository has at a commit: bytes by file, files that are ready by quantisation, its small files."""

    asked: Asked
    commit: str
    sizes: Mapping[str, int]
    ready: Mapping[str, str]
    small: Mapping[str, Any]


def look(asked: Asked, quants: tuple[str, ...], *, trust: bool, ready: bool = True) -> Seen:
    """What a repository has at a revision; only small files are fetched. Raises SpecError, HostError.

    ready: a file of it that already is in a wanted quantisation will do.
    """
    wanted = quants if ready else ()
    if (known := kept(asked)) is not None:
        sizes, small = known
        held = replace(_sized(asked, asked.revision, sizes, wanted), small=small)
    else:
        held = _told(asked, wanted, always=not wanted)
    if wanted and len(held.ready) == len(wanted):
        there = {quant: held.sizes[name] for quant, name in held.ready.items()}
        made = Prepared(asked, _identity(asked, held.commit), 0, there, 0, ready=held.ready)
        return Seen(made, {}, asked.name, held.commit)
    return _weights(held, quants, trust=trust)


def _told(asked: Asked, quants: tuple[str, ...], *, always: bool) -> _Held:
    """What the hub says; small files are read only where something must be converted."""
    with _client(asked) as hub:
        info = hub.model_info(asked.where, revision=asked.revision, files_metadata=True)
        held = _listed(asked, info, quants)
        if always or len(held.ready) < len(quants):
            held = replace(held, small=_read(hub, asked, held.commit, held.sizes))
            keep(asked, held.sizes, held.small)
    return held


def _weights(held: _Held, quants: tuple[str, ...], *, trust: bool) -> Seen:
    """A repository whose weights must be converted, from its listing and its small files."""
    asked, sizes, small = held.asked, held.sizes, held.small
    config = small.get(CONFIG)
    found = Listing(sizes, config, small.get("tokenizer_config.json") or {}, small.get(INDEX))
    if config is not None:
        architecture(config)
    refuse(asked.where, mistakes(found, trust=trust))
    names = needed(found, trust=trust)
    stored = sum(sizes[name] for name in weights(found))
    text = sum(sizes[name] for name in names) - stored + _SPARE
    kind = str((config or {}).get("torch_dtype") or (config or {}).get("dtype"))
    wide = {"float32": 4, "float8": 1}.get(kind.removeprefix("torch."), 2)
    parameters = stored // wide
    exact = {
        quant: size + text
        for quant, size in sized(config or {}, quants, parameters, _largest(config or {}) // 2).items()
    }
    exact |= {quant: sizes[name] for quant, name in held.ready.items()}
    made = Prepared(
        asked, _identity(asked, held.commit), 2 * parameters + text, exact, _largest(config or {}),
        "bf16" if "bfloat16" in kind or "float8" in kind else "f16",
        sum(sizes[name] for name in names), held.ready,
    )  # fmt: skip
    return Seen(made, {name: Path(name) for name in names}, asked.where.rpartition("/")[2], held.commit)


def brought(asked: Asked, root: Path) -> Path:
    """A repository as a folder below `root`, of a model or of an adapter: what a conversion reads of it, and no code.

    Raises SpecError for one that may not be read, HostError where it cannot be had now; what came stays.
    """
    with _client(asked) as hub:
        info = hub.model_info(asked.where, revision=asked.revision, files_metadata=True)
        held = _listed(asked, info, ())
        if ADAPTER in held.sizes and CONFIG not in held.sizes:
            seen = _adapter(held)
        else:
            seen = _weights(replace(held, small=_read(hub, asked, held.commit, held.sizes)), (), trust=False)
    folder = place(replace(asked, revision=held.commit), root)
    if not is_whole(folder):
        fetch(seen, list(seen.files), folder)
        shutil.rmtree(folder / ".cache", ignore_errors=True)
        _done(folder).touch()
    return folder


def place(asked: Asked, root: Path) -> Path:
    """The folder below `root` that a repository at a commit becomes."""
    content = _identity(asked, asked.revision)
    return root / hashlib.sha256(content.encode()).hexdigest()[:16] / asked.where.rpartition("/")[2]


def is_whole(folder: Path) -> bool:
    """All files came."""
    return _done(folder).exists()


def _done(folder: Path) -> Path:
    return folder.parent / ".whole"


def commit_of(asked: Asked) -> str:
    """The commit that a revision means now. Raises SpecError, HostError."""
    with _client(asked) as hub:
        return str(hub.model_info(asked.where, revision=asked.revision).sha)


def weights_of(asked: Asked) -> int:
    """Bytes of its safetensors; nothing is fetched. Raises SpecError, HostError."""
    if (known := kept(asked)) is not None:
        sizes: Mapping[str, int] = known[0]
    else:
        with _client(asked) as hub:
            info = hub.model_info(asked.where, revision=asked.revision, files_metadata=True)
            sizes = _listed(asked, info, ()).sizes
    return sum(size for name, size in sizes.items() if name.endswith(".safetensors"))


def holds_adapter(asked: Asked) -> bool:
    """A repository is an adapter, not a model. Raises SpecError, HostError."""
    if (known := kept(asked)) is not None:
        return ADAPTER in known[0] and CONFIG not in known[0]
    with _client(asked) as hub:
        names = {one.rfilename for one in hub.model_info(asked.where, revision=asked.revision).siblings or ()}
    return ADAPTER in names and CONFIG not in names


def _adapter(held: _Held) -> Seen:
    """The files of an adapter; pickles are none."""
    names = sorted(n for n in held.sizes if "/" not in n and n.endswith((".safetensors", ".json", ".jinja")))
    if not any(name.endswith(".safetensors") for name in names):
        refuse(held.asked.where, ("its adapter is a pickle file, which runs code when it is read",))
    made = Prepared(held.asked, _identity(held.asked, held.commit), 0, {}, 0, fetch=sum(held.sizes[n] for n in names))
    return Seen(made, {name: Path(name) for name in names}, held.asked.name, held.commit)


def _listed(asked: Asked, info: Any, quants: tuple[str, ...]) -> _Held:
    return _sized(asked, str(info.sha), {one.rfilename: int(one.size or 0) for one in info.siblings or ()}, quants)


def _sized(asked: Asked, commit: str, sizes: Mapping[str, int], quants: tuple[str, ...]) -> _Held:
    if wrong := [name for name in sizes if outside(name)]:
        raise SpecError(
            f"{asked.where} holds files whose names lead out of its folder",
            detail=str(wrong[:5]),
            hint="do not trust this repository: name another one",
        )
    ready = {quant: name for quant in quants if (name := published(sizes, quant))}
    return _Held(asked, commit, sizes, ready, {})


def published(sizes: Mapping[str, int], quant: str) -> str:
    """The one file that already is in a quantisation, "" for none; a model in parts, or its projector, is none."""
    wanted = [f"*[-._]{quant.lower()}.gguf", f"{quant.lower()}.gguf"]
    names = [n for n in sizes if any(fnmatch(n.lower(), w) for w in wanted) and "mmproj" not in n.lower()]
    return names[0] if len(names) == 1 and sizes[names[0]] else ""


def fetch(seen: Seen, names: Sequence[str], folder: Path) -> list[Path]:
    """The files at the revision that was looked at, with their hashes compared. Raises HostError, SpecError."""
    asked = seen.origin or seen.source.asked
    folder.mkdir(parents=True, exist_ok=True)
    with _client(asked) as hub:
        told = hub.model_info(asked.where, revision=seen.repository, files_metadata=True)
        hashes = {one.rfilename: one.lfs.sha256 for one in told.siblings or () if one.lfs is not None}
        found = []
        for name in names:
            path = Path(hub.hf_hub_download(asked.where, name, revision=seen.repository, local_dir=folder))
            if name in hashes and (have := sha256(path, lambda _done, _total: None)) != hashes[name]:
                path.unlink()
                raise HostError(
                    f"{name} of {asked.where} came damaged: its sha256 is {have}, the hub says {hashes[name]}",
                    hint="the same line again fetches it anew",
                )
            found.append(path)
    return found


def _read(hub: Any, asked: Asked, commit: str, sizes: Mapping[str, int]) -> dict[str, Any]:
    """The small files that say what the large ones are."""
    found: dict[str, Any] = {}
    for name in _SMALL:
        if name in sizes:
            path = Path(hub.hf_hub_download(asked.where, name, revision=commit))
            try:
                value = loads(path.read_bytes())
            except SpecError as e:
                raise SpecError(f"{name} of {asked.where} {e.message}") from None
            found[name] = value if isinstance(value, dict) else None
    return found


@contextmanager
def _client(asked: Asked) -> Iterator[Any]:
    """The hub's own client, its errors in our words."""
    try:
        hub: Any = import_module("huggingface_hub")  # 0.5 s, and only where a repository is meant
        errors: Any = import_module("huggingface_hub.errors")
    except ImportError:
        raise HostError(
            f"{asked.where} is a repository, and the hub's client is not installed",
            hint="pip install 'swarmctl[convert]'",
        ) from None
    api = hub.HfApi(endpoint=os.environ.get("HF_ENDPOINT") or None)
    try:
        yield api
    except errors.GatedRepoError as e:
        raise HostError(
            f"{asked.where} has terms that must be accepted first",
            detail=str(e).strip().splitlines()[0][:300],
            hint=f"accept them on {api.endpoint}/{asked.where}, then: hf auth login",
        ) from e
    except errors.RepositoryNotFoundError as e:
        raise SpecError(
            f"the hub has no {asked.where}, or does not show it to you",
            hint="check the name; for a private one: hf auth login",
        ) from e
    except errors.RevisionNotFoundError as e:
        raise SpecError(f"{asked.where} has no revision {asked.revision}", hint="name a commit, tag or branch") from e
    except (errors.HfHubHTTPError, errors.LocalEntryNotFoundError, errors.OfflineModeIsEnabled) as e:
        raise _away(asked, e) from e
    except Exception as e:
        if type(e).__module__.partition(".")[0] not in {"httpx", "httpx2", "httpcore", "httpcore2", "requests"}:
            raise
        raise _away(asked, e) from e


def _away(asked: Asked, e: Exception) -> HostError:
    said = str(e).strip().splitlines()
    return HostError(
        f"{asked.where} cannot be had now: {type(e).__name__}",
        detail=said[0][:300] if said else "",
        hint="the same line again goes on from what came",
    )


def _identity(asked: Asked, commit: str) -> str:
    """A commit is one content for ever."""
    return f"hub:{asked.where}@{commit}"


def _largest(config: Mapping[str, Any]) -> int:
    """Bytes in f16 of the embedding, which no other tensor of a language model exceeds; 1 GiB where it is not said."""
    rows, columns = config.get("vocab_size"), config.get("hidden_size")
    good = isinstance(rows, int) and isinstance(columns, int) and 0 < rows < 1 << 22 and 0 < columns < 1 << 17
    return 2 * rows * columns if good else 1 << 30  # type: ignore[operator]
