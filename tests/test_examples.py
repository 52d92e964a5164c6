"""Each example does what it says, in a world on virtual time."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from typing import Any

import pytest

from tests.media.made import make
from tests.planes import heard_hz
from utd_stream.client.audio_room import UTDAudioRoomSession
from utd_stream.media import FileSource, Tone
from utd_stream.models import CallEndReason, UTDStreamType
from utd_stream.testing import Simulation, run

EXAMPLES = sorted((Path(__file__).parents[1] / "examples").glob("*.py"))


def example(name: str) -> Any:
    """Return an example as a module."""
    (path,) = (path for path in EXAMPLES if path.stem == name)
    spec = importlib.util.spec_from_file_location(name, path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)
def test_an_example_is_short(path: Path) -> None:
    """Under 60 lines: it is read at once."""
    assert len(path.read_text(encoding="utf-8").splitlines()) < 60


def test_the_answering_machine_plays_a_tune(capsys: pytest.CaptureFixture[str]) -> None:
    """It answers one caller after the other, and hangs up when they have listened."""
    answering_machine = example("answering_machine")
    with Simulation(seed=3) as sim:
        client = sim.world.client(microphone=answering_machine.Tune())
        machine = sim.begin(answering_machine.machine(client))
        sim.settle()
        caller = sim.world.client(microphone=Tone(330))
        sim.run(caller.authenticate("ana"))
        session = caller.call_session(UTDStreamType.AUDIO_CALL)
        for _ in range(2):
            sim.run(session.start("answering-machine"))
            heard = sim.run(heard_hz(session.audio("answering-machine"), seconds=0.2))
            end = sim.run(session.end_info.until(lambda end: end is not None, 30))

            assert min(abs(heard - hz) for hz in answering_machine.NOTES_HZ) < 8
            assert end is not None
            assert end.reason is CallEndReason.CALLEE_HANGUP
        sim.run(session.dispose())
        machine.cancel()
        sim.settle()

    assert capsys.readouterr().out.splitlines() == ["ana hears the tune"] * 2


def test_the_recording_bot_plays_and_records(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """It is heard on a seat, and each other speaker is in a file of their own."""
    recording_bot = example("recording_bot")
    tune = run(make(tmp_path / "tune.wav", seconds=20, sound=Tone(660)))
    folder = tmp_path / "recordings"
    folder.mkdir()
    with Simulation(seed=3) as sim:
        host = sim.world.client(microphone=Tone(330))
        room = sim.run(host.join_audio_room("a/n a", "lounge", as_host=True))
        sim.run(room.take_seat(0))
        client = sim.world.client(microphone=FileSource(tune).audio)
        session = sim.run(client.join_audio_room("recording-bot", "lounge"))
        bot = sim.begin(recording_bot.bot(session, folder))
        sim.advance(1)
        heard = sim.run(heard_hz(room.audio("recording-bot"), seconds=0.2))
        ben = sim.world.client(microphone=Tone(880))
        late = sim.run(ben.join_audio_room("ben", "lounge"))
        sim.run(late.take_seat(1))
        sim.advance(3.5)
        sim.run(room.end_room())
        sim.advance(2)
        assert bot.done()

    assert heard == pytest.approx(660, abs=8)
    for name, hz in (("a%2Fn%20a", 330), ("ben", 880)):
        frames = FileSource(folder / f"{name}.ogg").audio.open()
        assert run(heard_hz(frames, seconds=1)) == pytest.approx(hz, abs=8)
    assert "ben.ogg: 3." in capsys.readouterr().out


def test_the_voice_monitor_tells_who_speaks(capsys: pytest.CaptureFixture[str]) -> None:
    """The loudest first, and nobody once all are silent."""
    voice_monitor = example("voice_monitor")
    with Simulation(seed=3) as sim:
        rooms: list[UTDAudioRoomSession] = []
        for seat, (who, amplitude) in enumerate((("ana", 0.05), ("ben", 0.5))):
            client = sim.world.client(microphone=Tone(440, amplitude))
            room = sim.run(client.join_audio_room(who, "lounge", as_host=seat == 0))
            sim.run(room.take_seat(seat))
            rooms.append(room)
        session = sim.run(sim.world.client().join_audio_room("monitor", "lounge"))
        monitor = sim.begin(voice_monitor.monitor(session))
        sim.advance(2)
        for room in rooms:
            sim.run(room.set_microphone(False))
        sim.advance(2)
        monitor.cancel()
        sim.settle()

    told = capsys.readouterr().out.splitlines()
    assert told == ["ben -6 dB, ana -26 dB", "nobody"]
