"""The error tree and its exit codes: what happened, the evidence, what to type next.

SwarmctlError ................ 1   a plain one is a bug
├── SpecError ................ 3   the user's file, or one of ours, is wrong
├── CapacityError ............ 4   nothing that can be had carries this swarm
├── ProviderError ............ 5   the rental market refused or did not answer
├── HostError ................ 6   a machine cannot be reached or lacks something
├── DeployError .............. 7   a stack failed on a reachable machine
├── HealthError .............. 8   deployed, but a proof failed
├── LockedError .............. 9   another swarmctl holds this swarm
├── LeakError ............... 10   a paid machine may still be running
├── RunError ................ 12   the team's work failed or is only partly done
└── Cancelled .............. 130   Ctrl-C
"""

from typing import ClassVar


class SwarmctlError(Exception):
    """Something of ours is broken: please report it with the traceback."""

    exit_code: ClassVar[int] = 1

    def __init__(self, message: str, *, detail: str = "", hint: str = "") -> None:
        """`detail` is evidence (a command, its last lines); `hint` is what to type next."""
        super().__init__(message)
        self.message = message
        self.detail = detail
        self.hint = hint


class SpecError(SwarmctlError):
    """The swarm file, or one that it names, is wrong; every mistake is listed at once."""

    exit_code = 3


class CapacityError(SwarmctlError):
    """No machine that can be had carries this swarm within its limits."""

    exit_code = 4


class ProviderError(SwarmctlError):
    """The rental market refused, or did not answer."""

    exit_code = 5


class HostError(SwarmctlError):
    """A machine cannot be reached, or lacks something that the swarm needs."""

    exit_code = 6


class DeployError(SwarmctlError):
    """A service did not start on a machine that can be reached."""

    exit_code = 7


class PortTakenError(DeployError):
    """Somebody took a port between the look and the start; another `up` takes a free one."""


class HealthError(SwarmctlError):
    """Everything was deployed, but a proof failed."""

    exit_code = 8


class LockedError(SwarmctlError):
    """Another swarmctl is at work on this swarm."""

    exit_code = 9


class LeakError(SwarmctlError):
    """Something that costs money, or a process of ours, may still be running."""

    exit_code = 10


class RunError(SwarmctlError):
    """The team's work failed, or only a part of it was done; the result says which."""

    exit_code = 12


class Cancelled(SwarmctlError):  # noqa: N818 - the name people use for it
    """Ctrl-C: what was begun has been cleaned up."""

    exit_code = 130


def with_code(code: int, message: str, *, detail: str = "", hint: str = "") -> SwarmctlError:
    """The error that ends with this exit code; a plain one where none does."""
    kinds: list[type[SwarmctlError]] = [SwarmctlError]
    for kind in kinds:
        kinds += kind.__subclasses__()
    found = next((kind for kind in kinds if kind.exit_code == code), SwarmctlError)
    return found(message, detail=detail, hint=hint)
