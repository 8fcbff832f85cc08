"""A watched folder: what comes to rest in it is sent as a batch, then put away with its answer beside it."""

import logging
from collections.abc import Iterator
from pathlib import Path
from uuid import UUID

from django.utils import timezone

from faitfoi.accounts.models import Organisation
from faitfoi.accounts.tenancy import acting_for
from faitfoi.intake import caps, hot_folder
from faitfoi.intake.caps import NoPlace, TooMuch
from faitfoi.intake.hot_folder import Claimed, Memory, Outcome
from faitfoi.pipeline.receive import receive
from faitfoi.records.models import Batch, BatchLine
from faitfoi.records.stages import LineOutcome

log = logging.getLogger(__name__)

ACTOR = "watched folder"
UNTOLD = ("document__invoice", "document__findings")
"""What a sentence does not need, and may weigh much."""


class Watch:
    """One folder of one organisation. A stop at any moment loses nothing: what is in hand is found again.

    Raises hot_folder.FolderUnusable when the folder cannot be used.
    """

    def __init__(self, organisation: Organisation, folder: Path) -> None:
        hot_folder.prepare(folder)
        self._organisation = organisation
        self._folder = folder
        self._memory = Memory()
        self._in_hand: list[tuple[UUID, Claimed]] = []
        self._put_off: list[Claimed] = []
        self._take(hot_folder.recover(folder))

    @property
    def idle(self) -> bool:
        """Whether nothing is in hand and nothing is coming to rest."""
        return not self._in_hand and not self._memory.sightings

    def look(self) -> None:
        """Take what has come to rest, and answer for what has been judged."""
        ready = hot_folder.scan(self._folder, self._memory, now=timezone.now())
        claimed = [taken for file in ready if (taken := hot_folder.claim(file)) is not None]
        put_off, self._put_off = self._put_off, []
        self._take((*put_off, *claimed))
        self._answer()

    def _take(self, claimed: tuple[Claimed, ...]) -> None:
        for portion in _portions(claimed):
            self._hand_over(portion)

    def _hand_over(self, claimed: list[Claimed]) -> None:
        taken: list[Claimed] = []
        name = f"Dossier {self._folder.name}, {timezone.localtime():%d/%m/%Y %H:%M}"
        try:
            contents = _contents(claimed, taken)
            batch = receive(self._organisation, contents, origin=Batch.Origin.FOLDER, name=name, actor=ACTOR)
        except NoPlace as error:
            log.warning("%s", error)
            self._put_off += [file for file in claimed if file.path.exists()]  # others were refused by themselves
            return
        except TooMuch:
            if taken:
                raise
            return  # each was refused by itself: there is no batch to open
        self._in_hand += [(batch.id, file) for file in taken]

    def _answer(self) -> None:
        """Put away the files whose line has been judged, each with its sentence."""
        judged: dict[tuple[UUID, str], BatchLine] = {}
        with acting_for(self._organisation.id):
            lines = BatchLine.objects.filter(batch_id__in={batch_id for batch_id, _ in self._in_hand})
            told = lines.exclude(outcome=LineOutcome.WAITING).filter(sha256__in=[f.sha256 for _, f in self._in_hand])
            for line in told.order_by("-position").select_related("document").defer("findings", *UNTOLD):
                judged[line.batch_id, line.sha256] = line
        still: list[tuple[UUID, Claimed]] = []
        for batch_id, file in self._in_hand:
            if answer := judged.get((batch_id, file.sha256)):
                outcome = Outcome.REFUSED if answer.outcome == LineOutcome.REFUSED else Outcome.DONE
                hot_folder.settle(file, outcome, _sentence(answer))
            else:
                still.append((batch_id, file))
        self._in_hand = still


def _portions(claimed: tuple[Claimed, ...]) -> Iterator[list[Claimed]]:
    """Divide what is in hand into as many batches as it takes: more than one accepts may lie there after a stop."""
    portion: list[Claimed] = []
    weight = 0
    for file in claimed:
        size = file.path.stat().st_size
        if portion and (len(portion) == caps.MAX_BATCH_FILES or weight + size > caps.MAX_BATCH_BYTES):
            yield portion
            portion, weight = [], 0
        portion.append(file)
        weight += size
    if portion:
        yield portion


def _contents(claimed: list[Claimed], taken: list[Claimed]) -> Iterator[tuple[str, bytes]]:
    """Read one file after the other, noting in `taken` those that could be: a batch may weigh more than the memory."""
    for file in claimed:
        try:
            content = hot_folder.read_claimed(file)
        except TooMuch as error:
            hot_folder.settle(file, Outcome.REFUSED, str(error))
        else:
            taken.append(file)
            yield file.name, content


def _sentence(line: BatchLine) -> str:
    if line.reason:
        return line.reason
    number = line.document.number if line.document else line.filename
    return f"{number} est scellée et archivée ; son envoi se suit dans les pages de Faitfoi."
