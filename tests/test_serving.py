"""The line before the web process: one request at a time, first come first served, and nobody waits behind one that hangs."""

import threading

from caller_service.serving import Line


def test_whoever_came_first_goes_first():
    line, went, arrived = Line(), [], []
    assert line.enter(5)

    def come(place: int) -> None:
        arrived.append(place)
        assert line.enter(5)
        went.append(place)
        line.leave()

    threads = [threading.Thread(target=come, args=(place,)) for place in range(8)]
    for place, thread in enumerate(threads):
        thread.start()
        while line.waiting <= place:  # the next one comes when this one stands in the line
            pass
    line.leave()
    for thread in threads:
        thread.join(5)
    assert went == arrived == list(range(8))
    assert line.enter(0), "the line is free again"


def test_whoever_waited_in_vain_leaves_the_line_and_holds_up_nobody():
    line = Line()
    assert line.enter(5)
    assert not line.enter(0.01)
    assert line.waiting == 0
    line.leave()
    assert line.enter(0)


def test_a_turn_is_never_lost_when_patience_ends_as_it_is_given():
    """Hundreds of turns, many of them given at about the moment the one who waited turns away."""
    line, taken = Line(), [0, 0]
    alone = threading.Lock()

    def come() -> None:
        for _ in range(300):
            mine = line.enter(0.0002)
            taken[mine] += 1
            if mine:
                assert alone.acquire(blocking=False), "two at once"
                alone.release()
                line.leave()

    threads = [threading.Thread(target=come) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert sum(taken) == 1800 and taken[True] > 0
    assert line.waiting == 0
    assert line.enter(0), "somebody left with the turn"
