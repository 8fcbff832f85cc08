"""A channel of the tests' own: its other side is a book in this process, which can be told how to answer next."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from typing import ClassVar

from django.utils import timezone

from faitfoi.accounts.models import ChannelKey
from faitfoi.accounts.tenancy import acting_for
from faitfoi.channels.contract import (
    Act,
    Answer,
    CannotTell,
    Found,
    Grade,
    NotFound,
    NotSent,
    OutcomeUnknown,
    Parcel,
    Receipt,
    Refused,
    RemoteEvent,
)
from faitfoi.channels.registry import CHANNELS
from faitfoi.records.models import Customer
from faitfoi.records.vault import save_channel_settings
from tests.pipeline.cast import ACTOR, Scene

KEY = ChannelKey.PORTAL


@dataclass(slots=True)
class Book:
    """What the other side has: parcels and acts in the order in which they came, and what it will do next.

    A plan is one of: `take`, `lose` (taken, and the answer lost), `drop` (lost before it came), `not_sent`,
    `precondition`, `refuse`.
    """

    parcels: list[Parcel] = field(default_factory=list)
    acts: list[Act] = field(default_factory=list)
    plans: list[str] = field(default_factory=list)
    news: dict[str, list[RemoteEvent]] = field(default_factory=dict)
    mute: bool = False
    """Nobody can be asked."""

    def receive(self, thing: Parcel | Act, shelf: "list[Parcel] | list[Act]") -> Receipt:
        """Answer as planned, and once: the same key again is the same thing."""
        plan = self.plans.pop(0) if self.plans else "take"
        match plan:
            case "not_sent":
                raise NotSent("Le portail ne répond pas.")
            case "precondition":
                raise NotSent("Le quota du jour est atteint.", precondition=True)
            case "refuse":
                raise Refused("Le portail ne veut pas de ce document.", code="NON")
            case "drop":
                raise OutcomeUnknown("La liaison s’est coupée.")
        shelf.append(thing)  # type: ignore[arg-type]
        if plan == "lose":
            raise OutcomeUnknown("La réponse s’est perdue.")
        return self.receipt(thing.key)

    def receipt(self, key: str) -> Receipt:
        """What the book answers for what it has."""
        return Receipt(references={"portail": key[-20:]}, grade=Grade.TAKEN, raw=f"pris : {key}".encode())

    def told(self, key: str, code: str, grade: Grade, *, reason: str = "") -> None:
        """Say something about what was sent under a key, at the next poll."""
        said = self.news.setdefault(key, [])
        identity = f"{code}:{len(said)}"
        said.append(RemoteEvent(identity=identity, code=code, grade=grade, at=timezone.now(), reason=reason))


class Ledger:
    """The channel to a book."""

    key = KEY.value
    deadline = timedelta(seconds=5)
    settles_in = timedelta(0)
    asks = polls = True
    books: ClassVar[dict[str, Book]] = {}

    def __init__(self, settings: dict[str, str]) -> None:
        self._book = self.books[settings["book"]]

    def send(self, parcel: Parcel) -> Receipt:
        return self._book.receive(parcel, self._book.parcels)

    def act(self, parcel: Parcel, act: Act) -> Receipt:
        assert any(held.key == parcel.key for held in self._book.parcels)
        return self._book.receive(act, self._book.acts)

    def find(self, parcel: Parcel) -> Answer:
        return self._tell(parcel.key, [held.key for held in self._book.parcels])

    def acted(self, parcel: Parcel, act: Act) -> Answer:  # the contract's
        return self._tell(act.key, [held.key for held in self._book.acts])

    def _tell(self, key: str, held: list[str]) -> Answer:
        if self._book.mute:
            return CannotTell(ask_again=False, detail="Personne ne peut le dire.")
        return Found(receipt=self._book.receipt(key)) if key in held else NotFound(conclusive=True)

    def poll(self, parcel: Parcel) -> tuple[RemoteEvent, ...]:
        return tuple(self._book.news.get(parcel.key, ()))

    def close(self) -> None:
        pass


@contextmanager
def ledger_of(scene: Scene) -> Iterator[Book]:
    """Give an organisation the channel, as its customers' usual one, for the time of a test."""
    slug = scene.organisation.slug
    book = Ledger.books[slug] = Book()
    known = dict(CHANNELS)
    CHANNELS[KEY.value] = Ledger  # type: ignore[index]  # a Mapping for everybody but these tests
    try:
        with acting_for(scene.organisation.id):
            save_channel_settings(KEY, {"book": slug}, actor=ACTOR)
            Customer.objects.update(channel=KEY)
        yield book
    finally:
        CHANNELS.clear()  # type: ignore[attr-defined]
        CHANNELS.update(known)  # type: ignore[attr-defined]
        del Ledger.books[slug]
