"""On which machine a swarm was put: what is written is what is read, also by a version that knows more."""

from dataclasses import asdict

from swarmctl.core.hosts import Host
from swarmctl.core.placed import BASE, Placed, models_of, root_of


def test_what_is_written_is_read_back() -> None:
    host = Host("slot-0", "192.0.2.1", 2222, key="/k", known_hosts="/h")
    placed = Placed(swarm="team", host=asdict(host), lease="7", prepared="x", held=5)
    again = Placed.model_validate({**placed.model_dump(mode="json"), "of_a_later_version": 1})
    assert again == placed
    assert again.reached == host


def test_its_folders_there_are_its_own() -> None:
    assert root_of("team") == f"{BASE}/swarms/team"
    assert models_of("team") == f"{BASE}/models/team"
