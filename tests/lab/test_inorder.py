"""A set with an order."""

from __future__ import annotations

from mapiproxy.lab.inorder import InOrder


def test_things_come_out_as_they_went_in() -> None:
    things: InOrder[object] = InOrder()
    some = [object() for _ in range(50)]
    for each in some:
        things.add(each)
    things.add(some[7])
    things.discard(some[0])
    things.discard(some[0])

    assert list(things) == some[1:]
    assert some[7] in things
    assert some[0] not in things
    assert len(things) == 49


def test_it_is_equal_to_a_set_of_the_same() -> None:
    things: InOrder[int] = InOrder()
    assert things == set()
    things.add(2)
    things.add(1)

    assert things == {1, 2}
    assert things != {1}
    assert things - {2} == {1}
    assert list(things | {7}) == [2, 1, 7]
    assert repr(things) == "InOrder([2, 1])"
