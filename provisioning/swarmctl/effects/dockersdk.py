"""The docker SDK's client, imported only where one listing is not enough: logs, exec, inspect."""

from functools import cache

import docker
from docker import DockerClient
from docker.errors import DockerException

from swarmctl.effects.dockerapi import unreachable


@cache
def client() -> DockerClient:
    """The Engine that DOCKER_HOST names, or the local one. Raises HostError when it does not answer."""
    try:
        return docker.from_env(timeout=60)
    except (DockerException, OSError) as e:
        raise unreachable(e) from None
