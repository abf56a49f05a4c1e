"""Commands to type next, as errors and proofs name them."""


def logs(swarm: str, service: str) -> str:
    """Shows what a service wrote; it works from any folder. swarm: empty where only the one of this folder is meant."""
    return f"swarmctl logs --swarm {swarm} {service}" if swarm else f"swarmctl logs {service}"
