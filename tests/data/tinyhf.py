"""Writes a tiny random Llama as Hugging Face publishes models: config, safetensors, a tokenizer of its own."""

import json
import sys
from pathlib import Path

import numpy as np
import sentencepiece
from safetensors.numpy import save_file

HIDDEN, INNER, LAYERS = 64, 128, 2


def main(out: Path) -> None:
    """Into a new folder."""
    out.mkdir(parents=True)
    text = out / "text.txt"
    text.write_text("\n".join(f"a function number {n} returns the value {n * 7} of a list" for n in range(400)))
    sentencepiece.SentencePieceTrainer.train(
        input=str(text), model_prefix=str(out / "tokenizer"), vocab_size=300, byte_fallback=True,
        hard_vocab_limit=False, minloglevel=2,
    )  # fmt: skip
    vocab = sentencepiece.SentencePieceProcessor(model_file=str(out / "tokenizer.model")).vocab_size()
    random, ones = np.random.default_rng(7), np.ones(HIDDEN, np.float16)

    def matrix(*shape: int) -> np.ndarray:
        return random.normal(0, 0.02, shape).astype(np.float16)

    tensors = {"model.embed_tokens": matrix(vocab, HIDDEN), "model.norm": ones, "lm_head": matrix(vocab, HIDDEN)}
    for n in range(LAYERS):
        at = f"model.layers.{n}."
        tensors |= {f"{at}self_attn.{name}_proj": matrix(HIDDEN, HIDDEN) for name in "qkvo"}
        tensors |= {f"{at}mlp.{name}_proj": matrix(INNER, HIDDEN) for name in ("gate", "up")}
        tensors |= {f"{at}mlp.down_proj": matrix(HIDDEN, INNER)}
        tensors |= {f"{at}{name}_layernorm": ones for name in ("input", "post_attention")}
    save_file({f"{name}.weight": t for name, t in tensors.items()}, str(out / "model.safetensors"), {"format": "pt"})
    config = {
        "architectures": ["LlamaForCausalLM"], "model_type": "llama", "hidden_size": HIDDEN,
        "intermediate_size": INNER, "num_hidden_layers": LAYERS, "num_attention_heads": 4, "num_key_value_heads": 4,
        "vocab_size": vocab, "max_position_embeddings": 256, "rms_norm_eps": 1e-5, "rope_theta": 10000.0,
        "torch_dtype": "float16", "bos_token_id": 1, "eos_token_id": 2, "tie_word_embeddings": False,
    }  # fmt: skip
    (out / "config.json").write_text(json.dumps(config))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
