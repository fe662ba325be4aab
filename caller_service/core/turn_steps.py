"""Steps of a turn that are the same whether software or a human leads the conversation.

The level is recomputed and people are paged; contact that was taken back is closed; the resident's
words are kept and forwarded; the words for a danger are chosen.
"""

from __future__ import annotations

from .case import Case, Status, Step, move, replace
from .commands import ALONE
from .disposition import reconsider
from .effect import Alert, Effect, HandOff, Record, Say
from .escalation import page_rung
from .journal_events import Event
from .marks import Mark
from .protocol import HUMAN_NOW, Level, Protocol, Rule, Words
from .questions import asker
from .reply import Answer, Command, CommandName, Danger, Reading, Wish
from .routing import Scene
from .said import Said

LONGEST_NARRATIVE = 20  # texts kept with the case for the team; the message table has all of them
FIRST_WORDS = 5  # the first texts are always kept: they say what it is about
# "we have your message" in danger: three wordings, used in turn
LINES = ("again.human", "again.waiting", "again.here")
READ_LINES = ("heard.one", "heard.two", "heard.three")  # the same outside danger


def withdraw_contact(case: Case, reading: Reading) -> tuple[Case, tuple[Effect, ...]]:
    """Apply words that take contact back, at once and whatever else the text says (rule 10)."""
    closing = reading.closing - case.withdrawn
    # STOP and "I am watched" are stricter than a withdrawal
    stops = isinstance(reading.reply, Command) and reading.reply.name in (
        *ALONE,
        CommandName.WATCHED,
    )
    if not closing or stops or isinstance(reading.reply, Answer):
        return case, ()
    case = replace(case, withdrawn=case.withdrawn | closing).marked(
        case.marks[Mark.HEARD], Mark.WITHDRAWN
    )
    words, key = "withdrawn.ok", "alert.withdrawn"
    if reading.closing == {"call"}:  # the answer is to what they said, not to what is new of it
        words, key = "withdrawn.call", "alert.no_calls"
    elif reading.closing == {"text"} and Wish.ONLY_CALLS in reading.wishes:
        words, key = "withdrawn.text", "alert.only_calls"
    if case.violent:
        words = "withdrawn.short"
    alert = Alert(key, case.accepted_by) if case.accepted_by else None
    return case, (
        Say(words),
        Record(Event.WITHDRAWN, {"ways": " ".join(sorted(closing))}),
        *((alert,) if alert else ()),
    )


def recompute(case: Case, scene: Scene) -> Step:
    """Recompute the level from everything known. A new danger pages people at once; an urgent
    review starts its clock."""
    before = case.level
    case, new = reconsider(scene.program.protocol, case)
    danger = tuple(rule for rule in new if rule.level is not None)
    if case.ended:
        return Step(case)
    if danger:
        return page(case, danger, before, scene)
    words = tuple(Say(key) for rule in new if rule.say for key in (_rule_words(rule, case),))[:1]
    if any(rule.at_once or rule.say for rule in new):  # starts the review clock
        return Step(case.marked(scene.now, Mark.REVIEW), (*words, HandOff("review")))
    return Step(case, words)


def _rule_words(rule: Rule, case: Case) -> str:
    if rule.in_violence and case.violent:
        return rule.in_violence
    return Words(rule.say or "", rule.by_who).of(asker(case))


def page(case: Case, danger: tuple[Rule, ...], before: Level | None, scene: Scene) -> Step:
    """Tell the resident, hand the case off and page people at once: two of them at R1 (rule 4).

    While people are already being paged, another reason joins the same pages and clocks; a rise to
    R1 pages the next person at once. A human who already has the case is alerted and nobody is
    paged.
    """
    words = tuple(Say(_rule_words(rule, case)) for rule in danger[:1] if rule.say)
    waiting, has_it = (
        case.page_waits,
        case.holder or (case.accepted_by if case.human_has_it else ""),
    )
    first = Mark.FIRST_PAGED not in case.marks
    case = replace(case, response=case.response or "human")  # a chosen team is kept
    if case.status == Status.SCREENING:
        case = move(move(case, Status.OPEN, scene.now), Status.HANDED_OFF, scene.now)
    hand_off_effect = HandOff("danger")
    if case.held:
        return Step(case, (*words, hand_off_effect, Alert("alert.danger", case.holder)))
    if waiting and not (case.level == Level.R1 and before != Level.R1):
        return Step(case, (*words, hand_off_effect))
    if waiting:
        case = replace(case, rung=case.rung + 1).marked(scene.now, Mark.PAGED)
        return Step(case, (*words, *page_rung(case, "danger", case.rung, scene), hand_off_effect))
    if not first and has_it and before is not None and before >= HUMAN_NOW:
        return Step(case, (*words, hand_off_effect, Alert("alert.danger", has_it)))
    two_at_once = case.level == Level.R1
    case = replace(case, round=case.round + 1, rung=int(two_at_once)).marked(
        scene.now, Mark.PAGED, Mark.FIRST_PAGED
    )
    case = case.unmarked(Mark.TRUTH, Mark.TRUTH_OWED, Mark.BACKSTOP_RUNG, Mark.LAPSED, Mark.JOINED)
    return Step(
        case, (*words, *page_rung(case, "danger", case.rung, scene, two_at_once), hand_off_effect)
    )


