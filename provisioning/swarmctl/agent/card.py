"""The agent's public card: who it is, where it listens, how to sign in; no secrets."""

from a2a.types.a2a_pb2 import (
    AgentCapabilities,
    AgentCard,
    AgentInterface,
    AgentSkill,
    HTTPAuthSecurityScheme,
    SecurityRequirement,
    SecurityScheme,
    StringList,
)
from a2a.utils.constants import PROTOCOL_VERSION_0_3, PROTOCOL_VERSION_1_0, TransportProtocol

from swarmctl import __version__
from swarmctl.core.agentfile import AgentFile
from swarmctl.core.spec import ORCHESTRATOR

JSON = "application/json"
TEXT = "text/plain"


def agent_card(settings: AgentFile) -> AgentCard:
    """The card of the agent that these settings describe."""
    leads = settings.role == ORCHESTRATOR
    work = "Plans a task, hands out its steps and reviews them" if leads else "Carries out one step of a plan"
    # With the slash: a POST to the bare address would be redirected, and clients drop the body.
    url = f"http://{settings.host}:{settings.port}/"
    skills = [
        AgentSkill(
            id="run" if leads else "step",
            name="Run" if leads else "Step",
            description=work,
            tags=["code"],
            input_modes=[JSON],
        ),
        AgentSkill(id="chat", name="Chat", description="Answers a question", tags=["chat"], input_modes=[TEXT, JSON]),
    ]
    return AgentCard(
        name=f"{settings.swarm}/{settings.role}",
        description=f"{work}, with the model {settings.model}.",
        version=__version__,
        supported_interfaces=[
            AgentInterface(url=url, protocol_binding=TransportProtocol.JSONRPC, protocol_version=version)
            for version in (PROTOCOL_VERSION_1_0, PROTOCOL_VERSION_0_3)
        ],
        capabilities=AgentCapabilities(streaming=True, push_notifications=False, extended_agent_card=False),
        security_schemes={"bearer": SecurityScheme(http_auth_security_scheme=HTTPAuthSecurityScheme(scheme="bearer"))},
        security_requirements=[SecurityRequirement(schemes={"bearer": StringList()})],
        default_input_modes=[JSON, TEXT],
        default_output_modes=[JSON],
        skills=skills,
    )
