"""The docker SDK's client, imported only where one listing is not enough: logs, exec, inspect."""

from functools import cache

import docker
from docker import DockerClient
from docker.errors import DockerException

from swarmctl.effects.dockerapi import unreachable


@cache
def client(engine: str = "") -> DockerClient:
    """The Engine at `engine`, as DOCKER_HOST would say it; left out, the one that this user's environment names.

    Raises HostError when it does not answer.
    """
    try:
        return docker.DockerClient(base_url=engine, timeout=60) if engine else docker.from_env(timeout=60)
    except (DockerException, OSError) as e:
        raise unreachable(e) from None
