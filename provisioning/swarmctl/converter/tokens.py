"""The tokenizer that llama.cpp reads from the GGUF file held against the published one, on strings that are hard."""

import unicodedata
from typing import Any

from swarmctl.converter.answering import Server
from swarmctl.converter.corpus import HARD, MARKS, TEXT
from swarmctl.converter.gguffile import GGUF

_SHOWN = 5
_SPECIAL = 64
"""Special tokens that are tried; vocabularies reserve hundreds."""


def measure(server: Server, tokenizer: Any, config: dict[str, Any], rows: int, file: GGUF) -> dict[str, Any]:
    """The part of the certificate about the tokenizer, whose settings these are. rows: of the embedding."""
    words = file.strings("tokenizer.ggml.tokens")
    other = vocabulary(words, tokenizer)
    texts = [*HARD, *_own(tokenizer, rows), TEXT]
    found = _Found(server, tokenizer)
    for text in texts:
        found.forth(text)
        found.back(text)
    noted = _Found(server, tokenizer)
    for text in MARKS:
        noted.forth(text)
    return {
        "strings": len(texts),
        "ids": found.ids,
        "wrong": len(found.wrong),
        "wrong_cases": found.wrong[:_SHOWN],
        "back_wrong": len(found.other),
        "back_cases": found.other[:_SHOWN],
        "not_normalised": found.composed,
        "words": len(words),
        "other_words": len(other),
        "other_cases": other[:_SHOWN],
        "marks_taken_otherwise": len({case["text"] for case in noted.wrong}),
        "begins": _begins(server, tokenizer, config),
    }


class _Found:
    """Cases that differ. composed: texts alike only once their accents are composed, which llama.cpp leaves out."""

    def __init__(self, server: Server, tokenizer: Any) -> None:
        self.server, self.tokenizer = server, tokenizer
        self.wrong: list[dict[str, Any]] = []
        self.other: list[dict[str, Any]] = []
        self.ids = self.composed = 0

    def forth(self, text: str) -> None:
        """From text to ids, with and without the tokens that begin and end a text."""
        for special in (True, False):
            expected = [int(n) for n in self.tokenizer.encode(text, add_special_tokens=special)]
            got = self.server.tokens(text, special=special)
            self.ids += len(expected)
            if got == expected:
                continue
            composed = unicodedata.normalize("NFC", text)
            if composed != text and self.server.tokens(composed, special=special) == expected:
                self.composed += 1
            else:
                self.wrong.append(_case(text, expected, got, special=special))

    def back(self, text: str) -> None:
        """From ids to text."""
        ids = [int(n) for n in self.tokenizer.encode(text, add_special_tokens=False)]
        there = self.tokenizer.decode(ids, skip_special_tokens=False, clean_up_tokenization_spaces=False)
        here = self.server.text(ids)
        # Bytes that are no text come back as one mark or as several.
        if here.replace("�", "") != there.replace("�", ""):
            self.other.append({"text": text[:60], "expected": there[:80], "got": here[:80]})


def vocabulary(words: list[str], tokenizer: Any) -> list[dict[str, Any]]:
    """Ids whose word in the GGUF file is not the tokenizer's; rows that pad the embedding are nobody's."""
    ids = range(min(len(words), len(tokenizer)))
    found = []
    for n, published in zip(ids, tokenizer.convert_ids_to_tokens(list(ids)), strict=True):
        word = words[n]
        if published is None or word in (published, published.replace("▁", " "), _byte(published)):
            continue
        # The script writes added tokens as they come back from the tokenizer.
        if word != tokenizer.decode([n], skip_special_tokens=False, clean_up_tokenization_spaces=False):
            found.append({"id": n, "expected": published[:40], "got": word[:40]})
    return found


def _byte(word: str) -> str:
    """Gemma 2's tokenizer.json has a character in the place of its byte."""
    return f"<0x{ord(word):02X}>" if len(word) == 1 and ord(word) < 0x80 else ""


def _own(tokenizer: Any, rows: int) -> list[str]:
    """Each special token between other text; not those that the model has no embedding for, as of images."""
    ids = sorted({int(n) for n in tokenizer.all_special_ids if int(n) < rows})
    return [f"so {token}it\n{token} is" for token in map(tokenizer.decode, ids[:_SPECIAL])]


def _case(text: str, expected: list[int], got: list[int], *, special: bool) -> dict[str, Any]:
    at = next((n for n, (a, b) in enumerate(zip(expected, got, strict=False)) if a != b), min(len(expected), len(got)))
    return {
        "text": text[:60],
        "special": special,
        "at": at,
        "expected": expected[max(0, at - 1) : at + 5],
        "got": got[max(0, at - 1) : at + 5],
    }


def _begins(server: Server, tokenizer: Any, config: dict[str, Any]) -> dict[str, Any]:
    """Whether a text begins with the token for it: as published, as the tokenizer does, as llama.cpp does."""
    first = tokenizer.bos_token_id
    said = config.get("add_bos_token")
    return {
        "token": first,
        "published": said if isinstance(said, bool) else None,
        "tokenizer": first is not None and tokenizer.encode("a")[:1] == [first],
        "llama.cpp": first is not None and server.tokens("a", special=True)[:1] == [first],
    }
