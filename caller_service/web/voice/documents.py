"""Writes a script as TwiML: what is said, what input is awaited, and the URL of the next step.

A question is spoken inside a `<Gather>` for the keypad alone, so that noise in the room cannot cut
it off. Speech, if the program has signed for it, is recognised only after the question.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable

from flask import Response
from twilio.twiml.voice_response import Dial, Gather, VoiceResponse

from caller_service.casework.parts import Parts
from caller_service.casework.resident_call import Script, Utterance
from caller_service.core.phone_script import Then
from caller_service.web.shared import twiml

TONE_EVERY = 4  # seconds of quiet between two tones
SPEECH_PAUSE = "3"  # seconds; "auto" stops at the first pause
TAKE_OUT = 5  # seconds that staff wait for the caller from the queue
STILL_RINGS = 1  # seconds until it is looked again whether the caller has answered
RINGS = 45  # seconds that 988 or a PSAP rings
KEY_PAUSE = 4  # seconds without a key after which a number is complete


def document(parts: Parts, script: Script | None) -> Response:
    """A script as TwiML; without a script, hang up."""
    answer = VoiceResponse()
    if script is None:
        answer.hangup()
        return twiml.answered(answer)
    then = Then(script.then)
    if then == Then.LISTEN:
        _listen(parts, script, answer)
    elif then == Then.WAIT:
        _wait(parts, script, answer)
    else:
        _say(parts, script.lines, answer, script.slower)
    if then == Then.QUEUE:
        answer.enqueue(
            script.queue,
            action=_url(parts, "left", script, entry=script.step),
            wait_url=_url(parts, "wait", script),
        )
    elif then == Then.LEAVE:
        answer.leave()
    elif then in (Then.COUNSELOR, Then.PSAP):
        shown = script.caller or None  # without a caller id, Twilio shows the caller's number
        dial = Dial(timeout=RINGS, action=_url(parts, "after", script), caller_id=shown)
        dial.number(script.dial)
        answer.append(dial)
    elif then == Then.MEET:
        _room(parts, answer, script.queue, _url(parts, "met", script))
    elif then == Then.HANG_UP:
        answer.hangup()
    return twiml.answered(answer)


def _room(
    parts: Parts, answer: VoiceResponse, name: str, action: str | None, staff: str = ""
) -> None:
    """A conference for three, without beep or music. It starts when the staff member of the call
    `staff` joins, and ends when they or the caller leave, whose calls then go on at their `action`.
    The interpreter may leave without ending it."""
    known = f"?id={staff}" if staff else ""
    dial = Dial(action=action) if action else Dial()
    dial.conference(
        name,
        beep=False,
        start_conference_on_enter=bool(staff),
        end_conference_on_exit=bool(action),
        wait_url=f"{parts.public_url}/twilio/voice/room{known}",
    )
    answer.append(dial)


def room_call(
    parts: Parts, words: Iterable[Utterance], call_id: str, room: str, waits: bool
) -> Response:
    """A staff member joins the conference of a case or, with `waits`, the interpreter does."""
    answer = VoiceResponse()
    _say(parts, words, answer)
    action = None if waits else f"{parts.public_url}/twilio/page/parted?id={call_id}"
    _room(parts, answer, room, action, "" if waits else call_id)
    return twiml.answered(answer)


def tone(parts: Parts, words: Iterable[Utterance]) -> Response:
    """While a conference has not started: words, the soft tone, then ask again."""
    answer = VoiceResponse()
    _say(parts, words, answer)
    answer.play(f"{parts.public_url}/static/tone.wav")
    answer.pause(length=TONE_EVERY)
    return twiml.answered(answer)


def queued_call(parts: Parts, words: Collection[Utterance], call_id: str, queue: str) -> Response:
    """A staff member's phone is joined to the caller in the queue of their case. Without words it
    is the same once more, while the caller's phone still rings: Twilio reports a queue that nobody
    has been in yet as failed, and at once."""
    answer = VoiceResponse()
    if words:
        _say(parts, words, answer)
    else:
        answer.pause(length=STILL_RINGS)
    dial = Dial(timeout=TAKE_OUT, action=f"{parts.public_url}/twilio/page/parted?id={call_id}")
    dial.queue(queue, url=f"{parts.public_url}/twilio/voice/joined?id={call_id}")
    answer.append(dial)
    return twiml.answered(answer)


def dialled_call(parts: Parts, words: Iterable[Utterance], call_id: str, number: str) -> Response:
    """A staff member's phone is joined to this line, which is shown one of our numbers."""
    answer = VoiceResponse()
    _say(parts, words, answer)
    action = f"{parts.public_url}/twilio/page/parted?id={call_id}"
    dial = Dial(timeout=RINGS, action=action, caller_id=parts.program.numbers.caller("") or None)
    dial.number(number)
    answer.append(dial)
    return twiml.answered(answer)


def says_only(parts: Parts, words: Iterable[Utterance]) -> Response:
    """Say words; the call continues where it was."""
    answer = VoiceResponse()
    _say(parts, words, answer)
    return twiml.answered(answer)


def once_more(parts: Parts, words: Iterable[Utterance], url: str) -> Response:
    """The response is not ready: say words, then request the same step again."""
    answer = VoiceResponse()
    _say(parts, words, answer)
    answer.redirect(url)
    return twiml.answered(answer)


def _listen(parts: Parts, script: Script, answer: VoiceResponse) -> None:
    url = _url(parts, "key", script)
    most = None if script.many else 1  # None: the number is complete when no more keys come
    pause = KEY_PAUSE if script.many else 1
    keypad = Gather(input="dtmf", num_digits=most, timeout=pause, finish_on_key="", action=url)
    _say(parts, script.lines, keypad, script.slower)
    answer.append(keypad)
    recognised = parts.catalog.languages[script.lines[-1][0]].speech if script.lines else ""
    words = (
        dict(language=recognised, speech_timeout=SPEECH_PAUSE, profanity_filter=False)
        if script.speech and recognised
        else {}
    )
    answer.append(
        Gather(
            input="dtmf speech" if words else "dtmf",
            num_digits=most,
            timeout=max(pause, script.listens - pause),
            finish_on_key="",
            action_on_empty_result=True,
            action=url,
            **words,
        )
    )


def _wait(parts: Parts, script: Script, answer: VoiceResponse) -> None:
    """In the queue: the words, then a soft tone every five seconds; a key works at any time."""
    gather = Gather(
        input="dtmf",
        num_digits=1,
        timeout=1,
        finish_on_key="",
        action_on_empty_result=True,
        action=_url(parts, "key", script),
    )
    _say(parts, script.lines, gather, script.slower)
    for _ in range(max(1, script.listens // (TONE_EVERY + 1))):
        gather.play(f"{parts.public_url}/static/tone.wav")
        gather.pause(length=TONE_EVERY)
    answer.append(gather)


def _say(
    parts: Parts,
    lines: Iterable[Utterance],
    into: VoiceResponse | Gather,
    slower: bool = False,
) -> None:
    for language, words, files in lines:
        for file in files:
            into.play(f"{parts.public_url}{file}")
        if files:
            continue
        voice = parts.catalog.languages[language].voice
        if voice is not None:
            into.append(twiml.say(voice, words, slower))


def _url(parts: Parts, endpoint: str, script: Script, **more: int) -> str:
    """A URL for Twilio; its parameters are only ids and numbers of ours."""
    rest = "".join(f"&{name}={value}" for name, value in more.items())
    return f"{parts.public_url}/twilio/voice/{endpoint}?leg={script.leg}&step={script.step}{rest}"