def keep_violence(before: Case, after: Case) -> Case:
    """An answer that is taken back takes no sign of violence back: software only replies from the
    first sign on (rule 5)."""
    if before.violent and not after.violent:
        return replace(after, said=after.said | {Said.VIOLENCE})
    return after


def add_to_narrative(case: Case, said: str) -> Case:
    """Keep the resident's words for the team: the first texts and the latest."""
    if not said.strip():
        return case
    texts = (*case.narrative, said.strip())
    if len(texts) > LONGEST_NARRATIVE:
        texts = (*texts[:FIRST_WORDS], *texts[FIRST_WORDS + 1 :])
    return replace(case, narrative=texts)


def next_line(case: Case, lines: tuple[str, ...]) -> tuple[Case, Say]:
    """The next of these lines, so that no line is said twice in a row."""
    following = lines[(lines.index(case.line) + 1) % len(lines)] if case.line in lines else lines[0]
    return replace(case, line=following), Say(following)


def danger_words(case: Case, kinds: tuple[str, ...], protocol: Protocol) -> tuple[Say, ...]:
    """First instructions for each kind of danger, in the protocol's order, each sentence once."""
    # "if you send anyone i will shoot them": the words for a threat give 988, too; "it is good that
    # you told us" of a suicide nobody spoke of would be untrue (rules 22 and 23)
    if {Said.THREAT_STAFF, Said.VIOLENCE} <= set(kinds) and Said.ATTEMPT not in kinds:
        kinds = tuple(kind for kind in kinds if kind != Said.SUICIDE)
    keys = [words.of(asker(case)) for kind, words in protocol.dangers.items() if kind in kinds]
    # nobody who hides is sent out of their place; nor do those who threaten the team hear of a safe
    # place
    if Said.HIDING in kinds or Said.THREAT_STAFF in {*kinds, *case.said}:
        keys = [key for key in keys if key != "danger.violence"]
    return tuple(Say(key) for key in dict.fromkeys(keys))


def counted_kinds(case: Case, reply: Danger) -> tuple[str, ...]:
    """The kinds of danger as they count in this case: a weapon that somebody may use on themselves
    is no violence against others."""
    kinds = set(reply.kinds)
    own_weapon_only = (
        Said.OWN_WEAPON in kinds
        and bool({Said.SUICIDE, Said.ATTEMPT} & (kinds | set(case.dangers)))
        and not {Said.VIOLENCE, Said.ABUSE} & kinds
    )
    return (
        tuple(kind for kind in reply.kinds if kind != Said.WEAPON)
        if own_weapon_only
        else reply.kinds
    )


def forward_words(case: Case) -> tuple[Effect, ...]:
    """A revision to every destination, because it carries the resident's words."""
    return (HandOff("wrote_again"),) if case.revision else ()


def alert_accepter(case: Case, key: str, words: str = "") -> tuple[Effect, ...]:
    """Alert whoever accepted the case, if a human has it."""
    return (Alert(key, case.accepted_by, words),) if case.human_has_it and case.accepted_by else ()


def without_acknowledgement(effects: tuple[Effect, ...]) -> tuple[Effect, ...]:
    """The effects without "we got your words": something else that is said answers them."""
    return tuple(
        effect
        for effect in effects
        if not (isinstance(effect, Say) and effect.key in (*READ_LINES, "thanks_story"))
    )
