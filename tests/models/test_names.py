"""What may be a name, byte for byte (contract.md section 1)."""

from __future__ import annotations

import unicodedata
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from utd_stream.models.names import (
    check_app_id,
    check_display_name,
    check_identity,
    check_room_name,
    sfu_room_name,
    split_sfu_room_name,
)
from utd_stream.testing.models import names, room_names

CHECKS = (check_identity, check_room_name, check_display_name)
APP_IDS = st.from_regex(r"[A-Za-z0-9-]{1,64}", fullmatch=True)

every_check = pytest.mark.parametrize("check", CHECKS, ids=lambda c: c.__name__)

GOOD = {
    "plain": "ann",
    "slash": "a/b",
    "percent": "%2F",
    "emoji": "🎤",
    "family": "👩‍👩‍👧",
    "space inside": "ann b",
    "three dots": "...",
    "composed": "é",
    "right to left": "שלום",
    "zero width": "a\u200bb",
}
BAD = {
    "empty": ("", "must not be blank"),
    "space": (" ", "must not be blank"),
    "wide space": ("\u3000", "must not be blank"),
    "dot": (".", "must not be '.' or '..'"),
    "two dots": ("..", "must not be '.' or '..'"),
    "newline": ("a\n", "must not hold control characters"),
    "null": ("\0a", "must not hold control characters"),
    "delete": ("a\x7f", "must not hold control characters"),
    "C1": ("a\x85b", "must not hold control characters"),
    "decomposed": ("e\u0301", "must be in Unicode's NFC form"),
    "Kelvin": ("\u212a", "must be in Unicode's NFC form"),
    "surrogate": ("\ud800", "is not valid Unicode"),
}


@every_check
@pytest.mark.parametrize("text", GOOD.values(), ids=GOOD)
def test_names_of_people_are_taken_as_they_are(
    check: Callable[[str], str], text: str
) -> None:
    """An emoji, a slash, any script: what LiveKit takes is taken (T30)."""
    assert check(text) == text


@every_check
@pytest.mark.parametrize(("text", "message"), BAD.values(), ids=BAD)
def test_what_misleads_is_refused(
    check: Callable[[str], str], text: str, message: str
) -> None:
    """Blank, folded out of a path, invisible or ambiguous names are refused."""
    with pytest.raises(ValueError, match=r"name|identity") as caught:
        check(text)

    assert str(caught.value).endswith(message)
    assert caught.value.__cause__ is None


@pytest.mark.parametrize(
    ("check", "limit"),
    [(check_identity, 256), (check_room_name, 256), (check_display_name, 128)],
)
@pytest.mark.parametrize("char", ["a", "é", "€", "🎤"])
def test_lengths_are_counted_in_bytes(
    check: Callable[[str], str], limit: int, char: str
) -> None:
    """The SFU counts bytes of UTF-8, so we do; one more is refused."""
    size = len(char.encode())
    longest = char * (limit // size)
    longest += "a" * (limit - len(longest.encode()))

    assert check(longest) == longest
    with pytest.raises(ValueError, match=f"must be at most {limit} bytes"):
        check(longest + "a")


@pytest.mark.parametrize("name", ["ban", "bans", "call_", "call_abc"])
def test_words_of_paths_are_no_rooms(name: str) -> None:
    """``/rooms/ban`` is an endpoint, and calls name their rooms themselves."""
    with pytest.raises(ValueError, match="is reserved"):
        check_room_name(name)


@pytest.mark.parametrize("name", ["Ban", "band", "banns", "call", "recall_1"])
def test_words_like_them_are_rooms(name: str) -> None:
    """Only the words themselves are reserved."""
    assert check_room_name(name) == name


def test_people_may_be_called_what_rooms_may_not() -> None:
    """Reserved are the names of rooms alone."""
    assert check_identity("ban") == "ban"


@every_check
@given(text=st.text())
def test_every_name_is_what_the_contract_says(
    check: Callable[[str], str], text: str
) -> None:
    """A name passes exactly when each rule of the contract holds."""
    limit = 128 if check is check_display_name else 256
    fine = (
        text.strip() != ""
        and text not in {".", ".."}
        and not any(unicodedata.category(c) in {"Cc", "Cs"} for c in text)
        and unicodedata.is_normalized("NFC", text)
        and len(text.encode()) <= limit
    )
    if check is check_room_name:
        fine = fine and text not in {"ban", "bans"} and not text.startswith("call_")

    try:
        passed = check(text) == text
    except ValueError:
        passed = False

    assert passed == fine


@given(name=names() | room_names())
def test_drawn_names_are_names(name: str) -> None:
    """The public strategies give nothing that would be refused."""
    assert check_identity(name) == name


@pytest.mark.parametrize("app_id", ["0123456789", "a", "A-9", "x" * 64])
def test_app_ids_are_short_and_plain(app_id: str) -> None:
    """Letters, digits and hyphens, at most 64."""
    assert check_app_id(app_id) == app_id


@pytest.mark.parametrize("app_id", ["", "a_b", "a b", "é", "x" * 65, "a\n", "٣"])
def test_other_app_ids_are_refused(app_id: str) -> None:
    """Nothing that could be mistaken inside the SFU's room name."""
    with pytest.raises(ValueError, match="app id must be"):
        check_app_id(app_id)


@given(app_id=APP_IDS, room_name=room_names())
def test_an_sfu_room_is_of_one_app_and_one_name(app_id: str, room_name: str) -> None:
    """The SFU's name of a room can be taken apart again."""
    name = sfu_room_name(app_id, room_name)

    assert name == f"p{app_id}_{room_name}"
    assert split_sfu_room_name(name) == (app_id, room_name)


@given(one=st.tuples(APP_IDS, room_names()), other=st.tuples(APP_IDS, room_names()))
def test_rooms_of_two_apps_never_meet(
    one: tuple[str, str], other: tuple[str, str]
) -> None:
    """Two apps, or two names, are two rooms of the SFU."""
    assert (sfu_room_name(*one) == sfu_room_name(*other)) == (one == other)


@pytest.mark.parametrize(
    "name", ["", "p", "p1", "p1_", "p_a", "1_a", "x1_a", "p 1_a", "q1_a", "_"]
)
def test_another_programs_room_is_none_of_ours(name: str) -> None:
    """Rooms that we did not name are left alone."""
    assert split_sfu_room_name(name) is None


def test_a_long_app_id_leaves_less_for_the_name() -> None:
    """256 bytes hold both; the message says what is left."""
    app_id = "a" * 64
    longest = "n" * 190

    assert len(sfu_room_name(app_id, longest)) == 256
    with pytest.raises(ValueError, match="at most 190 bytes in this app"):
        sfu_room_name(app_id, longest + "n")
