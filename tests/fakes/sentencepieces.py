"""A SentencePiece model from a tokenizer.json: packages carry only the latter, llama.cpp's script reads the former."""

import json
import struct
from pathlib import Path

_NORMAL, _UNKNOWN, _CONTROL, _USER, _BYTE = 1, 2, 3, 4, 6
_BPE = 2


def write(folder: Path) -> None:
    """tokenizer.model beside the folder's tokenizer.json, whose merges say the scores."""
    said = json.loads((folder / "tokenizer.json").read_text())
    vocabulary: dict[str, int] = said["model"]["vocab"]
    added = {one["content"]: bool(one["special"]) for one in said["added_tokens"]}
    ranks: dict[str, int] = {}
    for rank, pair in enumerate(said["model"]["merges"]):
        ranks.setdefault("".join(pair if isinstance(pair, list) else pair.split(" ")), rank)
    last = float(len(ranks) + 1)
    pieces = []
    for listed, _ in sorted(vocabulary.items(), key=lambda one: one[1]):
        # Gemma 2's tokenizer.json has the character itself in the place of its byte.
        piece = "<0x09>" if listed == "\t" and "<0x09>" not in vocabulary else listed
        kind = _kind(piece, added)
        score = -float(ranks.get(piece, last)) if kind == _NORMAL else 0.0
        body = _bytes(1, piece.encode()) + b"\x15" + struct.pack("<f", score) + _number(3, kind)
        pieces.append(_bytes(1, body))
    ids = (("<unk>", 40), ("<bos>", 41), ("<eos>", 42), ("<pad>", 43))
    trainer = _number(3, _BPE) + _number(4, len(pieces)) + _number(35, 1)
    trainer += b"".join(_number(field, vocabulary[piece]) for piece, field in ids)
    # No prefix, no cleaning, blanks written as the character that stands for them.
    normalizer = _bytes(1, b"identity") + _number(3, 0) + _number(4, 0) + _number(5, 1)
    (folder / "tokenizer.model").write_bytes(b"".join(pieces) + _bytes(2, trainer) + _bytes(3, normalizer))


def _kind(piece: str, added: dict[str, bool]) -> int:
    if piece == "<unk>":
        return _UNKNOWN
    if piece.startswith("<0x") and len(piece) == 6:
        return _BYTE
    if piece not in added:
        return _NORMAL
    return _CONTROL if added[piece] else _USER


def _varint(value: int) -> bytes:
    out = bytearray()
    while value > 0x7F:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    out.append(value)
    return bytes(out)


def _number(field: int, value: int) -> bytes:
    return _varint(field << 3) + _varint(value)


def _bytes(field: int, value: bytes) -> bytes:
    return _varint(field << 3 | 2) + _varint(len(value)) + value
