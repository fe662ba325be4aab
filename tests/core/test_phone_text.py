"""What a phone adds to a text is removed, and what the person wrote is kept: core/phone_text.py."""

from __future__ import annotations

import base64
import unicodedata

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from caller_service.core import phone_text
from caller_service.core.phone_text import PhoneText, _decoded, without_trailing_emoji
from caller_service.core.vocabulary import normal
from caller_service.language.shared_words import read_own_words


def clean(body: str, staff: bool = False) -> PhoneText:
    return phone_text.clean(body, read_own_words(), staff)


SIGNATURES = [
    "Sent from my iPhone",
    "Sent from my iPhone.",
    "sent from my iphone",
    "Sent from my iPad",
    "Sent from my iPhone 15 Pro Max",
    "Sent from my Galaxy",
    "Sent from my Samsung Galaxy smartphone.",
    "Sent from my T-Mobile 5G Device",
    "Sent from my Verizon, Samsung Galaxy smartphone",
    "Sent via the Samsung Galaxy S21 5G, an AT&T 5G smartphone",
    "Sent from my AT&T Wireless 4G LTE smartphone.",
    "Sent from my Metro by T-Mobile 4G LTE Android Device",
    "Sent from my mobile device",
    "Sent from my phone",
    "Sent from iPhone",
    "Sent via Telegram",
    "Sent via textnow.com",
    "Sent via BlackBerry by AT&T",
    "Get Outlook for iOS",
    "Get Outlook for Android",
    "Get Outlook for iOS<https://aka.ms/o0ukef>",
    "Get Outlook for Android https://aka.ms/AAb9ysg",
    "Sent from Yahoo Mail for iPhone",
    "Sent from Yahoo Mail on Android",
    "Sent from Mail for Windows",
    "Sent from Mail for Windows 10",
    "Sent from Outlook for iOS",
    "Enviado desde mi iPhone",
    "Enviado desde mi Samsung",
    "Enviado desde Correo para Windows",
    "Enviado do meu iPhone",
    "Sent using Hushed",
    "Sent using my Galaxy",
    "-- \nMaria Lopez",
    "--\nMaria Lopez\n(415) 555-0137",
    "-- \njohn",
    "*Sent with Proton Mail*",
    "*Sent with my thumbs, excuse the typos*",
    "Sent with Proton Mail secure email.",
    "Envoyé de mon iPhone",
    unicodedata.normalize("NFD", "Envoyé de mon iPhone"),
    "Gửi từ iPhone của tôi",
    unicodedata.normalize("NFD", "Gửi từ iPhone của tôi"),
    "Отправлено с iPhone",
    "Отправлено с моего iPhone",
    "发自我的iPhone",
]


@pytest.mark.parametrize("signature", SIGNATURES)
def test_a_signature_below_the_words_goes(signature: str) -> None:
    assert clean(f"STOP\n{signature}") == PhoneText("STOP")
    assert clean(f"he is outside\r\n\r\n{signature}\r\n") == PhoneText("he is outside")


INLINE = [s for s in SIGNATURES if s[0] not in "-s" and s != "Sent from my phone"]


@pytest.mark.parametrize("signature", INLINE)
def test_a_signature_behind_the_words_or_alone_goes(signature: str) -> None:
    assert clean(f"2 {signature}") == PhoneText("2")
    assert clean(f"Yes. {signature}") == PhoneText("Yes.")
    assert clean(signature) == PhoneText("")


def test_signatures_one_below_the_other_go() -> None:
    assert clean("no\nSent from my iPhone\nGet Outlook for iOS\n") == PhoneText("no")
    assert clean("no - Sent from my iPhone") == PhoneText("no")


