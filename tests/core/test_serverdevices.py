"""What llama-server prints of its devices, read back."""

import pytest

from swarmctl.core.serverdevices import devices

TWO = """\
ggml_cuda_init: found 2 CUDA devices:
  Device 0: NVIDIA A100-SXM4-80GB, compute capability 8.0, VMM: yes
Available devices:
  CUDA0: NVIDIA A100-SXM4-80GB (81152 MiB, 80698 MiB free)
  CUDA1: NVIDIA A100-SXM4-80GB (81152 MiB, 80698 MiB free)
"""
SOFTWARE = "Available devices:\n  Vulkan0: llvmpipe (LLVM 21.1.8, 256 bits) (24105 MiB, 22549 MiB free)\n"


@pytest.mark.parametrize(
    ("said", "found"),
    [
        (TWO, ("CUDA0 (NVIDIA A100-SXM4-80GB)", "CUDA1 (NVIDIA A100-SXM4-80GB)")),
        (SOFTWARE, ("Vulkan0 (llvmpipe (LLVM 21.1.8, 256 bits))",)),
        ("Available devices:\n  (none)\n", ()),
        ("error: unknown argument: --list-devices\n", ()),
        ("", ()),
    ],
)
def test_each_as_it_names_it(said: str, found: tuple[str, ...]) -> None:
    assert devices(said) == found
