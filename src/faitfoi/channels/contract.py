"""What every channel promises to the pipeline, and the three ways a sending can fail to give a receipt.

Law 4: the wire is touched at most once per attempt. A lost answer is `OutcomeUnknown`; it leads to `find`,
never to a blind resend.
"""

from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from enum import StrEnum
from typing import Protocol, runtime_checkable


class NotSent(Exception):
    """Certainly not sent: the other side cannot have it. Retried, a bounded number of times.

    `precondition` marks what waiting alone will not mend (credentials, quota, a missing right): shown as such. `busy`
    marks an other side that asks to be called less often; `answered` one that has nothing to say of this one matter,
    which tells nothing against the connection.
    """

    def __init__(self, reason: str, *, precondition: bool = False, busy: bool = False, answered: bool = False) -> None:
        super().__init__(reason)
        self.reason = reason
        self.precondition = precondition
        self.busy = busy
        self.answered = answered


class Refused(Exception):
    """The other side has read this very document or address and does not take it: a person must fix something.

    `together` when it was said of all that travelled together, so of none of them for certain: each then goes alone.
    """

    def __init__(self, reason: str, *, code: str = "", together: bool = False) -> None:
        super().__init__(reason)
        self.reason = reason
        self.code = code
        self.together = together


class OutcomeUnknown(Exception):
    """The answer was lost or makes no sense: it may have arrived. Only `find`, or a person, can tell."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class Grade(StrEnum):
    """Strength of a piece of evidence about what became of a delivery, weakest first."""

    TAKEN = "taken"  # the other side has the bytes: SMTP 250, Chorus flow number
    ACCEPTED = "accepted"  # it passed the other side's checks: Chorus IN_INTEGRE
    DELIVERED = "delivered"  # it reached the recipient: DSN "delivered", Chorus MISE_A_DISPOSITION
    APPROVED = "approved"
    PAID = "paid"
    DELAYED = "delayed"  # news without progress
    RETURNED = "returned"  # came back: DSN "failed"
    REJECTED = "rejected"  # refused after deposit: Chorus IN_REJETE, REJETEE
    DUPLICATE = "duplicate"  # they say they have it already: never a verdict on the document (213 for DOUBLON)
    ACTION_NEEDED = "action_needed"  # Chorus A_RECYCLER, SUSPENDUE
    UNKNOWN_CODE = "unknown_code"  # a code that no list of ours has: kept, shown, alarmed


@dataclass(frozen=True, slots=True, kw_only=True)
class Attachment:
    """One file joined to a message; `content` is the very bytes of an artefact or of a stored annex."""

    filename: str
    media_type: str
    content: bytes = field(repr=False)


NOTHING = Attachment(filename="", media_type="", content=b"")
"""What a notice carries in the place of an artefact: no channel joins it to anything."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Parcel:
    """All that a channel needs to carry one artefact once. Plain values; no credential of ours beyond `settings`.

    `key` is the idempotency key `organisation:document:purpose:channel:sequence`, the same for all attempts;
    `message_ref` a short stable token of the delivery, safe in an address or a header ([a-z0-9]{26}).
    `settings` are the channel's settings of the organisation, decrypted, as the channel's module documents them.
    `references` hold what earlier attempts were told by the other side (`numeroFluxDepot`…).
    """

    key: str
    message_ref: str
    number: str
    issue_date: date
    document_kind: str  # "invoice" or "credit_note"
    seller_name: str
    seller_siret: str
    buyer_name: str
    address: str  # e-mail address, SIRET, electronic address: whatever the channel writes on the envelope
    artefact: Attachment
    settings: dict[str, str] = field(repr=False)  # credentials are among them
    annexes: tuple[Attachment, ...] = ()
    purpose: str = "legal"  # legal, notice, copy
    payable: str = ""  # amount due as text, for the message's wording
    return_path: str = ""  # VERP address that brings a bounce back to this very delivery
    envelope_id: str = ""  # ENVID that a report quotes (RFC 3461), for where no such address is to be had
    references: dict[str, str] = field(default_factory=dict)
    seller_siren: str = ""  # whose number it is, whichever establishment the document names
    customer: str = ""  # opaque: documents share a mail only when it is the same, and not empty
    language: str = "fr"
    texts: dict[str, tuple[str, str]] = field(default_factory=dict)  # the organisation's own words (object, body)
    place: str = ""  # of a notice: the key of the channel by which the invoice itself was deposited
    others: tuple["Parcel", ...] = ()  # that go in the same message or flow, each settled as this one
    processing_rule: str = ""  # which exchange it is for the law, as a plateforme agréée calls it: B2B, B2BInt…


