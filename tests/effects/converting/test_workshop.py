"""The server of orders and its side here: real processes, orders that work, fail, are stopped, or are none of ours."""

import json
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from swarmctl.effects.converting.tools import OnThisMachine
from swarmctl.effects.converting.workshop import GONE, Event, Workshop
from swarmctl.errors import HostError


def _tools(python: str = sys.executable) -> OnThisMachine:
    return OnThisMachine("unused", "v", python)


def _script(folder: Path, text: str) -> str:
    path = folder / "script.py"
    path.write_text(text)
    return str(path)


def _end(shop: Workshop, name: str) -> tuple[Event, dict[str, Any]]:
    said: dict[str, Any] = {}
    while True:
        event = shop.next(30)
        assert event is not None, shop.said()
        said |= event.get("said", {})
        if event["id"] == name and "ended" in event:
            return event, said


@pytest.fixture
def work(tmp_path: Path) -> Path:
    (tmp_path / "work").mkdir()
    return tmp_path / "work"


def test_a_script_runs_its_own_main_with_its_words(work: Path, tmp_path: Path) -> None:
    script = _script(tmp_path, "import json, sys\nif __name__ == '__main__':\n    print(json.dumps({'got': sys.argv}))")
    with Workshop(_tools(), work, 100) as shop:
        shop.order({"id": "a", "do": "script", "argv": [script, "--x", "1"]})
        event, said = _end(shop, "a")
    assert event["ended"] == 0
    assert said == {"got": [script, "--x", "1"]}
    assert not list(work.iterdir())


def test_a_failure_brings_its_last_words_and_the_others_go_on(work: Path, tmp_path: Path) -> None:
    script = _script(tmp_path, "import sys\nif sys.argv[1] == 'bad':\n    raise ValueError('no such tokenizer')")
    with Workshop(_tools(), work, 100) as shop:
        shop.order({"id": "a", "do": "script", "argv": [script, "bad"]})
        event, _ = _end(shop, "a")
        assert event["ended"] == 1
        assert event["log"][-1] == "ValueError: no such tokenizer"
        shop.order({"id": "b", "do": "script", "argv": [script, "good"]})
        assert _end(shop, "b")[0]["ended"] == 0


def test_an_order_that_runs_can_be_stopped(work: Path, tmp_path: Path) -> None:
    script = _script(tmp_path, "import time\nprint('{\"up\": 1}', flush=True)\ntime.sleep(600)")
    with Workshop(_tools(), work, 100) as shop:
        shop.order({"id": "a", "do": "script", "argv": [script]})
        event = shop.next(30)
        assert event == {"id": "a", "said": {"up": 1}}
        shop.order({"id": "a", "do": "stop"})
        assert _end(shop, "a")[0]["ended"] == -9


@pytest.mark.parametrize(
    "order",
    [{"do": "tool", "argv": ["sh", "-c", "id"]}, {"do": "module", "module": "../x"}, {"do": "rm"}, {"do": "tool"}],
)
def test_an_order_that_is_none_of_ours_is_refused(work: Path, order: Mapping[str, Any]) -> None:
    with Workshop(_tools(), work, 100) as shop:
        shop.order({"id": "a", **order})
        event, _ = _end(shop, "a")
    assert event["ended"] == 2
    assert "no such order" in event["log"][0]


def test_leaving_ends_what_still_runs(work: Path, tmp_path: Path) -> None:
    import psutil

    script = _script(tmp_path, "import os, time\nprint('{\"pid\": %d}' % os.getpid(), flush=True)\ntime.sleep(600)")
    with Workshop(_tools(), work, 100) as shop:
        shop.order({"id": "a", "do": "script", "argv": [script]})
        event = shop.next(30)
        assert event is not None
    assert not psutil.pid_exists(event["said"]["pid"])


def test_tools_that_cannot_start_say_why(work: Path) -> None:
    with Workshop(_tools("/bin/false"), work, 100) as shop, pytest.raises(HostError, match="did not start"):
        shop.order({"id": "a", "do": "script", "argv": ["x"]})


def test_tools_that_vanish_are_an_event(work: Path, tmp_path: Path) -> None:
    script = _script(tmp_path, "import os, signal\nos.kill(os.getppid(), signal.SIGKILL)")
    with Workshop(_tools(), work, 100) as shop:
        shop.order({"id": "a", "do": "script", "argv": [script]})
        while (event := shop.next(30)) is not None and event["id"] != GONE:
            pass
    assert event == {"id": GONE, "code": -9}


def test_what_is_done_here_ends_in_the_same_queue(work: Path) -> None:
    with Workshop(_tools(), work, 100) as shop:
        shop.do("mine", lambda: 7)
        assert shop.next(10) == {"id": "mine", "ended": 0, "value": 7}
        shop.do("bad", lambda: json.loads("{"))
        event = shop.next(10)
    assert event is not None
    assert isinstance(event["error"], ValueError)
