"""What a message asks for: a run, a step or a turn of a chat."""

from a2a.helpers import get_data_parts, get_text_parts
from a2a.types.a2a_pb2 import Message
from pydantic import ValidationError

from swarmctl.core.messages import ChatOrder, RunOrder, StepOrder

Order = RunOrder | StepOrder | ChatOrder
_KINDS: dict[str, type[RunOrder] | type[StepOrder] | type[ChatOrder]] = {
    "run": RunOrder,
    "step": StepOrder,
    "chat": ChatOrder,
}


def read_order(message: Message) -> Order:
    """The order in a message: its one data part, else its text as a turn of a chat.

    Raises ValueError with a sentence for whoever sent it.
    """
    data = get_data_parts(message.parts)
    if len(data) > 1:
        raise ValueError(f"a message carries one order, this one has {len(data)} data parts")
    if data:
        return _from_data(data[0])
    text = "\n".join(get_text_parts(message.parts)).strip()
    if not text:
        raise ValueError("the message is empty: send text, or an order as a data part")
    return ChatOrder(text=text)


def _from_data(data: object) -> Order:
    kind = data.get("kind") if isinstance(data, dict) else None
    model = _KINDS.get(kind) if isinstance(kind, str) else None
    if model is None:
        raise ValueError(f"an order's kind is one of {', '.join(_KINDS)}, this one's is {kind!r}")
    try:
        return model.model_validate(data)
    except ValidationError as e:
        wrong = "; ".join(f"{'.'.join(map(str, item['loc']))}: {item['msg']}" for item in e.errors()[:5])
        raise ValueError(f"the {kind} order is not understood: {wrong}") from None
