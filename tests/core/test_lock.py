"""swarm.lock: what was seen first is demanded after, and a file that is wrong says where."""

import json
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from swarmctl.core.lock import Lock, Seen, parse
from swarmctl.errors import DeployError, SpecError

ENGINE = "ollama/ollama:0.32.15"
OURS = "swarmctl/agent:1.2.3"
A, B = (f"sha256:{digit * 64}" for digit in "ab")


def test_what_is_written_is_read_again_sorted_and_with_nothing_else() -> None:
    lock = Lock().merge([Seen(OURS, A, "built", "0" * 32), Seen(ENGINE, B)])
    text = lock.dump()
    assert parse(text.encode(), "swarm.lock") == lock
    assert json.loads(text) == {
        "schema": "swarmctl/lock/v1",
        "images": {
            ENGINE: {"digest": B, "kind": "registry"},
            OURS: {"digest": A, "inputs": "0" * 32, "kind": "built"},
        },
    }
    assert list(json.loads(text)["images"]) == [ENGINE, OURS]
    assert Lock().merge([Seen(ENGINE, B), Seen(OURS, A, "built", "0" * 32)]).dump() == text, "whatever the order"


def test_another_image_under_a_locked_name_is_refused_with_both_digests() -> None:
    lock = Lock().merge([Seen(ENGINE, A)])
    lock.check(Seen(ENGINE, A))
    with pytest.raises(DeployError) as refused:
        lock.merge([Seen(ENGINE, B)])
    assert A in refused.value.detail
    assert B in refused.value.detail
    assert "swarmctl up --update-lock" in refused.value.hint
    assert f"docker pull ollama/ollama@{A}" in refused.value.hint
    assert lock.without([ENGINE]).merge([Seen(ENGINE, B)]).images[ENGINE].digest == B


def test_an_image_of_ours_may_change_with_its_inputs_only() -> None:
    lock = Lock().merge([Seen(OURS, A, "built", "1" * 32)])
    newer = lock.merge([Seen(OURS, B, "built", "2" * 32)])
    assert newer.images[OURS].inputs == "2" * 32
    with pytest.raises(DeployError) as refused:
        newer.merge([Seen(OURS, A, "built", "2" * 32)])
    assert "docker pull" not in refused.value.hint, "nobody can pull what was built here"
    with pytest.raises(DeployError):
        newer.merge([Seen(OURS, A, "built")])
    with pytest.raises(DeployError):
        newer.merge([Seen(OURS, A, "registry")])


def test_what_a_store_names_by_itself_is_known_by_its_inputs() -> None:
    lock = Lock().merge([Seen(OURS, A, "built", "1" * 32), Seen(ENGINE, A, "built")])
    there = [Seen(OURS, B, "built", "1" * 32, local=True), Seen(ENGINE, B, local=True)]
    assert lock.merge(there) == lock, "and its own digest is not written down"
    assert lock.merge([Seen(OURS, B, "built", "2" * 32, local=True)]) == lock, "built anew"
    with pytest.raises(DeployError):
        lock.check(Seen(OURS, B, local=True))
    pulled = Lock().merge([Seen(ENGINE, A, local=True)])
    assert pulled.images[ENGINE].digest == A, "a registry's digest is the same everywhere"
    with pytest.raises(DeployError):
        pulled.check(Seen(ENGINE, B, local=True))


def test_a_pulled_image_does_not_become_one_that_was_built_here() -> None:
    lock = Lock().merge([Seen(ENGINE, A)])
    with pytest.raises(DeployError):
        lock.merge([Seen(ENGINE, B, "built", "1" * 32)])


def test_only_a_registry_s_digest_is_written_behind_a_tag() -> None:
    lock = Lock().merge([Seen(OURS, A, "built", "1" * 32), Seen(ENGINE, B)])
    assert lock.pins() == {ENGINE: B}


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "empty"),
        ("[]", "must be a mapping"),
        ("{", "swarm.lock"),
        ("images: {}", "schema: is missing"),
        ('{"schema": "swarmctl/lock/v2", "images": {}}', "swarmctl/lock/v1"),
        ('{"schema": "swarmctl/lock/v1", "extra": 1}', "unknown key"),
        ('{"schema": "swarmctl/lock/v1", "images": []}', "must be a"),
        ('{"schema": "swarmctl/lock/v1", "images": {"a:latest": {"digest": "' + A + '"}}}', "no image with a version"),
        ('{"schema": "swarmctl/lock/v1", "images": {"-v /:/x": {"digest": "' + A + '"}}}', "no image with a version"),
        ('{"schema": "swarmctl/lock/v1", "images": {"a/b:1": {"digest": "sha256:12"}}}', "64 hexadecimal"),
        ('{"schema": "swarmctl/lock/v1", "images": {"a/b:1": {"digest": 5}}}', "digest"),
        ('{"schema": "swarmctl/lock/v1", "images": {"a/b:1": {}}}', "is missing"),
        ('{"schema": "swarmctl/lock/v1", "images": {"a/b:1": {"digest": "' + A + '", "kind": "trust me"}}}', "kind"),
        ('{"schema": "swarmctl/lock/v1", "images": {"a/b:1": {"digest": "' + A + '", "inputs": "$(id)"}}}', "inputs"),
    ],
)
def test_a_wrong_file_is_an_error_of_the_file(text: str, words: str) -> None:
    with pytest.raises(SpecError) as refused:
        parse(text.encode(), "swarm.lock")
    assert words in refused.value.message + refused.value.detail


@given(st.binary(max_size=200))
def test_no_bytes_are_a_bug_of_ours(raw: bytes) -> None:
    with suppress(SpecError):
        parse(raw, "swarm.lock")
