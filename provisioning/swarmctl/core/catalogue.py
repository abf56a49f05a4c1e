"""Models that are known before they are fetched: where they come from and what they are made of."""

from collections.abc import Sequence

from pydantic import Field

from swarmctl.core.gguf import GgufFacts
from swarmctl.core.spec import ModelSource, Strict


class CardFacts(Strict):
    """GgufFacts as a person writes them: sizes in bytes, contexts in tokens."""

    architecture: str
    name: str
    block_count: int = Field(ge=1)
    embedding_length: int = Field(ge=1)
    feed_forward_length: int = Field(ge=0)
    head_count: int = Field(ge=1)
    head_count_kv: int = Field(ge=1)
    key_length: int = Field(ge=1)
    context_length: int = Field(ge=1)
    vocab_size: int = Field(ge=1)
    tensor_bytes: int = Field(ge=1)
    token_embd_bytes: int = Field(ge=1)
    has_output: bool
    tensors: int = Field(ge=1)


class ModelCard(Strict):
    """One model in one quantisation. figures: where the numbers come from."""

    licence: str
    figures: str
    source: ModelSource
    facts: CardFacts

    def as_facts(self) -> GgufFacts:
        """The facts in the form that a header gives."""
        f = self.facts
        return GgufFacts(
            architecture=f.architecture,
            name=f.name,
            block_count=f.block_count,
            embedding_length=f.embedding_length,
            feed_forward_length=f.feed_forward_length,
            head_count=f.head_count,
            head_count_kv=f.head_count_kv,
            kv_heads=f.head_count_kv * f.block_count,
            key_length=f.key_length,
            value_length=f.key_length,
            context_length=f.context_length,
            vocab_size=f.vocab_size,
            tensor_bytes=f.tensor_bytes,
            token_embd_bytes=f.token_embd_bytes,
            has_output=f.has_output,
            file_type=None,
            tensors=f.tensors,
            file_bytes=f.tensor_bytes,
            chat_template=True,
        )


def find(cards: Sequence[ModelCard], source: ModelSource) -> ModelCard | None:
    """The card of a source, whatever its revision; None when it is not in the catalogue."""
    wanted = (source.package, source.hf, source.file)
    return next((card for card in cards if (card.source.package, card.source.hf, card.source.file) == wanted), None)
