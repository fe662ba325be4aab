"""Why an act of staff is refused: the sentences that the console and the API share, by the code of
`core.refusal.Refused`. Each of the two has a file of its own for the others."""

ALIKE = {
    "ended": "The case has ended.",
    "too_far": "That time has passed, or is more than twelve hours away.",
    "cannot_move": "That is not possible from where the case stands.",
    "not_yours": "You do not have it.",
    "write_first": "Write to them first: a pause follows words of your own.",
    "paused_before": "A conversation has one pause, and it was used.",
    "no_such_question": "There is no such question.",
    "no_such_choice": "That is not one of its answers.",
    "reason_needed": "That needs a reason.",
    "service_needed": "Say which service takes over, as the reason.",
    "not_ended": "The case has not ended.",
    "not_parked": "Nobody else uses that phone.",
    "callback_over": "That call was made, or is no longer wanted.",
}
