"""Steps from sources to results: shared where the content is, left out where the result is there."""

from dataclasses import replace

import pytest

from fakes.conversions import GB, prepared
from swarmctl.core.converting.graph import Graph, Node, graph, result
from swarmctl.core.converting.request import AUTO, Asked, Options

OPTIONS = Options()


def steps(found: Graph) -> list[str]:
    return [f"{node.step} {node.label}".strip() for node in found.nodes]


def by(found: Graph, text: str) -> Node:
    return next(node for node in found.nodes if f"{node.step} {node.label}".strip() == text)


def test_a_folder_is_converted_once_for_all_its_quantisations_proved_and_kept() -> None:
    found = graph([prepared("a", quants=("Q4_K_M", "Q8_0"))], OPTIONS, "t1")
    assert steps(found) == [
        "convert BF16", "quantise Q4_K_M", "quantise Q8_0", "certify", "register Q4_K_M", "register Q8_0"
    ]  # fmt: skip
    proof = by(found, "certify")
    assert set(proof.needs) == {by(found, s).key for s in ("convert BF16", "quantise Q4_K_M", "quantise Q8_0")}
    assert proof.key in by(found, "register Q8_0").needs


def test_every_step_comes_after_those_that_it_needs() -> None:
    found = graph([prepared("a", quants=("Q4_K_M", "BF16", "Q8_0")), prepared("b")], OPTIONS, "t1")
    seen: set[str] = set()
    for node in found.nodes:
        assert set(node.needs) <= seen
        seen.add(node.key)


def test_two_sources_with_the_same_content_are_one() -> None:
    one = prepared("a")
    assert len(graph([one, replace(one, asked=Asked("folder", "/elsewhere", "copy"))], OPTIONS, "t").groups) == 1


def test_the_same_content_in_two_quantisations_is_converted_once_for_both() -> None:
    one, other = prepared("a", quants=("Q8_0",)), prepared("a", quants=("Q4_K_M",))
    found = graph([one, other], OPTIONS, "t", certify=False)
    assert steps(found)[:3] == ["convert BF16", "quantise Q8_0", "quantise Q4_K_M"]
    assert len(found.groups) == 1


def test_what_is_held_is_not_made_again_and_the_rest_is() -> None:
    source = prepared("a", quants=("Q4_K_M", "Q8_0"))
    held = result(source, "Q4_K_M", OPTIONS, "t")
    assert steps(graph([source], OPTIONS, "t", {held})) == ["convert BF16", "quantise Q8_0", "certify", "register Q8_0"]
    assert steps(graph([source], OPTIONS, "t", {held, result(source, "Q8_0", OPTIONS, "t")})) == []


@pytest.mark.parametrize(
    "other",
    [
        lambda s, o, t: (replace(s, identity="other"), o, t),
        lambda s, o, t: (s, replace(o, matrix="m"), t),
        lambda s, o, _t: (s, o, "t2"),
        lambda s, o, t: (replace(s, outtype="f16"), o, t),
    ],
)
def test_another_source_tool_or_option_is_another_result(other: object) -> None:
    source = prepared("a")
    before = result(source, "Q4_K_M", OPTIONS, "t")
    s, o, t = other(source, OPTIONS, "t")  # type: ignore[operator]
    assert result(s, "Q4_K_M", o, t) != before


def test_a_matrix_does_not_change_what_does_not_use_it() -> None:
    source = prepared("a", quants=("Q8_0",))
    assert result(source, "Q8_0", Options(matrix="m"), "t") == result(source, "Q8_0", OPTIONS, "t")


def test_the_conversion_itself_can_be_the_result_and_moves_last() -> None:
    found = graph([prepared("a", quants=("BF16", "Q8_0"))], OPTIONS, "t", certify=False)
    assert steps(found) == ["convert BF16", "quantise Q8_0", "register BF16", "register Q8_0"]
    assert by(found, "quantise Q8_0").key in by(found, "register BF16").needs


