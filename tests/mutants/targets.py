"""Which files are tried with mutants, by which tests, and how many of them have to be noticed."""

from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
BOUND = 90
"""Hundredths of a file's mutants that its tests notice, at least."""


@dataclass(frozen=True, slots=True)
class Target:
    """One file, from the root of the repository, and its tests, below tests/."""

    file: str
    tests: tuple[str, ...]


def _leasing(name: str, *more: str) -> Target:
    return Target(f"provisioning/swarmctl/core/leasing/{name}.py", tuple(f"core/leasing/test_{one}.py" for one in more))


def _market(name: str, *tests: str) -> Target:
    return Target(f"provisioning/swarmctl/effects/providers/{name}.py", tests)


def _host(name: str, *tests: str) -> Target:
    return Target(f"provisioning/swarmctl/effects/hosts/{name}.py", tests)


_RENTS = ("effects/providers/test_hiring.py", "effects/providers/test_waiting.py")
_BOOK = "effects/providers/test_leasebook.py"

LEDGER = (
    Target("provisioning/swarmctl/effects/ledger.py", ("effects/test_ledger.py",)),
    Target("provisioning/swarmctl/effects/ledgerfile.py", ("effects/test_ledgerfile.py", _BOOK)),
    _market("leasebook", _BOOK, *_RENTS),
    _market("meterbook", "effects/providers/test_meterbook.py"),
)
LEASE = (
    _leasing("account", "account", "answers"),
    _leasing("affording", "affording"),
    _leasing("answers", "answers", "renting", "releasing"),
    _leasing("burn", "lease"),
    _leasing("extending", "extending"),
    _leasing("label", "label", "lease", "ownership"),
    _leasing("lease", "reading", "lease"),
    _leasing("meter", "meter", "explaining"),
    _leasing("order", "order"),
    _leasing("ownership", "ownership", "lease"),
    _leasing("progress", "lease"),
    _leasing("releasing", "releasing"),
    _leasing("renting", "renting"),
    _leasing("state", "lease", "extending"),
    _leasing("watching", "watching"),
    _market("giving", "effects/providers/test_giving.py"),
    _market("hiring", "effects/providers/test_hiring_edges.py", _RENTS[0]),
    _market("owner", "effects/providers/test_keys.py"),
    _market("releasing", "effects/providers/test_releasing.py", "effects/providers/test_vast.py"),
    _market("settling", "effects/providers/test_settling.py", _RENTS[0]),
    _market("standing", "effects/providers/test_standing.py", "effects/providers/test_standing_terms.py"),
)
_PARTS = ("_settings", "_calls", "_machine", "_rounds", "_marks", "")
GUARD = (
    Target(
        "playbooks/roles/guard/files/guard",
        tuple(
            f"playbooks/test_guard{part}.py" for part in ("", "_marks", "_settings", "_calls", "_machine", "_rounds")
        ),
    ),
    _leasing("limits", "limits", "guardfile"),
    _leasing("guardfile", "guardfile"),
    _leasing("promise", "promise"),
    _host("guarding", "effects/hosts/test_guarding.py"),
    _host("holding", "effects/hosts/test_holding.py"),
    _host("containerguard", "effects/hosts/test_containerguard.py"),
    _host("containersave", "effects/hosts/test_containerguard.py"),
)
TARGETS = (*LEDGER, *LEASE, *GUARD)
