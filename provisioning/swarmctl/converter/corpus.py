"""The texts that a conversion is tried on: strings that tokenizers get wrong, prompts, and one text for divergence."""

from typing import Any

HARD = (
    "Hello, world!",
    " leading blank",
    "trailing blank ",
    "   three   blanks   between   ",
    "\ttab\t\ttabs\t",
    "line\n\nlines\n\n\n\nmore\n",
    "dos\r\nends\r\n\r\n",
    " \n \n\t\n  \n   end",
    "def f(x: int) -> int:\n    return x ** 2 if x >= 0 else -x\n",
    "for (int i = 0; i < n; ++i) { a[i] += b[i] * 0.5f; } // ok?",
    "SELECT * FROM t WHERE a <> 'it''s' AND b != \"x\";",
    '{"a": [1, 2.5e-3, null], "b": {"c": "\\u00e9\\n"}}',
    '<div class="a-b_c">&nbsp;&lt;tag/&gt;</div><!-- c -->',
    "#!/bin/sh\nset -eu\nfind . -name '*.py' | xargs -I{} sh -c 'echo \"{}\"'",
    "camelCase snake_case SCREAMING_CASE kebab-case __dunder__ i18n x86_64",
    "0 1 12 123 1234 12345 123456 1234567 3.14159 1,000,000 0xFF 1e10 2^32",
    "I'm you're he'll WE'VE they'd it's 'quoted' can't",
    "!!! ??? ... --- === ### *** /// \\\\\\ ~~~ @@@ $$$ %%% ^^^ &&&",
    "déjà vu, naïve façade, Straße, Ångström, ½ ¾ ² ³ € £ ¥ §",
    "De\u0301ja\u0300 combining a\u030a o\u0308",
    "Привет, мир! Как дела? Щёлк",
    "你好，世界！这是一个测试。漢字とかな、カタカナ。한국어 문장",
    "مرحبا بالعالم ١٢٣ שלום עולם",
    "नमस्ते दुनिया สวัสดีชาวโลก",
    "🚀 👩‍👩‍👧‍👦 🏳️‍🌈 👍🏽 ✅ 😶‍🌫️",
    "zero\u200bwidth \u00a0nbsp \u2003em \u3000wide \ufeffmark \u2028line",
    "𝔘𝔫𝔦𝔠𝔬𝔡𝔢 𝟙𝟚𝟛 ﬁ ﬂ Ǆ ﷽",
    "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
    "https://user@example.org:8080/a/b.c?d=e&f=%20g#h",
    "C:\\Users\\me\\file.txt ~/.config/app ../x/./y",
    "\x00\x01\x07\x1b[0m\x7f",
    "x" + " " * 40 + "y" + "\n" * 12 + "z",
    "",
)
"""No lone surrogates: JSON between the two sides cannot carry them."""

MARKS = (
    "<|im_start|>user\nhi<|im_end|>\n",
    "<|begin_of_text|><|start_header_id|>user<|end_header_id|>\n\nhi<|eot_id|>",
    "<start_of_turn>user\nhi<end_of_turn>\n<bos><eos>",
    "<｜begin▁of▁sentence｜><｜User｜>hi<｜Assistant｜>",
    "<s>[INST] hi [/INST]</s> <unk> <pad>",
    '<tool_call>\n{"name": "f"}\n</tool_call> <think>\n\n</think>',
    "<|endoftext|> <|not_a_token|> <| im_start |>",
)
"""Marks of chat formats: llama.cpp takes some for special whatever the tokenizer says; differences are noted."""

PROMPTS = {
    "one word": "Hello",
    "prose": "The quick brown fox jumps over the lazy dog, and then it sits down beside the river to think about",
    "code": 'def fibonacci(n: int) -> int:\n    """The n-th number."""\n    if n < 2:\n        return n\n    return',
    "unicode": "Übergrößenträger: 世界 🚀 Привет",
    "blanks": "a\n\n\n    b\t\tc   ",
    "numbers": "3.14159265358979 + 2.71828182845904 =",
}
"""Short ones; a long one is the beginning of TEXT, and one is a rendered dialogue."""

