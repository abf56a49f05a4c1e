"""Secrets of a swarm's folder are taken for what they are, and found where they may not be."""

from pathlib import Path

from fakes.sights import IMAGE, agent
from swarmctl.effects.sealkept import images, leaks, lock_of_packages, words
from swarmctl.errors import HostError

TOKEN = "AbCdEfGhIjKlMnOpQrStUvWxYz0123456789_-abcde"


def folder(place: Path) -> Path:
    (place / "secrets").mkdir()
    (place / "secrets" / "agents.token").write_text(TOKEN)
    (place / "secrets" / "engine.keys").write_text(f"{TOKEN[::-1]}\n{TOKEN[::-1]}\n")
    header = '[http "http://127.0.0.1:23456/srv/of/a/long/path/that/is/no/secret"]\n'
    header += f"\textraHeader = Authorization: Bearer {TOKEN}\n"
    (place / "secrets" / "git.conf").write_text(header)
    return place


def test_only_what_was_drawn_by_lot_is_looked_for(tmp_path: Path) -> None:
    found = words(folder(tmp_path) / "secrets")
    assert found == {"agents.token": TOKEN.encode(), "engine.keys": TOKEN[::-1].encode(), "git.conf": TOKEN.encode()}
    assert words(tmp_path / "nowhere") == {}


def test_each_place_is_searched(tmp_path: Path) -> None:
    place, one = folder(tmp_path), agent()
    values = {"agents.token": TOKEN.encode()}
    assert leaks(place, [one], lambda _: "quiet", values)[0] == ()
    assert leaks(place, [one], lambda _: f"said {TOKEN}", values)[0] == (("agent-backend", "log", "agents.token"),)
    (place / "cpu.yml").write_text(f"environment: {{A: {TOKEN}}}")
    assert leaks(place, [one], lambda _: "", values)[0] == (("", "files: cpu.yml", "agents.token"),)
    (place / "cpu.yml").unlink()
    one.inspect["Config"]["Env"] = ["PATH=/bin", f"X={TOKEN}", "OPENAI_API_KEY=sk-1", "EMPTY_TOKEN="]
    found, searched = leaks(place, [one], lambda _: "quiet", values)
    assert found == (
        ("agent-backend", "inspect", "agents.token"),
        ("agent-backend", "inspect", "variable OPENAI_API_KEY"),
    )
    assert searched["agent-backend/log"] == 5


def test_a_log_that_cannot_be_read_is_not_taken_for_searched(tmp_path: Path) -> None:
    def gone(_: str) -> str:
        raise HostError("gone")

    assert "agent-backend/log" not in leaks(tmp_path, [agent()], gone, {})[1]


def test_history_and_configuration_of_an_image_are_searched() -> None:
    def ask(path: str, **_: object) -> object:
        if path.endswith("history"):
            return [{"CreatedBy": f"ENV X={TOKEN}"}]
        return {"Size": 10**12, "RepoDigests": ["x/y@sha256:b"], "Config": {"Env": ["MY_PASSWORD=x"]}}

    one = agent()
    one.inspect["Config"]["Image"] = "x/y:1"
    (found,) = images(ask, [one], {"x/y:1": "sha256:b"}, {"agents.token": TOKEN.encode()}).values()
    assert found.leaks == ("agents.token in its history or configuration", "variable MY_PASSWORD in its configuration")
    assert found.digests == {IMAGE, "sha256:b"}
    assert found.locked == "sha256:b"
    assert "left unread" in found.trouble


def test_every_line_of_the_lock_has_a_hash() -> None:
    locked, hashed = lock_of_packages()
    assert hashed
    assert locked is not None
    assert len(locked) > 30
    assert "pydantic-ai-slim" in locked
