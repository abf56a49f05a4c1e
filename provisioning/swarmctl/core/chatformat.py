"""How each chat family writes one conversation, as its makers say: what a model must be shown to have got."""

from collections.abc import Mapping

TALK = (
    {"role": "system", "content": "SYSTEM"},
    {"role": "user", "content": "FIRST"},
    {"role": "assistant", "content": "ANSWER"},
    {"role": "user", "content": "SECOND"},
)
FORMATS: Mapping[str, str] = {
    "chatml": "<|im_start|>system\nSYSTEM<|im_end|>\n<|im_start|>user\nFIRST<|im_end|>\n<|im_start|>assistant\nANSWER"
    "<|im_end|>\n<|im_start|>user\nSECOND<|im_end|>\n<|im_start|>assistant\n",
    "phi4": "<|im_start|>system<|im_sep|>SYSTEM<|im_end|><|im_start|>user<|im_sep|>FIRST<|im_end|>"
    "<|im_start|>assistant<|im_sep|>ANSWER<|im_end|><|im_start|>user<|im_sep|>SECOND<|im_end|>"
    "<|im_start|>assistant<|im_sep|>",
    "llama2": "[INST] <<SYS>>\nSYSTEM\n<</SYS>>\n\nFIRST [/INST] ANSWER </s><s>[INST] SECOND [/INST]",
    "llama3": "<|start_header_id|>system<|end_header_id|>\n\nSYSTEM<|eot_id|>"
    "<|start_header_id|>user<|end_header_id|>\n\nFIRST<|eot_id|><|start_header_id|>assistant<|end_header_id|>\n\nANSWER<|eot_id|>"
    "<|start_header_id|>user<|end_header_id|>\n\nSECOND<|eot_id|><|start_header_id|>assistant<|end_header_id|>\n\n",
    "gemma": "<start_of_turn>user\nSYSTEM\n\nFIRST<end_of_turn>\n<start_of_turn>model\nANSWER<end_of_turn>\n"
    "<start_of_turn>user\nSECOND<end_of_turn>\n<start_of_turn>model\n",
    "deepseek3": "SYSTEM<｜User｜>FIRST<｜Assistant｜>ANSWER<｜end▁of▁sentence｜><｜User｜>SECOND<｜Assistant｜>",
    "deepseek2": "SYSTEM\n\nUser: FIRST\n\nAssistant: ANSWER<｜end▁of▁sentence｜>User: SECOND\n\nAssistant:",
    "granite": "<|start_of_role|>system<|end_of_role|>SYSTEM<|end_of_text|>\n"
    "<|start_of_role|>user<|end_of_role|>FIRST<|end_of_text|>\n"
    "<|start_of_role|>assistant<|end_of_role|>ANSWER<|end_of_text|>\n"
    "<|start_of_role|>user<|end_of_role|>SECOND<|end_of_text|>\n<|start_of_role|>assistant<|end_of_role|>",
    "granite-code": "System:\nSYSTEM\n\nQuestion:\nFIRST\n\nAnswer:\nANSWER\n\nQuestion:\nSECOND\n\nAnswer:\n",
    "glm4": "[gMASK]<sop><|system|>\nSYSTEM<|user|>\nFIRST<|assistant|>\nANSWER<|user|>\nSECOND<|assistant|>\n",
    "mistral": "[INST] SYSTEM\n\nFIRST[/INST] ANSWER</s>[INST] SECOND[/INST]",
    "mistral7": "[SYSTEM_PROMPT]SYSTEM[/SYSTEM_PROMPT][INST]FIRST[/INST]ANSWER</s>[INST]SECOND[/INST]",
    "starcoder2": "SYSTEM\n\n### Instruction\nFIRST\n\n### Response\nANSWER<|endoftext|>\n\n### Instruction\nSECOND\n\n"
    "### Response\n",
    "phi3": "<|system|>\nSYSTEM<|end|>\n<|user|>\nFIRST<|end|>\n<|assistant|>\nANSWER<|end|>\n<|user|>\nSECOND<|end|>\n"
    "<|assistant|>\n",
}
"""The formats of the models' own papers, without the token that begins every text."""


def differs(family: str, rendered: str) -> str:
    """Where a rendering of TALK leaves its family's format; "" where it does not. For a format that is not known here
    (the file's own) the words must be there in order, and not bare.
    """
    if family in FORMATS:
        wanted = FORMATS[family]
        if rendered == wanted:
            return ""
        at = next((n for n, (a, b) in enumerate(zip(wanted, rendered, strict=False)) if a != b), len(rendered))
        return f"after {wanted[max(0, at - 12) : at]!r} comes {rendered[at : at + 24]!r}, not {wanted[at : at + 24]!r}"
    places = [rendered.find(word) for word in ("FIRST", "ANSWER", "SECOND")]
    if -1 in places or places != sorted(places):
        return f"not every message is in it: {rendered[:80]!r}"
    bare = sum(len(line["content"]) for line in TALK) + len(TALK)
    return "" if len(rendered) > bare else f"messages without a format: {rendered[:80]!r}"
