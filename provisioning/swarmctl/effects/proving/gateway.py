"""A gateway proved: what it says of its engines, and each of its models asked through it and beside it."""

from collections.abc import Mapping
from typing import Any

from swarmctl.core.engine import EngineFile
from swarmctl.core.proof import Proof, outcome
from swarmctl.core.record import ServiceRecord, SwarmRecord
from swarmctl.core.sharing import gatewayproof
from swarmctl.core.sharing.gatewayproof import Likely, Said
from swarmctl.core.sharing.rewriting import scales
from swarmctl.effects.engines.endpoint import Endpoint
from swarmctl.effects.engines.llamacpp import answer, rows
from swarmctl.effects.proving import llamacpp

_PROMPT = "def first("
_TOKENS = 10
_SECONDS = 60.0


def listens(service: ServiceRecord, record: SwarmRecord, key_file: str) -> bool:
    """It answers, whatever its engines do."""
    with _endpoint(service, record, key_file) as at:
        return at.get("/live", key="").ok


def look(service: ServiceRecord, record: SwarmRecord, key_file: str) -> list[Proof]:
    """What it says without a question to a model."""
    with _endpoint(service, record, key_file) as at:
        health, listed = at.get("/health", key=""), at.get("/v1/models")
    names = [str(row.get("id")) for row in rows(listed.body, "data")] if listed.ok else listed.why
    return [
        gatewayproof.health_proof(record.swarm, service.name, health.body, health.why),
        gatewayproof.offered_proof(record.swarm, service.name, [m["name"] for m in _models(service)], names),
    ]


def ask(service: ServiceRecord, record: SwarmRecord, key_file: str, golden: Mapping[str, str]) -> list[Proof]:
    """Every model answers as itself, as it did before, and to nobody without the key."""
    found = []
    with _endpoint(service, record, key_file) as at:
        for model in _models(service):
            name = model["name"]
            told = _file(service, record, key_file).model_copy(update={"model": name})
            said = answer(at, told, record.floor)
            found.append(
                gatewayproof.answer_proof(record.swarm, service.name, name, said, record.floor, golden.get(name, ""))
            )
            found.append(_own(at, service, record, key_file, model))
        found.append(_key(at, service, record.swarm))
    return found


def _own(at: Endpoint, service: ServiceRecord, record: SwarmRecord, key_file: str, model: Mapping[str, Any]) -> Proof:
    """The same short prompt through the gateway, and to its engine with the adapter alone and with none.

    All on the slot of this model: nobody else's memory of a prompt is touched.
    """
    engine = service.settings["engines"][model["engine"]]
    count, slot = len(engine["adapters"]), model["slots"][0]
    told = llamacpp.settings_of(record.service(engine["service"]), record, key_file)
    asked = _likely(at, {"model": model["name"]})
    with Endpoint(told) as beside:

        def with_(adapter: int | None) -> Likely | str:
            return _likely(beside, {"id_slot": slot, "cache_prompt": False, "lora": scales(adapter, count)})

        base = None if model["adapter"] is None else with_(None)
        alone = with_(model["adapter"])
    return gatewayproof.own_proof(record.swarm, service.name, model["name"], Said(asked, alone, base))


def _likely(at: Endpoint, body: Mapping[str, Any]) -> Likely | str:
    """What would come first, or why nothing is known."""
    told = {"prompt": _PROMPT, "max_tokens": 1, "temperature": 0, "logprobs": _TOKENS, "seed": 1, **body}
    reply = at.post("/v1/completions", told, seconds=_SECONDS)
    if not reply.ok:
        return reply.why
    try:
        (first,) = reply.body["choices"][0]["logprobs"]["content"]
        return {str(row["id"]): float(row["logprob"]) for row in first["top_logprobs"]}
    except (KeyError, IndexError, TypeError, ValueError) as e:
        return f"an answer of another shape: {type(e).__name__} {e}"


def _key(at: Endpoint, service: ServiceRecord, swarm: str) -> Proof:
    """Neither answers nor names without the key."""
    body = {"model": _models(service)[0]["name"], "prompt": "?", "max_tokens": 1}
    seen = {
        "without": at.post("/v1/completions", body, key="").status,
        "with a wrong one": at.post("/v1/completions", body, key="wrong").status,
        "names without": at.get("/v1/models", key="").status,
    }
    measured = ", ".join(f"{code} {how}" for how, code in seen.items())
    holds = outcome(set(seen.values()) == {401})
    mend = f"swarmctl logs --swarm {swarm} {service.name}"
    return Proof(
        "key demanded", service.name, "401 without the key", measured, f"POST {at.url}/v1/completions", holds, mend
    )


def _models(service: ServiceRecord) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = service.settings["models"]
    return found


def _endpoint(service: ServiceRecord, record: SwarmRecord, key_file: str) -> Endpoint:
    return Endpoint(_file(service, record, key_file))


def _file(service: ServiceRecord, record: SwarmRecord, key_file: str) -> EngineFile:
    """Its first engine's settings, at its own address."""
    engine = record.service(service.settings["engines"][0]["service"])
    return llamacpp.settings_of(engine, record, key_file).model_copy(update={"port": service.port})
