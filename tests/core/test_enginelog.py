"""Lines of real logs, read back."""

from swarmctl.core.enginelog import LoadLines, last_load, layers, loads

CPU = """\
0.00.164.341 I load_tensors: loading model tensors, this can take a while... (load_mode = mmap)
0.00.240.831 I load_tensors:   CPU_Mapped model buffer size =    92.10 MiB
0.00.243.368 I llama_context: flash_attn            = enabled
0.00.243.388 I llama_context:        CPU  output buffer size =     0.38 MiB
0.00.243.852 I llama_kv_cache:        CPU KV buffer size =   180.00 MiB
0.7 I llama_kv_cache: size = 180.00 MiB ( 4096 cells,  30 layers,  2/2 seqs), K (f16):   90.00 MiB, V (f16):   90.00 MiB
0.00.766.935 I sched_reserve:        CPU compute buffer size =    18.64 MiB
"""
GPU = """\
load_tensors: loading model tensors, this can take a while... (mmap = true)
load_tensors:   CPU_Mapped model buffer size =   243.00 MiB
load_tensors:        CUDA0 model buffer size =  1834.00 MiB
llama_context: flash_attn    = disabled
llama_context:  CUDA_Host  output buffer size =     0.58 MiB
llama_kv_cache:      CUDA0 KV buffer size =   153.00 MiB
llama_kv_cache: size =  153.00 MiB (  8192 cells,  36 layers,  1/1 seqs), K (q8_0):   76.50 MiB, V (q4_0):   76.50 MiB
sched_reserve:      CUDA0 compute buffer size =    88.50 MiB
sched_reserve:  CUDA_Host compute buffer size =    20.25 MiB
"""
STATES = """\
load_tensors: loading model tensors, this can take a while... (load_mode = mmap)
load_tensors: RPC0[127.0.0.1:50052] model buffer size =   634.27 MiB
llama_context:        CPU  output buffer size =     0.58 MiB
llama_memory_recurrent: RPC0[127.0.0.1:50052] RS buffer size =    12.56 MiB
sched_reserve: RPC0[127.0.0.1:50052] compute buffer size =    94.01 MiB
"""


def test_states_of_recurrent_layers_count_as_cache() -> None:
    assert last_load(STATES) == LoadLines(634.27, 12.56, 94.01, 0.58, "", "", "")
    assert last_load(GPU + "llama_memory_recurrent:      CUDA0 RS buffer size =   10.00 MiB\n") == LoadLines(
        2077.0, 163.0, 108.75, 0.58, "q8_0", "q4_0", "disabled"
    )


def test_a_load_on_the_cpu() -> None:
    assert last_load(CPU) == LoadLines(92.1, 180.0, 18.64, 0.38, "f16", "f16", "enabled")


def test_layers_are_those_of_the_last_load() -> None:
    said = "load_tensors: offloaded {}/31 layers to GPU\n"
    assert layers(CPU) is None
    assert layers(CPU + said.format(31)) == (31, 31)
    assert layers(CPU + said.format(31) + CPU + said.format(20)) == (20, 31)
    assert layers(GPU + said.format(31) + CPU) is None, "of an earlier load"


def test_devices_are_summed() -> None:
    assert last_load(GPU) == LoadLines(2077.0, 153.0, 108.75, 0.58, "q8_0", "q4_0", "disabled")


def test_adapters_count_as_weights_and_a_buffer_that_is_reserved_anew_counts_once() -> None:
    adapter = "llama_adapter_lora_init_impl: CPU_Mapped LoRA buffer size =     0.50 MiB\n"
    lines = CPU.splitlines(keepends=True)
    reserved = "sched_reserve: reserving ...\n"
    again = f"{reserved}sched_reserve:        CPU compute buffer size =    19.00 MiB\n"
    log = "".join([*lines[:2], adapter, adapter, *lines[2:-1], reserved, lines[-1], again])
    wanted = LoadLines(93.1, 180.0, 19.0, 0.38, "f16", "f16", "enabled")
    assert last_load(log) == wanted
    assert last_load(log + again + reserved) == wanted


def test_the_last_load_counts() -> None:
    assert last_load(CPU + "other\n" + GPU) == last_load(GPU)
    assert loads(CPU + GPU + CPU) == 3


def test_a_load_that_is_not_all_there_is_none() -> None:
    assert last_load("") is None
    assert last_load(CPU[CPU.index("\n") :]) is None
    assert last_load(GPU + CPU.splitlines()[0]) is None
    assert last_load(CPU[: CPU.index("sched_reserve")]) is None
