"""Whether generation ends where the publisher says: each such token is forced, and the server must stop at it."""

from typing import Any

from swarmctl.converter.answering import Server

_FORCED = 1e6


def measure(server: Server, tokenizer: Any, generation: dict[str, Any], config: dict[str, Any]) -> dict[str, Any]:
    """The part of the certificate about stopping. generation: generation_config.json. config: config.json."""
    ends = _ids(generation.get("eos_token_id")) or _ids(config.get("eos_token_id"))
    if tokenizer.eos_token_id is not None and tokenizer.eos_token_id not in ends:
        ends.append(int(tokenizer.eos_token_id))
    return ended(server, [(end, str(tokenizer.decode([end]))) for end in ends])


def ended(server: Server, ends: list[tuple[int, str]]) -> dict[str, Any]:
    """The same for these tokens and their words."""
    rows = [{"id": end, "token": word, "stops": _stops(server, end)} for end, word in ends]
    known = {end for end, _ in ends}
    other = next(n for n in server.tokens("a b", special=False) if n not in known)
    return {"ends": rows, "goes_on": not _stops(server, other)}


def _stops(server: Server, token: int) -> bool:
    said = server.ask(
        "completion", prompt=server.tokens("Hello", special=True), n_predict=3, temperature=0.0,
        logit_bias=[[token, _FORCED]], cache_prompt=False,
    )  # fmt: skip
    return said.get("stop_type") == "eos"


def _ids(value: Any) -> list[int]:
    many = value if isinstance(value, list) else [value]
    return [n for n in many if isinstance(n, int) and not isinstance(n, bool)]
