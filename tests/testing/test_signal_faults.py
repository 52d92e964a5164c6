"""Faults of signaling: calls ring all the same, in time."""

from __future__ import annotations

import pytest

from tests.client.telephone import Telephone, telephone
from utd_stream.models.calls import UTDCallStatus
from utd_stream.testing import Fault, play
from utd_stream.testing import faults as f

__all__ = ["telephone"]

FAULTS: list[tuple[Fault, float, float]] = [
    (f.CutSignaling("ben"), 10, 20),
    (f.SilenceSignaling("ben"), 0, 20),
    (f.DelaySignaling("ben", 4.0), 60, 5),
    (f.CutSignaling("ana"), 10, 20),
]


@pytest.fixture
def begun(telephone: Telephone) -> Telephone:
    """Return the telephone with two phones."""
    telephone.phone("ana")
    telephone.phone("ben")
    return telephone


@pytest.mark.parametrize(("fault", "lasts", "within"), FAULTS, ids=repr)
def test_it_rings_all_the_same(
    begun: Telephone, fault: Fault, lasts: float, within: float
) -> None:
    """Within the ring; both hear the same outcome."""
    ana, ben = begun.phones
    session = ana.session()
    with play(begun.sim, [(0, fault, lasts)]):
        begun.sim.advance(1)
        begun.sim.run(session.start("ben"))
        begun.sim.advance(within)
        assert ben.rings
        begun.sim.run(ben.rang[0].reject())
        begun.sim.advance(12)

    assert session.status.value is UTDCallStatus.REJECTED
    assert not ben.rings
    assert len(ben.rang) == 1


def test_a_delay_is_as_long_as_it_says(begun: Telephone) -> None:
    """Not a moment sooner."""
    ana, ben = begun.phones
    with play(begun.sim, [(0, f.DelaySignaling("ben", 4.0), 60)]):
        begun.sim.run(ana.session().start("ben"))
        begun.sim.advance(3.9)
        assert not ben.rings
        begun.sim.advance(0.2)
        assert ben.rings


def test_a_fault_is_mended_at_its_end(begun: Telephone) -> None:
    """Whoever had no socket has one soon after."""
    _, ben = begun.phones
    with play(begun.sim, [(0, f.CutSignaling("ben"), 30)]):
        begun.sim.advance(25)
        assert ben.client.signal_state.value.value != "ready"
        begun.sim.advance(20)
        assert ben.client.signal_state.value.value == "ready"
