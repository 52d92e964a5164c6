"""Laws of the commands in containers: nothing to write to, no home, no name."""

from __future__ import annotations

import json
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.cli.commands import await_health, running
from tests.cli.places import NAMELESS, PLACES, enter
from tests.cli.test_serve import COMPLETE
from utd_stream.adapters.livekit_process import LiveKitPorts
from utd_stream.cli._kept import kept_settings

NO_TEMPORARY = {"TMPDIR": "/nowhere"}

every_place = pytest.mark.parametrize("place", PLACES)


@pytest.fixture
def folder() -> Iterator[Path]:
    """A folder that other users can reach, which pytest's own is not."""
    made = Path(tempfile.mkdtemp(prefix="utd-stream-"))
    made.chmod(0o755)
    yield made
    shutil.rmtree(made)


def refused(*arguments: str, folder: Path, place: str, **told: str) -> str:
    """Return the one line that a command says before it ends with status 2."""
    within = enter(place, folder)
    with running(*arguments, folder=folder, within=within, **told) as process:
        printed, errors = process.communicate(timeout=60)

    assert process.returncode == 2, errors
    assert not printed
    assert len(errors.splitlines()) == 1
    return errors


@every_place
def test_demo_plays_everywhere(folder: Path, place: str) -> None:
    """A world in one process needs nothing of the machine."""
    within = enter(place, folder)
    with running("demo", folder=folder, within=within, **NO_TEMPORARY) as process:
        printed, errors = process.communicate(timeout=120)

    assert (process.returncode, errors) == (0, "")
    assert "all as declared" in printed


@every_place
def test_serve_serves_where_its_database_is(folder: Path, place: str) -> None:
    """It writes its database, and nothing else, wherever that is."""
    database = "sqlite://" if place == "read-only root" else "sqlite:///rooms.db"
    within = enter(place, folder)
    port = LiveKitPorts.free().http
    with running(
        *("serve", "--port", str(port), "--database", database),
        folder=folder,
        within=within,
        **COMPLETE,
        **NO_TEMPORARY,
    ) as process:
        await_health(port, process)
        process.terminate()
        _, errors = process.communicate(timeout=60)

    assert process.returncode == 0
    assert "Traceback" not in errors
    assert {each.name.partition(".")[0] for each in folder.iterdir()} <= {"rooms"}


def test_serve_says_where_it_cannot_write(folder: Path) -> None:
    """One line names the database, and what it takes."""
    said = refused(
        "serve", "--port", "0", folder=folder, place="read-only root", **COMPLETE
    )

    assert "the database utd_stream.db cannot be opened" in said
    assert "must be writable" in said


@pytest.mark.livekit
@pytest.mark.parametrize("place", ["no home", "no name"])
def test_dev_serves_everywhere(folder: Path, place: str, livekit_binary: Path) -> None:
    """All that it needs is a folder to keep its files in."""
    within = enter(place, folder)
    with running(
        *("dev", "--json", "--port", "0"),
        folder=folder,
        within=within,
        LIVEKIT_SERVER=str(livekit_binary),
    ) as process:
        assert process.stdout is not None
        told = json.loads(process.stdout.readline())
        process.terminate()
        _, errors = process.communicate(timeout=60)

    assert told["app_id"]
    assert process.returncode == 0
    assert "Traceback" not in errors


@pytest.mark.livekit
def test_dev_says_that_it_cannot_keep_anything(
    folder: Path, livekit_binary: Path
) -> None:
    """On a read-only root one line names the folder, and what it takes."""
    said = refused(
        *("dev", "--port", "0"),
        folder=folder,
        place="read-only root",
        LIVEKIT_SERVER=str(livekit_binary),
    )

    assert "nothing can be kept in .utd-stream/" in said
    assert "start in another folder" in said


@pytest.mark.livekit
@pytest.mark.parametrize("kind", ["folder", "settings"])
def test_dev_says_what_belongs_to_somebody_else(
    folder: Path, livekit_binary: Path, kind: str
) -> None:
    """Another user's `.utd-stream` is neither used nor a traceback."""
    within = enter("no name", folder)
    kept = folder / ".utd-stream"
    kept.mkdir(mode=0o755)
    if kind == "settings":
        shutil.chown(kept, NAMELESS, NAMELESS)
        (kept / "engine.toml").touch(mode=0o600)

    with running(
        *("dev", "--port", "0"),
        folder=folder,
        within=within,
        LIVEKIT_SERVER=str(livekit_binary),
    ) as process:
        printed, errors = process.communicate(timeout=60)

    assert process.returncode == 2
    assert not printed
    assert ".utd-stream" in errors
    assert len(errors.splitlines()) == 1


@pytest.mark.livekit
def test_dev_says_that_it_has_no_temporary_folder(
    folder: Path, livekit_binary: Path
) -> None:
    """A volume for its own files is not enough; one line names TMPDIR."""
    kept_settings(folder / ".utd-stream")
    said = refused(
        *("dev", "--port", "0"),
        folder=folder,
        place="read-only root",
        LIVEKIT_SERVER=str(livekit_binary),
        UTD_STREAM_DATABASE="sqlite://",
    )

    assert "no temporary file can be made" in said
    assert "TMPDIR" in said


@pytest.mark.livekit
def test_the_demo_on_livekit_says_that_it_has_no_temporary_folder(
    folder: Path, livekit_binary: Path
) -> None:
    """Before anything is played, one line names TMPDIR."""
    said = refused(
        *("demo", "--livekit"),
        folder=folder,
        place="read-only root",
        LIVEKIT_SERVER=str(livekit_binary),
    )

    assert "no temporary folder can be made" in said
    assert "TMPDIR" in said
