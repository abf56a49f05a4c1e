"""A server's own lines say whether somebody asks it something."""

from swarmctl.core.enginework import PATIENCE, Work

BEGINS = "0.05.794.876 I slot launch_slot_: id  0 | task 26 | processing task, is_child = 0\n"
ENDS = "0.06.868.927 I slot      release: id  0 | task 26 | stop processing: n_tokens = 61, truncated = 0\n"
ELSE = (
    "0.05.794.667 I slot get_availabl: id  0 | task -1 | selected slot by LCP similarity\n"
    "0.05.794.845 I slot launch_slot_: id  0 | task -1 | sampler params: \n"
    "0.06.885.534 W srv    operator(): unauthorized: Invalid API Key\n"
    "0.06.868.967 I srv  update_slots: all slots are idle\n"
)


def test_a_task_is_use_from_its_begin_to_its_end() -> None:
    work = Work()
    assert not work.read(ELSE, 0, own=False)
    assert work.read(BEGINS, 5, own=False)
    assert work.read("", 10, own=False), "it goes on"
    assert work.read(ENDS, 15, own=False)
    assert not work.read("", 20, own=False)


def test_a_task_that_began_and_ended_between_two_looks_is_use() -> None:
    assert Work().read(BEGINS + ENDS, 0, own=False)


def test_what_is_for_our_own_proofs_is_none() -> None:
    work = Work()
    assert not work.read(BEGINS, 0, own=True)
    assert not work.read(ENDS, 5, own=True)
    assert not work.read(BEGINS, 10, own=True)
    assert not work.read(ENDS, 15, own=False), "its end says nothing of somebody"


def test_somebody_s_task_goes_on_while_we_prove() -> None:
    work = Work()
    work.read(BEGINS, 0, own=False)
    assert work.read("", 5, own=True)


def test_an_engine_that_hangs_is_not_believed_for_ever() -> None:
    work = Work()
    assert work.read(BEGINS, 0, own=False)
    assert work.read("", PATIENCE - 1, own=False)
    assert not work.read("", PATIENCE, own=False)


def test_a_server_that_began_anew_has_nothing_open() -> None:
    work = Work()
    work.read(BEGINS, 0, own=False)
    work.again()
    assert not work.read("", 5, own=False)
