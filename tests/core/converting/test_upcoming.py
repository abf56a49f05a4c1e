"""What a plan says of conversions ahead: sums of their steps, and room for what is fetched."""

import json

from fakes.conversions import GB, prepared
from swarmctl.core.converting.budget import Budget, schedule
from swarmctl.core.converting.graph import graph
from swarmctl.core.converting.request import Options
from swarmctl.core.converting.upcoming import Fold, Upcoming, upcoming


def test_it_sums_what_the_steps_are_planned_to_take() -> None:
    made = graph([prepared("coder", fetch=2 * GB)], Options(), "t")
    planned = schedule(made, Budget(None, 16000, 2))
    fold = Fold("coder", ("docs", "testing"), reads=6 * GB, fetches=30 * GB)
    told = upcoming(planned, ["coder Q4_K_M"], [fold])
    assert told.fetched == 32 * GB
    assert told.kept == GB // 3
    assert told.steps == len(made.nodes)
    assert told.peak == 32 * GB, "what is fetched to be folded lies here at once"
    assert told.seconds == planned.seconds + fold.seconds
    assert upcoming(planned, ["coder Q4_K_M"], []).peak == planned.peak
    first, second, third = told.lines
    assert first.startswith("fold docs, testing into coder: reads 5.6 GiB, fetches 27.9 GiB")
    assert second.startswith(f"convert coder Q4_K_M: {told.steps} steps, 318 MiB stay")
    assert "29.8 GiB fetched, at most 29.8 GiB of disk at once" in third
    assert json.loads(json.dumps(told.as_json()))["folds"][0]["names"] == ["docs", "testing"]


def test_a_problem_is_said_alone() -> None:
    assert Upcoming(problem="the hub has no such model").lines == ("the hub has no such model",)
    assert Upcoming().lines == ()
