"""`chat`: one turn with one agent."""

from swarmctl.core.hints import logs
from swarmctl.core.messages import ChatDone, ChatOrder
from swarmctl.effects.a2a import FINAL, data_parts
from swarmctl.effects.world import World
from swarmctl.errors import RunError

History = tuple[tuple[str, str], ...]


def turn(role: str, text: str, history: History, swarm: str, world: World) -> ChatDone:
    """Say something to a role and give its answer. Raises SpecError, HostError, RunError."""
    agent = world.agent(world.reached(swarm), role)
    order = ChatOrder(text=text, history=history)
    task: str | None = None
    for item in agent.start(order.model_dump(mode="json")):
        task = item.get("task", {}).get("id") or task
    if task is None:
        raise RunError(f"agent '{role}' gave no task")
    done = agent.task(task)
    for artifact in done.get("artifacts", []):
        for data in data_parts(artifact):
            if data.get("kind") == "chat-done":
                return ChatDone.model_validate(data)
    state = done["status"]["state"]
    why = " ".join(p.get("text", "") for p in (done["status"].get("message") or {}).get("parts", []))
    raise RunError(
        f"agent '{role}' did not answer: {why or state}" if state in FINAL else f"agent '{role}' is still at work",
        hint=logs(swarm, role),
    )