@pytest.mark.parametrize(
    "body",
    [
        "it was sent from my ex",
        "sent from my job to the hospital",
        "Sent from my job to the hospital",
        "I was Sent from my job to the hospital",
        "the threat was sent from my iphone",
        "THE THREAT WAS SENT FROM MY IPHONE",
        "Sent from my iPhone and he is still here",
        "Sent from my iPhone. Help",
        "Sent from my phone",
        "he has it all\nSent from my iPhone 911",
        "Sent from my iPhone?",
        "Sent from Mobile",
        "Sent from Metro Hospital",
        "Sent via Uber to the hospital",
        "Sent via ambulance",
        "he is home\nSent via He Has A Gun",
        "Sent using a knife",
        "he wrote “Sent from my iPhone”",
        "Sent from my iPhone\n2",
        "Sent from my iPhone https://maps.google.com/?q=1,2",
        "Enviado desde mi casa al hospital",
        "Envoyé de mon travail",
        "Get out",
        "Get Outlook for him",
        "he is here\n--\nhe has a gun",
        "he is here\n-- \nhelp",
        "he is here\n--\nHelp Me",
        "he is here\n--\n12 Main St",
        "which one\n--\n2",
        "Sent from my",
        "--",
        "-- ok",
        "",
    ],
)
def test_words_that_look_like_a_signature_stay(body: str) -> None:
    assert clean(body) == PhoneText(body)


REACTIONS = [
    ("Liked “Are you safe right now?”", "liked"),
    ('Liked "Are you safe right now?"', "liked"),
    ('Loved "Help is coming"', "loved"),
    ("Laughed at “Is anyone hurt?”", "laughed"),
    ("Emphasized “Does he have a gun?”", "emphasized"),
    ("Emphasised “Does he have a gun?”", "emphasized"),
    ("Questioned “Where are you?”", "questioned"),
    ("Disliked “Reply 1 or 2”", "disliked"),
    ("Removed a like from “Reply 1 or 2”", "removed"),
    ("Removed a heart from “Reply 1 or 2”", "removed"),
    ("Removed an exclamation from “Reply 1 or 2”", "removed"),
    ("Removed 👍 from “Reply 1 or 2”", "removed"),
    ("Removed a like from an image", "removed"),
    ("Reacted 👍 to “Reply 1 or 2”", "reacted"),
    ("Reacted ❤️ to “Reply 1 or 2”", "reacted"),
    ("Reacted 🤷🏽‍♀️ to “Reply 1 or 2”", "reacted"),
    ("👍 to “Is anyone hurt?”", "reacted"),
    ("‼️ to “Is anyone hurt?”", "reacted"),
    ("\u200b👍\u200b to “\u200bIs anyone hurt?\u200b”", "reacted"),
    ("\u200a\u200b👍\u200b to \u201c\u200aIs anyone hurt?\u200a\u201d\u200a", "reacted"),
    ("👍 to an image", "reacted"),
    ("Liked an image", "liked"),
    ("Loved a photo", "loved"),
    ("Laughed at 2 images", "laughed"),
    ("Le gustó “¿Está a salvo?”", "liked"),
    (unicodedata.normalize("NFD", "Le gustó “¿Está a salvo?”"), "liked"),
    ("Le encantó “¿Está a salvo?”", "loved"),
    ("Le encantó una foto", "loved"),
    ("Se rió de “¿Está a salvo?”", "laughed"),
    ("Destacó “¿Está a salvo?”", "emphasized"),
    ("No le gustó “¿Está a salvo?”", "disliked"),
    ("Cuestionó “¿Está a salvo?”", "questioned"),
    ("Reaccionó con 👍 a “¿Está a salvo?”", "reacted"),
    ("A aimé « Êtes-vous en sécurité ? »", "liked"),
    ("A aimé «\u00a0Êtes-vous en sécurité ?\u00a0»", "liked"),
    ("N’a pas aimé « Êtes-vous là ? »", "disliked"),
    ("Liked “Does he have a gun or a kn…", "liked"),
    ('Liked "Does he have a gun or a kn…', "liked"),
    ("Liked “Does he have a gun or a kn…”", "liked"),
    ("Liked “Does he have a gun or a kn...", "liked"),
    ("Liked “Reply:\n1 Yes\n2 No\n\nSTOP to end”", "liked"),
    ("Liked “Reply “yes” or “no””", "liked"),
    ('Liked “Reply "yes" or "no" now”', "liked"),
    ('Liked "Reply "yes" to go on"', "liked"),
    ("  Liked “ok”  \n", "liked"),
    ("Liked\u00a0“ok”", "liked"),
    ("Liked “ok”\nSent from my iPhone", "liked"),
    ("Liked “ok” Sent from my iPhone", "liked"),
    ("\u2068Liked “\u2068ok\u2069”\u2069", "liked"),
]


