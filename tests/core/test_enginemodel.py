"""A placed swarm as Ollama's models: what each Modelfile is written from."""

from fakes.seven import A6000, box, seven
from swarmctl.core.enginemodel import engine_model
from swarmctl.core.placement.demand import demand
from swarmctl.core.placement.place import place
from swarmctl.core.placement.placement import Placement


def test_seven_models_of_a_placement() -> None:
    asked = demand(*seven(based=False, engine={"kind": "ollama", "version": "0.24.0", "kv": "q8_0"}))
    placed = place(asked, box(A6000))
    assert isinstance(placed, Placement)
    lead = next(process for process in placed.processes if "orchestrator" in process.roles)
    made = engine_model(asked.spec, lead, asked.engine, "sha256:x", "y", carries=True)
    assert (made.name, made.source, made.origin, made.family) == (lead.models[0], "sha256:x", "y", "chatml")
    assert (made.context, made.output, made.batch, made.device) == (8192, 2048, 512, "gpu")
    assert made.temperature == 0.2
