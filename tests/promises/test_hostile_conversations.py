"""Sixty-four conversations such as a hostile tester writes, through signed webhooks, on both
databases.

Nobody here answers the questions as intended. The expected result of each is given in a few words:
`human` a person is paged for danger · `calm` nobody is paged · `read` a person reads it, nobody is
paged for danger · `no texts`, `no contact`, `unsafe` the terms of contact · a key: that text is in
the last reply.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from conftest import House

# a team is requested; texting is safe
SCREENED = ("hi", "1", "2", "2", "2", "1", "1", "Main St and 3rd Ave", "5", "1")
TO_CONTACT = ("hi", "1", "2", "2", "2")

CONVERSATIONS: list[tuple[tuple[str, ...], str]] = [
    # free text, never a number
    (("i took all my pills goodbye",), "human"),
    (("my sister just swallowed the whole bottle of tylenol and shes laughing",), "human"),
    (("he isnt breathing",), "human"),
    (("shes not waking up i shook her",), "human"),
    (("i just want to die", "no", "no"), "human"),
    (("me quiero morir ya no puedo",), "human"),
    (("mi papa le esta pegando a mi mama",), "human"),
    (("hes beating my mom right now",), "human"),
    (("theres a man with a gun outside my door",), "human"),
    (("mi esposo tiene un cuchillo",), "human"),
    (("shes on the bridge and climbing over the rail",), "human"),
    (("my baby is locked in the car its hot",), "human"),
    (("i cut my wrists",), "human"),
    (("my face is drooping and i cant lift my arm",), "human"),
    (("someone is breaking into my house",), "human"),
    (("mi hermana se tomó all the pills",), "human"),
    (("hi", "3", "no but she took all her pills"), "human"),
    (("hi", "1", "no respira"), "human"),
    (("im hiding in the closet he is in the house",), "human"),
    (("my stepdad touches me at night",), "human"),
    # ordinary texts and idioms
    (("hi", "1", "this heat is killing me"), "calm"),
    (("my phone is dying",), "calm"),
    (("still no response",), "calm"),
    (("im dead lol that was funny",), "calm"),
    (("just killing time here",), "calm"),
    (("took my pills this morning like always",), "calm"),
    (("hi", "no please"), "calm"),
    # requests in a full sentence
    (("hi", "1", "can somebody just call me i cant do these questions"), "human"),
    (("hi", "1", "please call 911 for me i cant talk hes in the house"), "human"),
    (("hi", "1", "i want to talk to a real person not a robot"), "human"),
    (("hi", "1", "are you police"), "faq.police"),
    (("hi", "1", "is this free"), "faq.free"),
    (("hi", "1", "did my husband text you"), "others.cannot_say"),
    (("911",), "say.not_911"),
    (("hi", "1", "ambulance"), "say.not_911"),
    # the contact question, and taking permission back
    ((*TO_CONTACT, "yes"), "texts"),
    ((*TO_CONTACT, "no"), "unsafe"),
    ((*TO_CONTACT, "2"), "unsafe"),
    ((*TO_CONTACT, "its not safe he checks my phone"), "unsafe"),
    ((*TO_CONTACT, "please only call"), "no texts"),
    ((*SCREENED, "its not safe to text me anymore"), "no texts"),
    ((*SCREENED, "stop texting hes right here"), "no texts"),
    ((*SCREENED, "please only call"), "no texts"),
    ((*SCREENED, "dont contact me again"), "no contact"),
    ((*SCREENED, "im not safe"), "human"),
    ((*SCREENED, "STOP\nSent from my iPhone"), "no texts"),
    # after the hand-off
    ((*SCREENED, "he just took everything in the bottle"), "human"),
    ((*SCREENED, "it all went so wrong at home today"), "ask.check"),
    ((*SCREENED, "it all went so wrong at home today", "yes"), "human"),
    ((*SCREENED, "it all went so wrong at home today", "idk"), "human"),
    ((*SCREENED, "it all went so wrong at home today", "no"), "read"),
    ((*SCREENED, "thank you so much"), "calm"),
    ((*SCREENED, "worse"), "human"),
    ((*SCREENED, "0"), "human"),
    ((*SCREENED, "NEW"), "ask.who"),
    # what phones add to a text
    (("hi", "1", "Liked “Is anyone badly hurt, or did they take too many pills?”"), "calm"),
    (("hi", "1", "👍 to “Is someone holding a weapon?”"), "calm"),
    (("hi", "1", "2 🙏"), "ask.safety"),
    (("hi", "1", "aSB0b29rIGFsbCBteSBwaWxscw=="), "human"),
    # doubts, skips, nonsense, other languages
    (("hi", "skip", "skip"), "human"),
    (("hi", "1", "hgjk", "??", "zzz"), "human"),
    (("there is a man lying by the bus stop", "5", "not sure"), "human"),
    (("is the pie shop open?",), "human"),
    (("мне очень плохо помогите пожалуйста", "он меня не слышит где вы"), "human"),
]


def test_there_are_sixty_four() -> None:
    assert len(CONVERSATIONS) == 64


@pytest.mark.parametrize(
    ("texts", "comes"), CONVERSATIONS, ids=[" · ".join(texts)[-50:] for texts, _ in CONVERSATIONS]
)
def test_what_comes_of_it(house: House, texts: tuple[str, ...], comes: str) -> None:
    me = house.resident().texts(*texts)
    case, state = me.case(), me.case().state
    paged = {row.ladder for row in house.rows("page")}

    assert case.outcome in ("", "no_request")
    if comes == "human":
        assert case.level in ("R1", "R2") and "danger" in paged
    elif comes in ("calm", "read"):
        assert not paged and case.level not in ("R1", "R2")
        assert comes == "calm" or state["review"]
    elif comes == "texts":
        assert state["answers"]["contact"] == "text_call"
    elif comes == "unsafe":
        assert state["answers"]["contact"] == "unsafe"
    elif comes in ("no texts", "no contact"):
        house.dispatch(f"/{case.id}/acknowledgement", {"answer": "accept", "by": "Maria"})
        house.wait(3600)
        house.sweeps().settles()
        assert house.texts_to(me.number) == [], "not a word unasked"
    else:
        me.told(comes)
