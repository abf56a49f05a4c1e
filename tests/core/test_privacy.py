"""Who can read what is on the machine: one sentence for each kind of it."""

from swarmctl.core.privacy import readers
from swarmctl.core.target import SshTarget, Target, VastTarget


def test_each_kind_of_machine_names_who_can_read() -> None:
    here = readers(Target())
    own = readers(Target(ssh=SshTarget(hosts=("gpu1",))))
    rented = readers(Target(vast=VastTarget()))
    centre = readers(Target(vast=VastTarget(datacenter=True)))
    lent = readers(Target(vast=VastTarget(hub_token=True)))
    assert "your hub token while it fetches" in lent
    assert "token" not in rented + own
    assert here.startswith("this machine: whoever is root here")
    assert own.startswith("gpu1: whoever is root there")
    assert "a private host or a data centre: its owner can read prompts, code, weights and keys" in rented
    assert "rented from a data centre: its owner" in centre