@pytest.mark.parametrize(("body", "kind"), REACTIONS)
def test_a_reaction_has_no_words(body: str, kind: str) -> None:
    assert clean(body) == PhoneText("", kind)


@pytest.mark.parametrize(
    "body",
    [
        "Liked it",
        'He "liked" me and hit me',
        'loved "him" but he hit me',
        'Loved "him" but he hit me',
        'Loved "him" but he hit "me"',
        "Loved “him” but he hit “me”",
        'loved "him"',
        "Liked “it”. He hit me",
        "Liked “ok”\n2",
        "2\nLiked “ok”",
        "he Liked “ok”",
        'Loved "him and then he hit me...',
        'Loved "him and then he hit me',
        "“Are you safe?” no",
        "no “Are you safe?”",
        "“Are you safe?”",
        "Laughed at me",
        "Liked an image of me he posted",
        "Removed a knife from “his hand”",
        "Removed a tooth from my mouth",
        "👍 to the ambulance",
        "👍",
        "... to “him”",
        "Liked",
        "Liked “",
        "Liked ”ok“",
        "Reacted badly to “it”",
        "Le gustó pegarme",
    ],
)
def test_words_that_look_like_a_reaction_stay(body: str) -> None:
    assert clean(body) == PhoneText(body)


def _sent(text: str, encoding: str = "utf-8") -> str:
    return base64.b64encode(text.encode(encoding)).decode()


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        (_sent("he has a gun"), PhoneText("he has a gun")),
        (_sent("Él está aquí 😢"), PhoneText("Él está aquí 😢")),
        (_sent("救命，他在门外"), PhoneText("救命，他在门外")),
        (_sent("he is outside", "utf-16"), PhoneText("he is outside")),
        (_sent("\ufeffhe is outside", "utf-16-be"), PhoneText("he is outside")),
        (_sent("he is outside", "utf-8-sig"), PhoneText("he is outside")),
        (f"\n{_sent('he is outside')}  ", PhoneText("he is outside")),
        (_sent("STOP\nSent from my iPhone"), PhoneText("STOP")),
        (_sent("Liked “Are you safe?”"), PhoneText("", "liked")),
        (_sent(_sent("he is outside")), PhoneText(_sent("he is outside"))),
        (f"{_sent('he is outside')}\nSent from my iPhone", PhoneText("he is outside")),
    ],
)
def test_base64_is_read(body: str, expected: PhoneText) -> None:
    assert clean(body) == expected


