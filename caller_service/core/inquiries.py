"""Ordinary questions get a short true answer, and the open question again (rules 11, 22, 25)."""

from __future__ import annotations

from .after_hand_off import tell_somebody
from .case import Case, Status, Step, replace
from .commands import COMMANDS, said_again
from .effect import Effect, Record, Say
from .journal_events import Event
from .marks import Mark
from .reply import Command, CommandName, Inquiry, Reading, Wish
from .routing import Scene
from .safe_contact import Standing, sensitive, standing
from .said import Said
from .turn_steps import LINES, alert_accepter, forward_words, next_line
from .vocabulary import normal

SHORT_QUESTION = 7  # longest text, in words, that is certainly no more than a question
# what people fear, perhaps several at once: each is answered, whatever else the text asks
FEARED = (Wish.FAQ_CHILDREN, Wish.FAQ_IMMIGRATION, Wish.FAQ_POLICE)
LONG_QUESTION = 10  # longest text, in words, that may be only an ordinary question


def answer_inquiry(case: Case, reply: Inquiry, reading: Reading, said: str, scene: Scene) -> Step:
    """Answer an ordinary question briefly and truthfully. Whoever asks about somebody else learns
    nothing about them (rule 25). A text that is more than a question is a story too (rule 7)."""
    if len(normal(said)) > LONG_QUESTION and case.status == Status.SCREENING:
        case = said_again(case, frozenset({Said.STORY}), scene)
    if reply.about == Wish.ABOUT_OTHERS or Wish.ABOUT_OTHERS in reading.wishes:
        return Step(case, (Say("others.cannot_say"), Record(Event.ASKED_ABOUT_OTHERS)))
    if reply.about == Wish.LEGAL:
        case = said_again(case, frozenset({Said.LEGAL}), scene)
        return Step(case, (Say("others.legal"), Record(Event.LEGAL_DEMAND)))
    if reply.about == Wish.OFFICER and sensitive(case):  # we cannot know who holds the phone
        return Step(
            said_again(case, frozenset({Said.OFFICER}), scene),
            (Say("others.cannot_say"), Record(Event.OFFICER)),
        )
    if reply.about == Wish.OFFICER:
        return Step(
            said_again(case, frozenset({Said.OFFICER, Said.PERSON}), scene),
            (Record(Event.OFFICER),),
        )
    if reply.about == Wish.LANGUAGE:
        case = replace(said_again(case, frozenset({Said.UNREAD_LANGUAGE}), scene), interpreter=True)
        return Step(case, (Say("language.which"), Record(Event.LANGUAGE_ASKED)))
    began = Mark.ASKED in case.marks
    if began and reply.about == Wish.OTHER_HANDS and Wish.WRONG_NUMBER in reading.wishes:
        return Step(case, (Say("wrong_number"),))
    if reply.about in (Wish.SOMEONE_ELSE, Wish.OTHER_HANDS):
        return _whose_phone(case, said) if began and Wish.BORROWED in reading.wishes else Step(case)
    if reply.about == Wish.THERE:
        return _are_you_there(case, reading, said, scene)
    asked = [reply.about, *(about for about in FEARED if about in reading.wishes)]
    # "no police please, we have no papers" asks two things
    answers = dict.fromkeys(_faq_words(case, about, scene) for about in dict.fromkeys(asked))
    case, told = _forward_question(case, said, scene)
    return Step(case, (*map(Say, answers), Record(Event.ASKED, {"about": reply.about}), *told))


def _whose_phone(case: Case, said: str) -> Step:
    """ "This is my friend's phone" is kept for the team; nothing is concluded from it."""
    if not case.in_danger:
        return Step(case, (Say("thanks_story"),))
    case, words = next_line(case, LINES)
    told = alert_accepter(case, "alert.words", said.strip())
    return Step(case, (words, *told, *forward_words(case)))


def _are_you_there(case: Case, reading: Reading, said: str, scene: Scene) -> Step:
    """ "Are you there" asks whether anybody reads this: the truth about it, and no story that is
    met with a question about danger (promise 3). Whoever has the case is told."""
    if case.in_danger:
        case, words = next_line(case, LINES)
        told = alert_accepter(case, "alert.words", said.strip())
        return Step(case, (words, *told, *forward_words(case)))
    if case.status == Status.SCREENING:
        return Step(case, (Say("faq.robot"), Record(Event.ASKED, {"about": Wish.THERE})))
    status = COMMANDS[CommandName.STATUS](case, Command(CommandName.STATUS), reading, scene)
    case, told = _forward_question(status.case, said, scene)
    return Step(case, (*status.effects, Record(Event.ASKED, {"about": Wish.THERE}), *told))


def _forward_question(case: Case, said: str, scene: Scene) -> tuple[Case, tuple[Effect, ...]]:
    """After the hand-off, what was answered as an ordinary question goes to whoever has the case,
    too: "can you tell them to call when they get here" is for them. A longer one that nobody has is
    put before a human (rule 7)."""
    if case.status == Status.SCREENING or case.in_danger:
        return case, ()
    if case.in_charge or len(normal(said)) > SHORT_QUESTION:
        return tell_somebody(case, said, scene)
    return case, forward_words(case)


def _faq_words(case: Case, about: str, scene: Scene) -> str:
    """The answer to an ordinary question, as it is true for this program and this case."""
    if about in (Wish.FAQ_POLICE, Wish.FAQ_IMMIGRATION) and scene.program.law_enforcement:
        # "we are not police" would be untrue (rule 22)
        return "faq.police.law_enforcement" if about == Wish.FAQ_POLICE else "faq.private"
    if about == Wish.FAQ_CHILDREN and case.in_danger:
        return "faq.children.told"  # where a child told first, a human explains (rule 14)
    if about == Wish.FAQ_PRIVATE and case.minor:
        return "faq.private.minor"  # software never calls home (rule 14)
    if about == Wish.FAQ_WHO and standing(case) in (Standing.VIOLENCE, Standing.UNSAFE):
        return "faq.who.short"  # whoever else holds the phone learns no more (rule 10)
    return f"faq.{about.removeprefix('faq_')}"
