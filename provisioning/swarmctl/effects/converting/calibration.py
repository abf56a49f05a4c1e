"""What an importance matrix is measured on where none is given: prose and code that ship with the package."""

from functools import cache
from pathlib import Path

import swarmctl
from swarmctl import assets

_MOST = 160_000
"""Characters: about 40,000 tokens."""


@cache
def text() -> str:
    """Prompts of our roles, then code of ours; the same for one version."""
    prompts = sorted((assets.root() / "inventory" / "prompts").glob("*.md"))
    code = sorted((Path(swarmctl.__file__).parent / "core").rglob("*.py"))
    return "\n\n".join(path.read_text(encoding="utf-8") for path in (*prompts, *code))[:_MOST]
