"""The SSH key with which rented machines are entered: made once, for this user's state folder alone."""

from pathlib import Path

from swarmctl.effects.paths import private
from swarmctl.effects.process import run
from swarmctl.errors import HostError


def own_key(state: Path) -> tuple[Path, str]:
    """Path of the private key, and the public one as a line. Raises HostError where it cannot be made."""
    file = private(state / "ssh") / "id_ed25519"
    if not file.exists():
        try:
            run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "swarmctl", "-f", str(file)], timeout=20)
        except HostError as e:
            raise HostError("no SSH key can be made", detail=e.detail, hint="apt install openssh-client") from None
    try:
        return file, file.with_suffix(".pub").read_text(encoding="ascii").strip()
    except (OSError, ValueError) as e:
        raise HostError(f"{file}.pub cannot be read", detail=str(e), hint=f"rm {file}") from None
