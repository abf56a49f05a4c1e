"""What is measured of a conversion, part by part, as `swarmctl.converter.certify` writes it."""

from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

Count = Annotated[int, Field(ge=0, lt=1 << 63)]
Figure = Annotated[float, Field(ge=0, lt=1e18, allow_inf_nan=False)]
Signed = Annotated[float, Field(gt=-1e18, lt=1e18, allow_inf_nan=False)]
Names = dict[str, str]


class Part(BaseModel):
    """Everything in a certificate: nothing beside what is known, nothing of another type."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)


class Failed(Part):
    """A part that could not be measured."""

    error: str


class File(Part):
    """A published file. bytes and sha256 of its content."""

    bytes: Count
    sha256: str = Field(pattern=r"^[0-9a-f]{64}$")


class Source(Part):
    """What was converted. revision: of a repository, None for a folder."""

    revision: str | None
    architectures: list[str] | None
    files: dict[str, File]


class Gguf(File):
    """The unquantised result. types: of its tensors. tokenizer: the pre-tokenizer that llama.cpp will use."""

    architecture: str
    layers: Count
    types: list[str]
    tokenizer: str | None


class Tensors(Part):
    """What became of each tensor. apart: those whose numbers differ, and how far in units of two unlike tensors.

    dropped: left out, and why that is right. unplaced: left out without a known reason. missing: from nowhere.
    not_numbers: how many values of a tensor are NaN or infinite, in the result and in what was published.
    """

    published: Count
    mapped: Count
    stored: Count
    compared: Count
    made: list[str]
    dropped: Names
    unplaced: list[str]
    missing: list[str]
    apart: dict[str, Figure | Literal["another size"]]
    furthest: Figure | Literal["another size"]
    not_numbers: dict[str, Count]
    source_not_numbers: dict[str, Count]


class Begins(Part):
    """Whether a text begins with `token`: as published, as the tokenizer does it, as llama.cpp does it."""

    token: Count | None
    published: bool | None
    tokenizer: bool
    llama_cpp: bool = Field(alias="llama.cpp")


class Tokens(Part):
    """Both tokenizers on hard strings, and all words of the vocabulary.

    not_normalised: alike but for accents that llama.cpp does not compose.
    """

    strings: Count
    ids: Count
    wrong: Count
    wrong_cases: list[dict[str, Any]]
    back_wrong: Count
    back_cases: list[dict[str, Any]]
    not_normalised: Count
    words: Count
    other_words: Count
    other_cases: list[dict[str, Any]]
    marks_taken_otherwise: Count
    begins: Begins


class Dialogue(Part):
    """One dialogue, rendered by both. verdict `not in this template`: the publisher's own template refuses it."""

    dialogue: str
    verdict: Literal["same", "another", "refused", "not in this template"]
    why: str = ""
    at: Count | None = None
    expected: str = ""
    got: str = ""


class Template(Part):
    """Whether the tokenizer has a template, and how dialogues come out of it."""

    present: bool
    dialogues: list[Dialogue]


class End(Part):
    """A token that ends an answer, and whether llama.cpp stops there."""

    id: Count
    token: str
    stops: bool


class Stop(Part):
    """goes_on: another token does not end the answer."""

    ends: list[End]
    goes_on: bool


class Prompt(Part):
    """The token after one prompt. kl in nats; largest: difference of one log-probability; None is no number."""

    prompt: str
    tokens: Count
    kl: Figure | None
    largest: Figure | None
    same_first: bool


class Logits(Part):
    """The result against the published weights, run in f32. layers: how many of them were run."""

    layers: Count
    of: Count | None
    weights: str | None
    prompts: list[Prompt]
    kl: Figure | None
    largest: Figure | None
    same_first: Count

    @property
    def whole(self) -> bool:
        """Every layer was run."""
        return self.of is not None and self.layers >= self.of


class Opening(Part):
    """Whether a text begins with `token`: as the file says, as llama.cpp does it."""

    token: Count | None
    said: bool | None
    llama_cpp: bool = Field(alias="llama.cpp")


class Own(Part):
    """A file that was published as GGUF, by itself. back_wrong: strings that come back as another text.

    silent: prompts after which its log-probabilities are no numbers. not_numbers: values of unquantised tensors.
    """

    strings: Count
    back_wrong: Count
    back_cases: list[Names]
    words: Count
    begins: Opening
    prompts: Count
    silent: list[str]
    not_numbers: dict[str, Count]


class Quant(File):
    """One quantisation. bits per weight; kl in nats against the unquantised file; same_top in percent.

    changed: metadata that quantising should have left alone.
    """

    bits: Figure
    changed: list[str]
    error: str = ""
    kl: Signed | None = None
    kl_error: Signed | None = None
    median: Signed | None = None
    p99: Signed | None = None
    largest: Signed | None = None
    same_top: Signed | None = None
    perplexity: Signed | None = None
    base_perplexity: Signed | None = None


class Measured(Part):
    """All of it; a part that could not be measured is `Failed`, one that is not asked for None.

    against: the published weights, or the file itself that was published as GGUF. Those of format 1 are of weights.
    """

    format: Literal[1, 2]
    against: Literal["weights", "file"] = "weights"
    source: Source | Failed
    tools: dict[str, str | None] | Failed
    gguf: Gguf | Failed
    tensors: Tensors | Failed | None = None
    tokens: Tokens | Failed | None = None
    file: Own | Failed | None = None
    template: Template | Failed
    stop: Stop | Failed
    logits: Logits | Failed | None = None
    quants: dict[str, Quant] | Failed
    seconds: Figure

    @model_validator(mode="after")
    def _has_its_parts(self) -> Self:
        missing = [name for name in self.parts if getattr(self, name) is None]
        if missing:
            raise ValueError(f"it lacks {', '.join(missing)}")
        return self

    @property
    def parts(self) -> tuple[str, ...]:
        """Names of those that such a proof has."""
        middle = ("tensors", "tokens", "logits") if self.against == "weights" else ("file",)
        return ("source", "tools", "gguf", *middle, "template", "stop", "quants")
