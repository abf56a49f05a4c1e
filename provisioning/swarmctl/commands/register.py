"""Makes converted models known to an Ollama: a Modelfile, and the file itself unless the server has it."""

from collections.abc import Iterator, Mapping, Sequence

from swarmctl.core.chatfamily import chosen
from swarmctl.core.modelfile import EngineModel, modelfile
from swarmctl.effects.converting.results import Result, Results
from swarmctl.effects.engines.ollama import Ollama
from swarmctl.effects.templates import modelfile_templates
from swarmctl.effects.world import World
from swarmctl.errors import SpecError

MOST = 32768
"""Tokens, where no swarm file says how many: beyond it the memory of one conversation is more than a small model's."""


def register(
    results: Sequence[Result], world: World, url: str, contexts: Mapping[str, int] | None = None
) -> Iterator[str]:
    """Each result under `name:quant`; gives a line for each. url: of the server. contexts: tokens, by key in the store;
    for others what the model was trained for, up to MOST.

    Raises HostError where it does not answer, DeployError where it refuses, SpecError where no chat format is known.
    """
    with Ollama(url) as server:
        engine, _ = server.engine()
        blobs = Results(world.store)
        for one in results:
            held = world.store.held(one.held)
            if held is None:
                raise SpecError(f"{one.name} {one.quant} is not in the store any more", hint="swarmctl convert")
            family = chosen(engine, held.facts.model, held.facts.chat_template)
            name = f"{one.name}:{one.quant.lower()}"
            context = (contexts or {}).get(one.held) or min(held.facts.model.context, MOST)
            model = EngineModel(name, f"sha256:{one.sha256}", one.sha256, family, context, -1)
            changed = server.put(name, modelfile(model, modelfile_templates()), blobs.blob(one.sha256))
            yield f"{name}: {', '.join(changed) if changed else 'there already'}; a context of {context:,} tokens"
