"""Proves a file that was published as GGUF: there are no weights to hold it against, so it is held against itself."""

from typing import Any

from swarmctl.converter import moments, stops
from swarmctl.converter.answering import Failed, Server, serving
from swarmctl.converter.corpus import DIALOGUES, HARD, PROMPTS, TEXT
from swarmctl.converter.gguffile import GGUF
from swarmctl.converter.logits import first
from swarmctl.converter.measuring import Measuring, said, tools
from swarmctl.converter.templates import DATE, apart

_ENDS = ("eos", "eot", "eom")
_SHOWN = 5


class OfGguf(Measuring):
    """Its tokenizer on hard strings, its template by another engine, its ends, its numbers, and what is made of it."""

    def all(self) -> dict[str, Any]:
        """Every part; one that fails does not keep the others from being measured."""
        self.made["against"] = "file"
        self.part("source", self._source)
        self.part("tools", tools)
        self.part("gguf", self.file)
        try:
            with serving(self.gguf, self.scratch / "server.log", threads=self.threads) as server:
                self.part("file", lambda: self._file(server))
                self.part("template", lambda: template(server, GGUF(self.gguf)))
                self.part("stop", lambda: stop(server, GGUF(self.gguf)))
        except Exception as e:  # noqa: BLE001 - whatever it is, it stands in the certificate
            for name in ("file", "template", "stop"):
                self.made.setdefault(name, {"error": said(e)})
        self.part("quants", self.quantised)
        return self.ended()

    def _source(self) -> dict[str, Any]:
        name = self.gguf.name
        about = {"bytes": self.gguf.stat().st_size, "sha256": self.sums.get(name) or self.file()["sha256"]}
        return {"revision": self.revision, "architectures": None, "files": {name: about}}

    def _file(self, server: Server) -> dict[str, Any]:
        file = GGUF(self.gguf)
        texts = [text for text in (*HARD, TEXT) if text]
        other = [case for text in texts if (case := _back(server, text))]
        silent = [name for name, text in PROMPTS.items() if not _answers(server, server.tokens(text, special=True))]
        return {
            "strings": len(texts),
            "back_wrong": len(other),
            "back_cases": other[:_SHOWN],
            "words": len(file.strings("tokenizer.ggml.tokens")),
            "begins": _begins(server, file),
            "prompts": len(PROMPTS),
            "silent": silent,
            "not_numbers": _broken(file),
        }


def _back(server: Server, text: str) -> dict[str, str] | None:
    """A text that does not come back from its ids; one blank before it, and how bytes are shown, are of no matter."""
    got = server.text(server.tokens(text, special=False))
    if got.removeprefix(" ").replace("�", "") == text.removeprefix(" ").replace("�", ""):
        return None
    return {"text": text[:60], "got": got[:80]}


def _answers(server: Server, ids: list[int]) -> bool:
    """The log-probabilities after these are numbers."""
    try:
        found = first(server, ids)
    except Failed:
        return False
    return bool(found) and all(value == value for value in found.values())  # noqa: PLR0124 - NaN is unlike itself


def _begins(server: Server, file: GGUF) -> dict[str, Any]:
    """Whether a text begins with the token for it, as the file says and as llama.cpp does."""
    token, told = file.values.get("tokenizer.ggml.bos_token_id"), file.values.get("tokenizer.ggml.add_bos_token")
    really = isinstance(token, int) and server.tokens("a", special=True)[:1] == [token]
    return {"token": token, "said": told if isinstance(told, bool) else None, "llama.cpp": really}


def _broken(file: GGUF) -> dict[str, int]:
    """Values that are no numbers, by tensor; those of quantised types would show in what the model says."""
    found = {name: moments.of_stored(file, tensor) for name, tensor in file.tensors.items()}
    return {name: sums.broken for name, sums in found.items() if sums is not None and sums.broken}


def stop(server: Server, file: GGUF) -> dict[str, Any]:
    """The part about stopping, by the tokens that the file names."""
    ids = [file.values.get(f"tokenizer.ggml.{name}_token_id") for name in _ENDS]
    words = file.strings("tokenizer.ggml.tokens")
    ends = list(dict.fromkeys(n for n in ids if isinstance(n, int) and 0 <= n < len(words)))
    return stops.ended(server, [(end, words[end]) for end in ends])


def template(server: Server, file: GGUF) -> dict[str, Any]:
    """The part about the template: the file's own, by the engine that publishers use, and as llama.cpp renders it."""
    text = file.text("tokenizer.chat_template")
    if not text:
        return {"present": False, "dialogues": []}
    return {"present": True, "dialogues": [_one(server, file, text, name) for name in DIALOGUES]}


def _one(server: Server, file: GGUF, text: str, name: str) -> dict[str, Any]:
    try:
        expected = _rendered(file, text, DIALOGUES[name])
    except Exception as e:  # noqa: BLE001 - templates raise what they like
        return {"dialogue": name, "verdict": "not in this template", "why": str(e)[:120]}
    try:
        got = str(server.ask("apply-template", **DIALOGUES[name], chat_template_kwargs={"date_string": DATE})["prompt"])
    except Failed as e:
        return {"dialogue": name, "verdict": "refused", "why": str(e)[:200]}
    wanted, ids = server.tokens(expected, special=False), server.tokens(got, special=True)
    return {"dialogue": name, **apart(wanted, ids, server.text)}


def _rendered(file: GGUF, text: str, dialogue: dict[str, Any]) -> str:
    from transformers.utils.chat_template_utils import _compile_jinja_template  # noqa: PLC0415 - seconds, and only here

    words = file.strings("tokenizer.ggml.tokens")
    names = {}
    for mark in ("bos", "eos"):
        token = file.values.get(f"tokenizer.ggml.{mark}_token_id")
        names[f"{mark}_token"] = words[token] if isinstance(token, int) and 0 <= token < len(words) else ""
    return str(
        _compile_jinja_template(text).render(
            messages=dialogue["messages"], tools=dialogue.get("tools"), add_generation_prompt=True, date_string=DATE,
            **names,
        )
    )  # fmt: skip
