"""What every way to fail does to a sending, channel by channel: the outcome, our books, theirs, and the end.

A channel joins by an entry of its own, which says something of every `FaultKind`: how it strikes, or, in a French
sentence, why it has no meaning there. `test_channels` holds the channel alone to it, `tests/pipeline/test_fault_matrix`
both books.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace

from faitfoi.channels.contract import NotSent, OutcomeUnknown, Receipt, Refused
from faitfoi.records.stages import Stage
from faitfoi.simulators.control import FaultKind

Outcome = type[Receipt | NotSent | Refused | OutcomeUnknown]


@dataclass(frozen=True, slots=True, kw_only=True)
class Strike:
    """One fault as it is planned, and what comes of the sending that it strikes.

    `has`: how many copies the other side then has; `stage`: where our books then put the delivery; `then`: where, once
    the fault is over and what that stage asks for was done (try again, ask, mend). All end where `ends` says, when the
    other side has told all its news, and with one copy there. `address`: a recipient of which there is more to tell.
    """

    outcome: Outcome
    has: int
    stage: Stage
    then: Stage
    ends: Stage = Stage.DELIVERED
    precondition: bool = False
    times: int | None = 1
    seconds: float = 0.0
    on: str = ""
    address: str = ""


def _not_sent(*, then: Stage, **more: int | bool) -> Strike:
    """Certainly nothing there: tried again, and it leaves once."""
    strike = Strike(outcome=NotSent, has=0, stage=Stage.ROUTED, then=then)
    return replace(strike, **more)  # type: ignore[arg-type]


def _unknown(*, then: Stage, seconds: float = 0.0) -> Strike:
    """It is there and we cannot know: asked about where one can ask, and never sent again."""
    return Strike(outcome=OutcomeUnknown, has=1, stage=Stage.TO_FIND, then=then, seconds=seconds)


def _refused(*, then: Stage) -> Strike:
    """Nothing there, and a person mends it."""
    return Strike(outcome=Refused, has=0, stage=Stage.TO_FIX, then=then)


def _taken(*, then: Stage, times: int | None = 1, on: str = "") -> Strike:
    """It is there and we know it."""
    return Strike(outcome=Receipt, has=1, stage=then, then=then, times=times, on=on)


LATE = 300.0
"""Seconds: longer than the tests' channels wait for an answer."""


def _by_http(*, news: str) -> dict[FaultKind, tuple[Strike, ...]]:
    """What is so wherever one can ask, and has a token; `news` is the operation by which news is told."""
    return {
        FaultKind.DOWN: (_not_sent(then=Stage.SENT),),
        FaultKind.LOSE_ANSWER: (_unknown(then=Stage.SENT),),
        FaultKind.REFUSE: (_refused(then=Stage.SENT),),
        # "Already there" is a yes without a proof: find fetches it.
        FaultKind.DUPLICATE: (_unknown(then=Stage.SENT),),
        FaultKind.SLOW: (_unknown(then=Stage.SENT, seconds=LATE),),
        FaultKind.GARBAGE: (_unknown(then=Stage.SENT),),
        FaultKind.OUT_OF_ORDER: (_taken(then=Stage.SENT, times=None, on=news),),
        FaultKind.RATE_LIMITED: (_not_sent(then=Stage.SENT),),
        # Once: the token is renewed within the same attempt. Again at once: it is the account that is wrong.
        FaultKind.EXPIRED_TOKEN: (
            _taken(then=Stage.SENT),
            _not_sent(then=Stage.SENT, precondition=True, times=2),
        ),
    }


MATRIX: Mapping[str, Mapping[FaultKind, tuple[Strike, ...] | str]] = {
    "email": {
        FaultKind.DOWN: (_not_sent(then=Stage.ACCEPTED),),
        # Nobody can be asked: before a person, until a report of the relay's says what became of it.
        FaultKind.LOSE_ANSWER: (_unknown(then=Stage.UNKNOWN),),
        FaultKind.REFUSE: (_refused(then=Stage.ACCEPTED),),
        FaultKind.DUPLICATE: (_taken(then=Stage.ACCEPTED),),
        FaultKind.SLOW: (_unknown(then=Stage.UNKNOWN, seconds=LATE),),
        FaultKind.GARBAGE: (_unknown(then=Stage.UNKNOWN),),
        FaultKind.OUT_OF_ORDER: (
            replace(
                _taken(then=Stage.ACCEPTED, times=None), address="pleine@grands-champs.example", ends=Stage.RETURNED
            ),
        ),
        FaultKind.RATE_LIMITED: (_not_sent(then=Stage.ACCEPTED),),
        # A relay has no token: its account is closed meanwhile, and waiting alone will not open it.
        FaultKind.EXPIRED_TOKEN: (_not_sent(then=Stage.ACCEPTED, precondition=True),),
    },
    "chorus_pro": _by_http(news="consulter/historique"),
    "plateforme_agreee": _by_http(news="search"),
}


def strikes(key: str) -> list[tuple[FaultKind, Strike]]:
    """Return every strike of a channel, in the order of the kinds."""
    told = MATRIX[key]
    return [(kind, strike) for kind in FaultKind for strike in told[kind] if isinstance(strike, Strike)]


def unsaid() -> list[str]:
    """Name the kinds about which a channel's entry says nothing, neither strikes nor a sentence why there are none."""
    return [
        f"{key}: {kind}"
        for key, told in MATRIX.items()
        for kind in FaultKind
        if not (told.get(kind) and (isinstance(told[kind], tuple) or len(str(told[kind]).split()) > 3))
    ]
