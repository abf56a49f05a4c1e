"""MiB of one process on a GPU and on its host, and their sum."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Part:
    """MiB on one device. other: what is no buffer of the engine's (CUDA context, process, vocabulary, prompt cache).

    kept: what the allocator holds of buffers that were made anew.
    """

    weights: float = 0.0
    kv: float = 0.0
    compute: float = 0.0
    output: float = 0.0
    other: float = 0.0
    kept: float = 0.0

    @property
    def total(self) -> float:
        """All of it, once a prompt as long as the batch has been read."""
        return self.weights + self.kv + self.compute + self.output + self.other + self.kept

    @property
    def idle(self) -> float:
        """All of it before that: a host takes the compute buffer's pages when they are first written."""
        return self.total - self.compute - self.kept

    def __add__(self, other: "Part") -> "Part":
        return Part(
            self.weights + other.weights,
            self.kv + other.kv,
            self.compute + other.compute,
            self.output + other.output,
            self.other + other.other,
            self.kept + other.kept,
        )


@dataclass(frozen=True, slots=True)
class Need:
    """What one process takes. exact: false where the formulas only bound it from above."""

    gpu: Part
    host: Part
    exact: bool = True