@dataclass(frozen=True, slots=True, kw_only=True)
class RemoteEvent:
    """One thing the other side said. `code` is theirs verbatim (`IN_INTEGRE`, `5.1.1`); `raw` what they sent.

    `identity` is the same whenever the same thing is said again, so that repeats are recognised. `verdict` is what it
    teaches about the address itself, where it does: `hard`, `full`, `policy`, `complaint`, `delivered`.
    """

    identity: str
    code: str
    grade: Grade
    at: datetime
    reason: str = ""
    who: str = ""
    final: bool = False
    verdict: str = ""
    raw: bytes = field(default=b"", repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Receipt:
    """The other side has taken it. `references` are its own identifiers, `raw` its answer as received.

    `grade` is ACCEPTED where taking is all the other side will ever say by itself (a mail relay), else TAKEN.
    """

    references: dict[str, str]
    grade: Grade = Grade.TAKEN
    raw: bytes = field(default=b"", repr=False)
    detail: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """`find`: they have it; the receipt the lost answer would have given, as far as they tell."""

    receipt: Receipt


@dataclass(frozen=True, slots=True, kw_only=True)
class NotFound:
    """`find`: they do not have it. `conclusive` only where the contract makes absence a proof."""

    conclusive: bool
    detail: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class CannotTell:
    """`find`: nobody can be asked, or the question failed. `ask_again` says whether asking later makes sense."""

    ask_again: bool
    detail: str = ""


Answer = Found | NotFound | CannotTell


@dataclass(frozen=True, slots=True, kw_only=True)
class Act:
    """What we tell the other side about a document it already has: a new recipient, more files, a payment received.

    `key` is the idempotency key of the act, the same for all attempts; `kind` is the other side's own word (`recycler`,
    `completer`, `212`), and `values` are what the channel's module documents for that kind.
    """

    key: str
    kind: str
    at: datetime
    values: dict[str, str] = field(default_factory=dict)
    attachments: tuple[Attachment, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class News:
    """One event of a feed, and which document it is about, as far as the other side says.

    `about` holds their identifiers (`flowId`, `trackingId`…) and the invoice's own (`number`, `seller_siren`,
    `issue_date` as an ISO day): the first that fits one delivery of ours decides.
    """

    about: dict[str, str]
    event: RemoteEvent


@dataclass(frozen=True, slots=True, kw_only=True)
class NewsPage:
    """What a feed says after a cursor. `cursor` is where to go on once all of `news` is kept, not before."""

    news: tuple[News, ...]
    cursor: str
    more: bool


class Channel(Protocol):
    """One wire contract. An instance may keep a connection or a token between calls; it is used by one thread."""

    key: str
    """Name in the registry, written in the database: for ever."""
    deadline: timedelta
    """Longest time one `send` may take; the caller's lease is longer."""
    settles_in: timedelta
    """How long after the deadline the other side's index is worth asking."""
    asks: bool
    """Whether `find` can learn anything; where it cannot, only a person can tell what came of a lost answer."""
    polls: bool
    """Whether `poll` can learn anything."""

    def send(self, parcel: Parcel) -> Receipt:
        """Touch the wire once. Raises NotSent, Refused or OutcomeUnknown, nothing else about the other side."""
        ...

    def find(self, parcel: Parcel) -> Answer:
        """Ask whether an attempt whose answer was lost has arrived. Never sends."""
        ...

    def poll(self, parcel: Parcel) -> tuple[RemoteEvent, ...]:
        """All that the other side has to say by now, oldest first, repeats allowed. Raises NotSent when unreachable."""
        ...

    def close(self) -> None:
        """Give back connections."""
        ...


@runtime_checkable
class Acting(Protocol):
    """A channel that can also tell the other side something about a document it already has."""

    def act(self, parcel: Parcel, act: Act) -> Receipt:
        """Touch the wire once. Raises NotSent, Refused or OutcomeUnknown, as `send` does."""
        ...

    def acted(self, parcel: Parcel, act: Act) -> Answer:
        """Ask whether an act whose answer was lost has arrived. Never acts.

        It may still come late: absence is `conclusive` only for what may be done twice without harm.
        """
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Together:
    """How much one message or flow carries by the channel's settings: documents, and bytes of their files.

    `asked` is whether the settings want documents to travel together, where no customer's record says otherwise.
    """

    documents: int
    size: int
    asked: bool


@runtime_checkable
class Sharing(Protocol):
    """A channel whose one message or flow may carry several documents (`Parcel.others`), each settled by itself."""

    together: Together

    def goes_with(self, leader: Parcel, other: Parcel) -> bool:
        """Whether a parcel may share the leader's message or flow: never that of another organisation. Pure."""
        ...


@runtime_checkable
class Feeding(Protocol):
    """A channel whose other side tells its news in one sequence for the whole account, not document by document."""

    def collect(self, cursor: str) -> NewsPage:
        """The next page of news after `cursor` (empty: from the beginning), repeats allowed. Raises NotSent."""
        ...


@runtime_checkable
class Checking(Protocol):
    """A channel whose connection can be tried without sending anything."""

    def check(self, siret: str) -> date | None:
        """Try the connection for the organisation of that SIRET; the last day of what will expire, where it is told.

        Raises NotSent with what is wrong.
        """
        ...
