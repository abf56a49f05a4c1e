"""A certificate: what was measured of a conversion, read strictly, and what follows from it."""

import json
from typing import Any, Self

from pydantic import ValidationError

from swarmctl.core.converting.certified import lines
from swarmctl.core.converting.measured import Measured
from swarmctl.core.converting.refusing import refusals
from swarmctl.errors import SpecError

_LONGEST = 8 << 20
"""Bytes of a certificate; the lists of a model with many tensors may be long."""


class Certificate(Measured):
    """Of one conversion and its quantisations."""

    @classmethod
    def from_json(cls, raw: Any) -> Self:
        """From text, bytes, or what they decode to. Raises SpecError."""
        try:
            text = raw if isinstance(raw, str | bytes) else json.dumps(raw)
            if len(text) > _LONGEST:
                raise SpecError(f"this is no certificate of a conversion: it has {len(text):,} bytes")
            return cls.model_validate_json(text)
        except ValidationError as e:
            first = e.errors(include_url=False, include_input=False)[0]
            where = ".".join(str(part) for part in first["loc"]) or "it"
            raise SpecError(
                f"this is no certificate of a conversion: {where}: {first['msg']}", hint="swarmctl convert SOURCE"
            ) from None
        except (TypeError, ValueError, RecursionError) as e:
            raise SpecError(f"this is no certificate of a conversion: {str(e)[:80]}") from None

    def refusals(self) -> tuple[str, ...]:
        """Why the result must not be registered; nothing where it may be."""
        return refusals(self)

    def lines(self) -> tuple[str, ...]:
        """For a person, a line a part."""
        return lines(self)
