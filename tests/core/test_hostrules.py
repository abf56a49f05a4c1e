"""The host's rules: their words, found again in a listing, and seen not to stand behind one that lets the bridge in."""

import pytest

from swarmctl.core.hostrules import Rule, chains, ours, same, stands, wanted
from swarmctl.errors import SwarmctlError

BRIDGE = "br-0123456789ab"
LISTING = """\
-P INPUT ACCEPT
-P FORWARD DROP
-N DOCKER-USER
-A INPUT -i br-0123456789ab -m comment --comment "swarmctl:demo" -m conntrack --ctstate NEW -j DROP
-A INPUT -i lo -j ACCEPT
-A FORWARD -j DOCKER-USER
-A DOCKER-USER -i br-0123456789ab ! -o br-0123456789ab -m comment --comment swarmctl:demo -m conntrack --ctstate NEW\
 -j DROP
-A DOCKER-USER -i br-ffff -m comment --comment "swarmctl:demo-2" -m conntrack --ctstate NEW -j DROP
-A DOCKER-USER -j RETURN
""".splitlines()


def test_both_rules_are_found_as_they_were_written() -> None:
    found = wanted("demo", BRIDGE, chains(LISTING))
    assert [rule.chain for rule in found] == ["INPUT", "DOCKER-USER"]
    assert all(stands(LISTING, rule) for rule in found)
    assert [same(one, other) for one, other in zip(ours(LISTING, "demo"), found, strict=True)] == [True, True]


def test_without_dockers_own_chain_the_common_one_is_taken() -> None:
    assert wanted("demo", BRIDGE, ["INPUT", "FORWARD"])[1].chain == "FORWARD"
    assert wanted("demo", BRIDGE, [])[1].chain == "FORWARD"


def test_a_swarm_whose_name_begins_alike_is_another() -> None:
    assert [rule.words[1] for rule in ours(LISTING, "demo-2")] == ["br-ffff"]
    assert ours(LISTING, "dem") == []
    assert not any(stands(LISTING, rule) for rule in wanted("demo-2", BRIDGE, chains(LISTING)))


@pytest.mark.parametrize(
    ("before", "closed"),
    [
        ("-A INPUT -j ACCEPT", False),
        ("-A INPUT -i br-0123456789ab -j ACCEPT", False),
        ("-A INPUT ! -i lo -p tcp -j ACCEPT", False),
        ("-A INPUT ! -i br-0123456789ab -j ACCEPT", True),
        ("-A INPUT -i lo -j ACCEPT", True),
        ("-A INPUT -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT", True),
        ("-A INPUT -m conntrack --ctstate NEW,RELATED -j ACCEPT", False),
        ("-A INPUT -p tcp -j f2b-sshd", True),
        ("-A FORWARD -j ACCEPT", True),
        ("-A INPUT -s 10.0.0.0/8 -j DROP", True),
        ("-A INPUT 'unended", True),
        ("-A INPUT -i", True),
    ],
)
def test_what_stands_before_it(before: str, closed: bool) -> None:
    assert stands([before, *LISTING], wanted("demo", BRIDGE, [])[0]) is closed


def test_an_empty_or_broken_listing_has_no_rule() -> None:
    rule = wanted("demo", BRIDGE, [])[0]
    for listing in ([], [""], ["-A"], ["-A INPUT"], ["-A INPUT " + "x" * 10**6], ["-A INPUT --comment"]):
        assert not stands(listing, rule)
        assert ours(listing, "demo") == []


@pytest.mark.parametrize(
    ("swarm", "bridge"),
    [("demo", ""), ("demo", "x" * 16), ("demo", "-j ACCEPT"), ("", "br-1"), ("Demo x", "br-1"), ("a" * 99, "b")],
)
def test_names_that_nothing_has(swarm: str, bridge: str) -> None:
    with pytest.raises(SwarmctlError):
        wanted(swarm, bridge, [])


def test_a_rule_of_another_chain_is_not_the_same() -> None:
    assert not same(Rule("INPUT", ("-j", "DROP")), Rule("FORWARD", ("-j", "DROP")))
