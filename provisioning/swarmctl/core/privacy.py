"""Who can read what is on the machine that a swarm runs on: said, not assumed."""

from swarmctl.core.target import Target


def readers(target: Target) -> str:
    """One sentence on prompts, code, weights and keys."""
    lent = (target.vast is not None and target.vast.hub_token) or (target.ssh is not None and target.ssh.hub_token)
    what = "prompts, code, weights and keys that are on it"
    what += ", your hub token while it fetches what needs one" if lent else ""
    if target.vast is not None:
        place = "a data centre" if target.vast.datacenter else "a private host or a data centre"
        away = f", the key to {target.vast.save.remote} among them" if target.vast.save else ""
        return f"rented from {place}: its owner can read {what}{away}; own-hardware refuses that"
    if target.ssh is not None:
        return f"{target.ssh.hosts[0]}: whoever is root there can read {what}; nobody else"
    return f"this machine: whoever is root here can read {what}; nobody else"
