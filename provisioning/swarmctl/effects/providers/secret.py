"""A key that does not print itself, and texts with keys taken out."""

import re
from urllib.parse import quote

_HIDDEN = "<key>"
_SHAPED = re.compile(
    r"(?i)(bearer\s+|(?:instance_)?api_key[\"']?\s*[=:]\s*[\"']?|image_login[\"']?\s*[=:]\s*[\"']?)[^\s\"'&,}]+"
)


class Secret:
    """A key; only `reveal` gives it away."""

    __slots__ = ("_value",)

    def __init__(self, value: str) -> None:
        self._value = value

    def reveal(self) -> str:
        """The key itself: for a header, or a file of mode 0600."""
        return self._value

    def __repr__(self) -> str:
        return "Secret(…)"

    __str__ = __repr__

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Secret) and other._value == self._value

    def __hash__(self) -> int:
        return hash(self._value)

    def __reduce__(self) -> str | tuple[object, ...]:
        raise TypeError("a key is not pickled")


def redacted(text: str, *keys: Secret | None) -> str:
    """The text without these keys, plain or as in an address, and without what has the shape of one."""
    for key in keys:
        if key is not None and (value := key.reveal()):
            for form in {value, quote(value, safe=""), quote(value)}:
                text = text.replace(form, _HIDDEN)
    return _SHAPED.sub(lambda m: m[1] + _HIDDEN, text)
