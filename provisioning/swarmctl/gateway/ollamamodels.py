"""The models as Ollama lists, shows and keeps them."""

from typing import Any

from swarmctl.gateway.desk import Model

_ALWAYS = "2318-01-01T00:00:00Z"
"""A model here is never unloaded; Ollama's own -1 gives about this."""
_MADE = "1970-01-01T00:00:00Z"


def tagged(model: Model) -> dict[str, Any]:
    """One entry of /api/tags."""
    offered = model.offered
    name = f"{offered.name}:latest"
    common = {"name": name, "model": name, "size": offered.size, "digest": offered.digest}
    return common | {"modified_at": _MADE, "details": _details(model)}


def running(model: Model) -> dict[str, Any]:
    """One entry of /api/ps. What is on a card only the engine's own figures say: size_vram is left out."""
    listed = {key: value for key, value in tagged(model).items() if key != "modified_at"}
    return listed | {"expires_at": _ALWAYS, "context_length": model.engine.told.context}


async def shown(model: Model) -> dict[str, Any]:
    """/api/show: the template and what it can do are asked of the engine. Raises Trouble 502."""
    props = await model.engine.look("/props")
    caps = props.get("chat_template_caps") or {}
    able = ["completion", *(["tools"] if caps.get("supports_tools") or caps.get("supports_tool_calls") else [])]
    family = model.offered.family
    info = {"general.architecture": family, f"{family}.context_length": model.engine.told.context}
    return {
        "template": props.get("chat_template") or "",
        "parameters": f"num_ctx {model.engine.told.context}",
        "details": _details(model),
        "model_info": info,
        "capabilities": able,
        "modified_at": _MADE,
    }


def _details(model: Model) -> dict[str, Any]:
    offered = model.offered
    return {
        "parent_model": "",
        "format": "gguf",
        "family": offered.family,
        "families": [offered.family],
        "parameter_size": offered.parameters,
        "quantization_level": offered.quant,
    }
