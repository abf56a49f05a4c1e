"""What the swarm is called in which an upgrade is tried beside the one that runs."""

TRIAL = "trial"
"""Subject of the step that tries a new engine or model in a swarm of its own."""
_END = f"_{TRIAL}"


def trial_name(swarm: str) -> str:
    """Name of the swarm that is only tried: no swarm file can have one with an underscore."""
    return f"{swarm}{_END}"


def tried(swarm: str) -> str:
    """The swarm that a trial is of; any other one is its own."""
    return swarm.removesuffix(_END)
