"""What is begun beside a story that is told in one process must not do real work: each would build an image of ours."""

import pytest

from swarmctl.effects.bringing import early


@pytest.fixture(autouse=True)
def no_image_is_built_meanwhile(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    if request.node.get_closest_marker("ground") is None:
        monkeypatch.setattr(early, "docker_is_here", lambda: False)