@pytest.mark.parametrize(
    "body",
    [
        "aaaaaaaaaaaaaaaaaaaa",
        "Donaudampfschifffahrt",
        "Internationalization",
        "HELPHELPHELPHELP",
        "deadbeef12345678",
        "DEADBEEF12345678",
        "68656c70206d6520",
        "1234567890123456",
        "https://example.org/aGVscCBtZSBub3c=",
        _sent("help me"),  # too short
        _sent("he has a gun!")[:-1],
        _sent("he has a gun") + " now",
        _sent("1234 5678 90"),  # no letter
        base64.b64encode(b"\x00\x01\x02\x03abc\x04\x05\x06\x07\x08").decode(),
        base64.b64encode(b"\xff\xfea\x00\x00\xd8\x00\xd8abcdef").decode(),
        base64.b64encode(b"\xc3\x28\xa0\xa1 not utf-8").decode(),
        "HelpMeHelpMeHelp",
        "BLUEBIRD-4471",
    ],
)
def test_what_only_looks_like_base64_stays(body: str) -> None:
    assert clean(body) == PhoneText(body)


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ("\u200b" * 60 + "2" + "\ufeff" * 60, "2"),
        ("ST\u200b\u200b\u200bOP", "STOP"),
        ("ST\u00adOP", "STOP"),
        ("\ufeffhelp", "help"),
        ("help \ufe0f\ufe0f me", "help  me"),
        ("\ufe0f", ""),
        ("\u200d\u200c\u200b", ""),
        ("\u200e\u200f", ""),
        (" \t\n\u00a0", ""),
        ("a\u200e\u200f\u200e\u200f\u200e\u200fb", "ab"),
        ("1❤️", "1❤️"),
        ("1️⃣", "1️⃣"),
        ("❤️‍🔥", "❤️‍🔥"),
        ("🏳️‍🌈 ok", "🏳️‍🌈 ok"),
        ("🤷🏽‍♀️", "🤷🏽‍♀️"),
        ("👨‍👩‍👧", "👨‍👩‍👧"),
        ("می‌خواهم", "می‌خواهم"),
        ("ខ្ញុំ\u200bសុំ", "ខ្ញុំ\u200bសុំ"),
        ("  two  spaces\tstay \n\nhere  ", "two  spaces\tstay \n\nhere"),
        ("\ud800 alone", "\ud800 alone"),
    ],
)
def test_invisible_characters_vanish_where_they_do_nothing(body: str, words: str) -> None:
    assert clean(body) == PhoneText(words)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2 🙏", ("2",)),
        ("No 😢", ("no",)),
        ("1❤️", ("1",)),
        ("yes 😭😭", ("yes",)),
        ("🙏 yes please 🙏🏽", ("yes", "please")),
        ("no 👍", ("no",)),
        ("help 🔥 house", ("help", "🔥", "house")),
        ("👍", ("👍",)),
        ("👍🏽", ("👍",)),
        ("👍👍", ("👍",)),
        ("👍 😢", ("👍",)),
        ("🤷‍♀️", ("🤷",)),
        ("👎 🙏", ("👎",)),
        ("✅✅", ("✅",)),
        ("❌ 😭", ("❌",)),
        ("👍 👎", ("👍", "👎")),
        ("😢", ("😢",)),
        ("😢 😢", ("😢", "😢")),
        ("😢 👍", ("😢", "👍")),
        ("是", ("是",)),
        ("", ()),
        ("yes no", ("yes", "no")),
    ],
)
def test_emoji_around_an_answer_are_removed(text: str, expected: tuple[str, ...]) -> None:
    assert without_trailing_emoji(normal(text)) == expected


def test_an_empty_token_is_no_trouble() -> None:
    assert without_trailing_emoji(("", "🙏")) == ("",)


_PIECES = st.sampled_from(
    [
        *SIGNATURES,
        *(body for body, _ in REACTIONS),
        *'\n \t“”"«»…-*.>|👍❤2aä是',
        *(
            "\u200b",
            "\u200c",
            "\u200d",
            "\ufe0f",
            "\ufeff",
            "\u00ad",
            "\u200e",
            "\r\n",
            "\r",
            "\u2028",
        ),
        *(
            "-- \n",
            "--\n",
            "Liked ",
            "Removed a ",
            " to ",
            " from ",
            "he hit me",
            "Sent via ",
            "John",
            "STOP",
        ),
    ]
)
_MIXED = st.lists(st.one_of(_PIECES, st.text(max_size=4)), max_size=10).map("".join)
_TEXTS = st.one_of(st.text(), _MIXED)


@settings(max_examples=600)
@given(_TEXTS)
def test_cleaning_twice_is_cleaning_once(body: str) -> None:
    once = clean(body)
    assert not (once.words and once.reaction)
    assert once.words == once.words.strip()
    assume(not _decoded(once.words))
    if not once.reaction:
        assert clean(once.words) == once


@settings(max_examples=200)
@given(st.text(st.characters(exclude_categories=()), max_size=200))
def test_no_text_at_all_makes_it_fail(body: str) -> None:
    """Not even lone surrogates and unassigned characters."""
    clean(body)
    without_trailing_emoji(normal(body))


@settings(max_examples=200)
@given(st.binary(min_size=12, max_size=80))
def test_base64_of_any_bytes_raises_nothing(raw: bytes) -> None:
    clean(base64.b64encode(raw).decode())


@settings(max_examples=200)
@given(st.lists(st.sampled_from(["👍", "👎", "🙏", "😢", "yes", "2", "是"])).map(tuple))
def test_no_word_is_lost_with_the_emoji(words: tuple[str, ...]) -> None:
    left = without_trailing_emoji(words)
    assert [word for word in words if word.isalnum()] == [word for word in left if word.isalnum()]
    assert without_trailing_emoji(left) == left
    assert bool(left) == bool(words)
