"""Calls ring and end as they should, whatever becomes of a device's signaling."""

from __future__ import annotations

from functools import partial

import pytest

from tests.client.telephone import Phone, Telephone, outcome, telephone
from utd_stream.machines.signal import SignalState
from utd_stream.models.calls import CallEndReason, UTDCallStatus

__all__ = ["telephone"]

ACTIVE, ENDED = UTDCallStatus.ACTIVE, UTDCallStatus.ENDED


def pair(telephone: Telephone) -> tuple[Phone, Phone]:
    """Return the phones of ana and ben."""
    return telephone.phone("ana"), telephone.phone("ben")


@pytest.mark.parametrize("whose", ["caller", "callee"])
@pytest.mark.parametrize("frames", range(10))
def test_signaling_cut_at_every_frame(
    telephone: Telephone, whose: str, frames: int
) -> None:
    """No call is lost, none is told twice, and both hear the same end."""
    ana, ben = pair(telephone)
    cut = ana if whose == "caller" else ben
    cut.line.cut_after(frames)
    cut.line.cut()  # the next socket breaks after so many pieces
    session = ana.session()
    telephone.sim.run(session.start("ben"))
    telephone.sim.advance(12)
    (incoming,) = ben.rang
    answering = telephone.sim.run(incoming.answer())
    ben.sessions.append(answering)
    telephone.sim.advance(3)
    telephone.sim.run(answering.end())
    telephone.sim.advance(12)

    assert outcome(session) == outcome(answering)
    assert outcome(session) == (ENDED, CallEndReason.CALLEE_HANGUP)
    assert len(ben.rang) == 1
    assert not ben.rings


def test_a_dead_socket_is_noticed_within_a_ring(telephone: Telephone) -> None:
    """L56: half open, it tells neither side; the call still rings in time."""
    ana, ben = pair(telephone)
    ben.line.silence()
    session = ana.session()
    telephone.sim.run(session.start("ben"))
    telephone.sim.advance(25)

    assert ben.rings
    assert session.status.value is UTDCallStatus.RINGING


def test_a_caller_without_a_socket_hears_the_outcome(telephone: Telephone) -> None:
    """L39: it asks by REST, every 5 s."""
    ana, ben = pair(telephone)
    ana.line.is_down = True
    ana.line.cut()
    session = ana.session()
    telephone.sim.run(session.start("ben"))
    telephone.sim.settle()
    telephone.sim.run(ben.rang[0].reject())
    telephone.sim.advance(6)

    assert outcome(session) == (UTDCallStatus.REJECTED, CallEndReason.REJECTED)


def test_an_engine_killed_while_it_rings(telephone: Telephone) -> None:
    """L48: the deadline fires all the same, once, and both phones are free."""
    ana, ben = pair(telephone)
    session = ana.session()
    telephone.sim.run(session.start("ben"))
    telephone.sim.advance(5)
    telephone.sim.run(telephone.sim.world.kill_engine())
    telephone.sim.advance(3)
    telephone.sim.run(telephone.sim.world.start_engine())
    telephone.sim.advance(40)

    assert outcome(session) == (UTDCallStatus.MISSED, CallEndReason.NO_ANSWER)
    assert len(ben.rang) == 1
    assert not ben.rings
    telephone.nobody_is_busy()
    assert len(telephone.calls("ana")) == 1


def test_the_rings_deadline_never_ends_an_answered_call(telephone: Telephone) -> None:
    """L54: whoever talks, talks on."""
    ana, ben = pair(telephone)
    calling, answering = telephone.talk(ana, ben)
    telephone.sim.advance(300)

    assert [each.status.value for each in (calling, answering)] == [ACTIVE, ACTIVE]


def test_a_refused_sign_in_is_renewed_once(telephone: Telephone) -> None:
    """L57: with a newer bearer the socket is ready again."""
    ben = telephone.phone("ben")
    ben.client._rest.bearer = "not one of this engine"
    ben.line.cut()
    telephone.sim.advance(5)

    assert ben.client.signal_state.value is SignalState.READY


def test_a_sign_in_refused_twice_is_the_end(telephone: Telephone) -> None:
    """L57: nobody dials for ever with a bearer that is taken nowhere."""

    async def provide(identity: str) -> str:
        return f"no bearer of {identity}"

    client = telephone.sim.world.client(session_provider=provide)
    telephone.sim.run(client.authenticate("ben"))
    telephone.sim.advance(60)

    assert client.signal_state.value is SignalState.REFUSED


def test_who_was_replaced_does_not_dial_again(telephone: Telephone) -> None:
    """L58: of two with one name the newer stays."""
    older, newer = telephone.phone("ben"), telephone.phone("ben")
    newer.client._signaling.party_id = older.client._signaling.party_id
    newer.line.cut()
    telephone.sim.advance(60)

    states = [each.client.signal_state.value for each in (older, newer)]
    assert states == [SignalState.REFUSED, SignalState.READY]


def test_a_sign_in_is_prolonged_on_the_socket(telephone: Telephone) -> None:
    """It is the same socket after hours, and calls are told."""
    ana, ben = pair(telephone)
    (wire,) = ben.line.wires
    telephone.sim.advance(3 * 3_600)
    telephone.sim.run(ana.session().start("ben"))
    telephone.sim.settle()

    assert ben.line.wires == [wire]
    assert ben.rings


def test_a_client_that_is_closed_completes_what_it_showed(telephone: Telephone) -> None:
    """Calls, rings and the state of the socket."""
    ana, ben = pair(telephone)
    telephone.sim.run(ana.session().start("ben"))
    telephone.sim.settle()
    ended: list[str] = []
    for name, shown in (
        ("incoming", ben.client.incoming_calls),
        ("state", ben.client.signal_state),
        ("call", ben.rang[0].call),
    ):
        shown.subscribe(lambda _: None, on_completed=partial(ended.append, name))
    telephone.sim.run(ben.client.aclose())
    telephone.phones.remove(ben)

    assert sorted(ended) == ["call", "incoming", "state"]


def test_an_engine_that_has_lost_its_database_rings_no_more(
    telephone: Telephone,
) -> None:
    """L59: what it knows nothing of is gone, and new calls ring."""
    ana, ben = pair(telephone)
    session = ana.session()
    telephone.sim.run(session.start("ben"))
    telephone.sim.settle()
    assert ben.rings
    telephone.sim.run(telephone.sim.world.stop_engine())  # a database in memory is lost
    telephone.sim.run(telephone.sim.world.start_engine())
    telephone.sim.advance(20)
    assert not ben.rings

    telephone.sim.run(session.end())
    telephone.sim.run(session.start("ben"))
    telephone.sim.settle()
    assert ben.rings


def test_a_quiet_socket_costs_one_ping_at_a_time(telephone: Telephone) -> None:
    """The client pings and the engine answers: an engine that hears does not ping."""
    phone = telephone.phone("ana")
    (wire,) = phone.line.wires
    wire.cut_after(2 * 60 // 9 + 1)  # a ping and its answer every 9 s
    telephone.sim.advance(60)

    assert phone.line.wires == [wire]