_WEATHER = {
    "type": "function",
    "function": {
        "name": "read_file",
        "description": "Reads a file of the repository.",
        "parameters": {
            "type": "object",
            "properties": {
                "path": {"type": "string", "description": "Where it is."},
                "lines": {"type": "integer", "description": "How many are wanted."},
            },
            "required": ["path"],
        },
    },
}
_CALL = {"type": "function", "function": {"name": "read_file", "arguments": {"path": "src/main.py", "lines": 20}}}


def _said(role: str, content: str, **more: Any) -> dict[str, Any]:
    return {"role": role, "content": content, **more}


_SYSTEM = _said("system", "You are a careful programmer.\nAnswer in short sentences.")
_HI, _HELLO = (
    _said("user", "Write a function that adds two numbers."),
    _said("assistant", "def add(a, b): return a + b"),
)
DIALOGUES: dict[str, dict[str, Any]] = {
    "one question": {"messages": [_HI]},
    "system": {"messages": [_SYSTEM, _HI]},
    "several turns": {"messages": [_HI, _HELLO, _said("user", "Now subtract.")]},
    "system and turns": {
        "messages": [_SYSTEM, _HI, _HELLO, _said("user", "Now subtract."), _HELLO, _said("user", "Thanks. Types?")]
    },
    "blanks and code": {"messages": [_said("user", "  Mend this:\n\n```py\nif x:\n\treturn  1\n```\n\n\nNow.  ")]},
    "unicode and marks": {"messages": [_said("user", 'Größe 世界 🚀 "quoted" <b>&amp;</b> {{ x }} {% y %} \\n')]},
    "tools": {"messages": [_SYSTEM, _HI], "tools": [_WEATHER]},
    "tool call and result": {
        "messages": [
            _SYSTEM,
            _said("user", "What is in src/main.py?"),
            _said("assistant", "", tool_calls=[_CALL]),
            _said("tool", "print('hello')\n"),
        ],
        "tools": [_WEATHER],
    },
}
"""Content is plain text; arguments of calls are objects, as templates expect them."""

TEXT = """\
A queue is a list that gives back first what was put in first. People meet it at the baker's and in every computer:
whoever comes first is served first, and nobody is served twice. In Python a list will do for a short one, but taking
the first element moves all others, so that the time grows with the length. A deque does not have this fault.

```python
from collections import deque

def served(customers: list[str], counters: int) -> list[list[str]]:
    \"\"\"Who is served in each round, in the order in which they came.\"\"\"
    waiting = deque(customers)
    rounds: list[list[str]] = []
    while waiting:
        rounds.append([waiting.popleft() for _ in range(min(counters, len(waiting)))])
    return rounds

assert served(["Ada", "Ben", "Cy"], 2) == [["Ada", "Ben"], ["Cy"]]
```

Three things can go wrong. If `counters` is 0 the loop never ends; if it is negative the same happens, and no message
says so. If the list is empty, the result is empty too, which is right: nobody came, nobody was served. A careful writer
checks the number first and raises `ValueError("counters must be at least 1")`, since a function that hangs is worse
than one that fails.

How long does it take? Each customer is appended once and taken once, so the work is proportional to their number:
10 customers, 10 steps; 1,000,000 customers, 1,000,000 steps, about 0.08 s on a laptop of 2024. With a plain list and
`pop(0)` the same million takes minutes, because 1 + 2 + 3 + ... + n = n(n + 1)/2, which is 500,000,500,000.

| container | append | take first | memory per element |
| --- | --- | --- | --- |
| list | O(1) | O(n) | 8 bytes |
| deque | O(1) | O(1) | about 8.3 bytes |
| linked list | O(1) | O(1) | 56 bytes or more |

Die Schlange vor dem Bäcker ist kürzer am Nachmittag; la file d'attente est plus courte l'après-midi; очередь короче
после обеда; 下午排队的人比较少。 The words differ, the idea does not.

{"name": "served", "version": "1.4.2", "tests": {"passed": 17, "failed": 0, "seconds": 0.03}, "tags": ["queue", "fifo"]}

$ git log --oneline -3
9f3c2ab Refuse less than one counter
41d07ee Use a deque: a million customers in 0.08 s
0c55e1f Serve customers in the order in which they come
"""
"""Prose, code, figures, a table and other languages in about 700 tokens; fixed, so that figures can be compared."""