def test_a_measured_matrix_is_a_step_and_a_given_one_is_not() -> None:
    measured = graph([prepared("a")], Options(matrix=AUTO + "text"), "t", certify=False)
    assert steps(measured) == ["convert BF16", "matrix", "quantise Q4_K_M", "register Q4_K_M"]
    assert steps(graph([prepared("a")], Options(matrix="given"), "t", certify=False)) == [
        "convert BF16", "quantise Q4_K_M", "register Q4_K_M"
    ]  # fmt: skip


def test_a_gguf_passes_through_in_its_own_quantisation_and_is_quantised_in_another() -> None:
    source = prepared("a", quants=("Q4_1", "Q8_0"), outtype="", ready={"Q4_1": "a.gguf"}, certified=False)
    assert steps(graph([source], OPTIONS, "t")) == ["quantise Q8_0", "register Q4_1", "register Q8_0"]


def test_a_ready_file_of_a_repository_is_fetched_instead_of_converted() -> None:
    hub = Asked("hub", "o/n", "n", "main")
    source = prepared("n", asked=hub, fetch=2 * GB, ready={"Q4_K_M": "n-q4_k_m.gguf"})
    assert steps(graph([source], OPTIONS, "t")) == ["fetch Q4_K_M", "register Q4_K_M"]
    plain = prepared("n", asked=hub, fetch=2 * GB)
    assert steps(graph([plain], OPTIONS, "t"))[:2] == ["fetch", "convert BF16"]
    assert graph([plain], OPTIONS, "t", certify=False).groups[0].transient == 2 * GB + GB + GB // 3


def test_many_quantisers_have_one_core_each_and_one_has_them_all() -> None:
    alone = graph([prepared("a")], OPTIONS, "t", cores=8)
    assert by(alone, "quantise Q4_K_M").threads == 8
    many = graph([prepared(str(n)) for n in range(7)], OPTIONS, "t", cores=8)
    assert {node.threads for node in many.nodes if node.step == "quantise"} == {1}


def test_an_adapter_is_merged_before_anything_is_converted_and_the_merged_folder_is_what_counts() -> None:
    made = graph([prepared("tuned", merged=GB)], Options(), "t")
    steps = {node.step: node for node in made.nodes}
    assert [node.step for node in made.nodes] == ["merge", "convert", "quantise", "certify", "register"]
    assert steps["convert"].needs == (steps["merge"].key,)
    assert steps["merge"].key in steps["certify"].needs
    assert made.groups[0].transient >= GB + steps["convert"].bytes


def test_the_base_of_an_adapter_is_fetched_before_it_is_merged() -> None:
    asked = Asked("adapter", "/m/tuned", "tuned", base="me/coder")
    made = graph([prepared("tuned", asked=asked, merged=GB, fetch=GB)], Options(), "t")
    assert [node.step for node in made.nodes][:3] == ["fetch", "merge", "convert"]
    assert made.nodes[1].needs == (made.nodes[0].key,)


def test_a_gguf_source_is_proved_against_itself_passed_through_or_not() -> None:
    source = prepared("file", quants=("Q4_K_M", "Q8_0"), outtype="", ready={"Q8_0": "file.gguf"})
    made = graph([source], Options(), "t")
    assert [node.step for node in made.nodes] == ["quantise", "certify", "register", "register"]
    proof = made.nodes[1]
    assert all(proof.key in node.needs for node in made.nodes if node.step == "register")
    through = graph([prepared("file", quants=("Q8_0",), outtype="", ready={"Q8_0": "file.gguf"})], Options(), "t")
    assert [node.step for node in through.nodes] == ["certify", "register"]


def test_files_of_a_repository_that_are_ready_are_fetched_and_proved() -> None:
    asked = Asked("hub", "me/coder", "coder", "main")
    ready = {"Q4_K_M": "a.gguf", "Q8_0": "b.gguf"}
    made = graph([prepared("coder", quants=("Q4_K_M", "Q8_0"), asked=asked, outtype="", ready=ready)], Options(), "t")
    assert [node.step for node in made.nodes] == ["fetch", "fetch", "certify", "register", "register"]
    assert set(made.nodes[2].needs) == {made.nodes[0].key, made.nodes[1].key}
