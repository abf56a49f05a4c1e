"""`--where`: conditions in the market's own language, read by the market's own package."""

import contextlib
import importlib
import io
from typing import Any

from swarmctl.core.leasing.query import Query
from swarmctl.errors import SpecError


def conditions(text: str) -> Query:
    """`{field: {operator: value}}` of e.g. `cpu_ghz>=3 geolocation in [SE,NO]`.

    Raises SpecError where the package is missing or the text is no query.
    """
    try:
        query: Any = importlib.import_module("vastai.api.query")  # half a second, and only for this flag
    except ImportError:
        raise SpecError("--where needs the package vastai", hint="pip install 'swarmctl[vast]'") from None
    said = io.StringIO()
    try:
        with contextlib.redirect_stdout(said), contextlib.redirect_stderr(said):
            found = query.parse_query(text, {}, query.offers_fields, query.offers_alias, query.offers_mult)
    except Exception as e:  # noqa: BLE001 - a parser of others may fail in any way
        raise SpecError(f"--where {text[:80]!r} is no query", detail=str(e)[:300], hint=_HINT) from None
    if said.getvalue().strip() or not isinstance(found, dict) or not found:
        raise SpecError(f"--where {text[:80]!r} is no query", detail=said.getvalue()[:300], hint=_HINT)
    return {str(name): dict(value) for name, value in found.items()}


_HINT = "--where 'cpu_ghz>=3 geolocation in [SE,NO]'   (fields: vastai search offers --help)"
