"""A host's words for OpenSSH, and an inventory in which no text is a template, whoever wrote it."""

import shlex
from typing import Any

import pytest
import yaml
from hypothesis import example, given, settings
from hypothesis import strategies as st

from swarmctl.core.hosts import NO_CONFIG, Host, inventory, problems, ssh_options, variables_file
from swarmctl.errors import SpecError

LEASED = Host("slot-0", "203.0.113.7", 40022, key="/state/id", known_hosts="/state/known", config=NO_CONFIG)


class Read(yaml.SafeLoader):
    """Reads Ansible's tag as a pair, so that a test sees which texts bear it."""


Read.add_constructor("!unsafe", lambda loader, node: ("unsafe", loader.construct_scalar(node)))


def read(text: str) -> Any:
    return yaml.load(text, Read)


def entries(text: str) -> Any:
    return read(text)["all"]["children"]["swarmctl"]["hosts"]


def test_a_leased_machine_is_reached_by_its_own_key_and_pinned() -> None:
    words = ssh_options(LEASED)
    assert words[:4] == ("-F", "none", "-i", "/state/id")
    options = {words[n + 1] for n, word in enumerate(words) if word == "-o"}
    assert {"UserKnownHostsFile=/state/known", "StrictHostKeyChecking=accept-new", "IdentitiesOnly=yes"} <= options
    assert {"ForwardAgent=no", "BatchMode=yes", "GlobalKnownHostsFile=/dev/null", "UpdateHostKeys=no"} <= options


def test_a_machine_of_ones_own_is_left_to_the_users_configuration() -> None:
    words = ssh_options(Host("slot-0", "box", user="ada", jump="ada@gate:2222"))
    assert "-F" not in words
    assert "-i" not in words
    assert "ProxyJump=ada@gate:2222" in words
    assert not [word for word in words if word.startswith(("UserKnownHosts", "StrictHost", "IdentitiesOnly"))]
    assert "ForwardAgent=no" in words


def test_the_inventory_has_each_host_with_its_own_variables() -> None:
    other = Host("slot-1", "2001:db8::1", user="ada")
    made = entries(inventory([LEASED, other], {"slot-1": {"guard_instance": "7", "guard_since": 5, "x": [True, None]}}))
    assert list(made) == ["slot-0", "slot-1"]
    assert (made["slot-0"]["ansible_host"], made["slot-0"]["ansible_port"]) == ("203.0.113.7", 40022)
    assert shlex.split(made["slot-0"]["ansible_ssh_common_args"]) == list(ssh_options(LEASED))
    assert "ansible_become" not in made["slot-0"]
    assert made["slot-1"]["ansible_become"] is True
    assert made["slot-1"]["guard_instance"] == ("unsafe", "7")
    assert (made["slot-1"]["guard_since"], made["slot-1"]["x"]) == (5, [True, None])


TEXTS = st.text(max_size=20)
LEAVES = TEXTS | st.integers() | st.booleans() | st.none()


@given(st.recursive(LEAVES, lambda x: st.lists(x, max_size=3) | st.dictionaries(TEXTS, x, max_size=3), max_leaves=6))
@settings(max_examples=60, deadline=None)
@example("\x85")
def test_no_text_of_a_variable_is_a_template(value: Any) -> None:
    def marked(found: Any) -> Any:
        if isinstance(found, str):
            return ("unsafe", found)
        if isinstance(found, list):
            return [marked(one) for one in found]
        return {key: marked(one) for key, one in found.items()} if isinstance(found, dict) else found

    assert read(variables_file({"name": value})) == {"name": marked(value)}


HOSTILE = [
    {"address": "-oProxyCommand=id"}, {"address": "{{ lookup('pipe', 'id') }}"}, {"address": "a b"}, {"address": ""},
    {"address": "a\nb"}, {"address": "x" * 300}, {"address": None}, {"name": "a/b"}, {"name": "{{x}}"}, {"name": ""},
    {"user": "root; id"}, {"user": "-x"}, {"port": 0}, {"port": -1}, {"port": 70000}, {"port": "22"}, {"port": True},
    {"port": 10**18}, {"jump": "-J x"}, {"jump": "a@b@c"}, {"jump": "$(id)"}, {"key": "/a{{b}}"}, {"key": "/a\nb"},
    {"known_hosts": '/a"b'}, {"known_hosts": "/a%hb"}, {"config": "{% x %}"},
]  # fmt: skip


@pytest.mark.parametrize("change", HOSTILE, ids=str)
def test_what_would_reach_beyond_its_word_is_refused(change: dict[str, Any]) -> None:
    values: dict[str, Any] = {"name": "slot-0", "address": "box", **change}
    host = Host(**values)
    assert len(problems(host)) == 1
    with pytest.raises(SpecError) as caught:
        inventory([host])
    assert next(iter(change)) in caught.value.detail


@pytest.mark.parametrize("address", ["box", "box.example", "192.0.2.1", "2001:db8::1", "[2001:db8::1]", "my_box-1"])
def test_addresses_that_there_are_pass(address: str) -> None:
    assert problems(Host("slot-0", address)) == []


def test_two_of_a_name_and_variables_of_nobody_are_refused() -> None:
    with pytest.raises(SpecError) as caught:
        inventory([LEASED, LEASED])
    assert "two hosts" in caught.value.detail
    with pytest.raises(SpecError, match="slot-9"):
        inventory([LEASED], {"slot-9": {}})
    with pytest.raises(SpecError, match="object"):
        variables_file({"x": object()})


def test_a_path_with_a_space_stays_one_for_openssh() -> None:
    words = ssh_options(Host("a", "b", known_hosts="/my state/known"))
    assert 'UserKnownHostsFile="/my state/known"' in words
