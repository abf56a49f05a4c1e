"""Distributions are compared so that a wrong one is never taken for the right one."""

import math

import numpy as np
import pytest

from swarmctl.converter.answering import Failed
from swarmctl.converter.divergence import read
from swarmctl.converter.logits import TOP, compare, worst

RANDOM = np.random.default_rng(3)


def distribution(size: int = 5000, spread: float = 3.0) -> np.ndarray:
    raw = RANDOM.standard_normal(size) * spread
    return raw - np.log(np.exp(raw).sum())


def top(values: np.ndarray, count: int = TOP) -> dict[int, float]:
    return {int(n): float(values[n]) for n in np.argsort(-values)[:count]}


def test_the_same_has_no_divergence() -> None:
    values = distribution()
    assert compare(values, top(values)) == (0.0, 0.0)


def test_it_is_the_divergence_where_nothing_is_left_out() -> None:
    one, other = distribution(200), distribution(200)
    divergence, largest = compare(one, top(other))
    assert divergence == pytest.approx(float((np.exp(one) * (one - other)).sum()), rel=1e-6)
    first = np.argsort(-one)[:32]
    assert largest == pytest.approx(float(np.abs(one - other)[first].max()))


def test_what_is_left_out_makes_it_smaller_never_larger() -> None:
    one, other = distribution(), distribution()
    whole = float((np.exp(one) * (one - other)).sum())
    assert 1 < compare(one, top(other))[0] <= whole


def test_a_little_noise_is_seen_as_little() -> None:
    one = distribution()
    other = one + RANDOM.standard_normal(one.size) * 0.01
    divergence, largest = compare(one, top(other - np.log(np.exp(other).sum())))
    assert 0 < divergence < 1e-3
    assert 0.005 < largest < 0.1


@pytest.mark.parametrize("got", [{}, {0: math.nan}, {10**9: -1.0}, {-1: -1.0}])
def test_no_numbers_and_unknown_tokens_are_no_agreement(got: dict[int, float]) -> None:
    assert not any(math.isfinite(figure) for figure in compare(distribution(10), got))


def test_original_weights_that_are_no_numbers_are_no_agreement() -> None:
    values = distribution(10)
    assert math.isnan(compare(np.full(10, np.nan), top(values))[0])


def test_one_prompt_without_a_number_leaves_none() -> None:
    assert worst([0.1, 0.3]) == 0.3
    assert worst([0.1, None]) is None
    assert worst([]) is None


SAID = """\
====== Perplexity statistics ======
Mean PPL(Q)                   : 15646735.167379 ± 3104000.1
Mean PPL(base)                : 10176633.829393 ± 2006000.2
====== KL divergence statistics ======
Mean    KLD:   0.221162 ±   0.007368
Maximum KLD:   0.755584
99.0%   KLD:   0.661817
Median  KLD:   0.189105
Same top p: 66.032 ± 2.110 %
"""


def test_the_tools_own_figures_are_read() -> None:
    found = read(SAID)
    assert (found["kl"], found["kl_error"], found["largest"]) == (0.221162, 0.007368, 0.755584)
    assert (found["median"], found["p99"], found["same_top"]) == (0.189105, 0.661817, 66.032)
    assert (found["perplexity"], found["base_perplexity"]) == (15646735.167379, 10176633.829393)


def test_a_figure_that_is_no_number_is_none() -> None:
    assert read(SAID.replace("0.221162", "nan"))["kl"] is None
    assert read(SAID.replace("0.221162", "-inf"))["kl"] is None


def test_no_figures_at_all_are_a_failure() -> None:
    with pytest.raises(Failed, match="says no divergence"):
        read("something else")
