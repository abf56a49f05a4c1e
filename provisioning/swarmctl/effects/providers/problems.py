"""What the market refused, as an error of ours: what happened, its words, what to type next."""

from swarmctl.core.leasing.answers import Said, Trouble
from swarmctl.effects.providers.keys import HINT
from swarmctl.effects.providers.secret import Secret, redacted
from swarmctl.errors import CapacityError, ProviderError, SwarmctlError

_HINTS = {
    Trouble.KEY: HINT,
    Trouble.FORBIDDEN: HINT,
    Trouble.QUOTA: "searches are free again at midnight UTC",
    Trouble.CREDIT: "add credit in the market's console (Billing), then the same command again",
    Trouble.SPEND: "new accounts may spend little in an hour: rent a cheaper machine, or wait an hour",
    Trouble.NO_SSH_KEY: "swarmctl adds its key by itself where the API key has the group user_write",
    Trouble.OUTDATED: "a newer swarmctl is needed",
    Trouble.BUSY: "wait a minute, then the same command again",
    Trouble.BROKEN: "wait a minute, then the same command again",
    Trouble.ODD: "is VAST_URL the market's address?",
}


class UnknownError(ProviderError):
    """The market did not say what is held: nothing may be concluded from that."""


def problem(said: Said, doing: str, key: Secret | None = None) -> SwarmctlError:
    """The error for an answer. doing: what was tried, e.g. `searching offers`."""
    trouble = said.trouble or Trouble.ODD
    kind = CapacityError if trouble in {Trouble.OFFER_GONE, Trouble.SPEND} else ProviderError
    words = redacted(said.said, key)
    return kind(
        f"{doing}: {trouble.value}", detail=f"HTTP {said.status}: {words}".rstrip(": "), hint=_HINTS.get(trouble, "")
    )


def unreachable(doing: str, why: str) -> ProviderError:
    """Nobody answered."""
    return ProviderError(f"{doing}: the market did not answer", detail=why, hint=_HINTS[Trouble.BROKEN])
