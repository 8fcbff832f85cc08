"""A watched folder: what comes to rest in it is sent as a batch, then put away with its answer beside it."""

from pathlib import Path
from uuid import UUID

from django.utils import timezone

from faitfoi.accounts.models import Organisation
from faitfoi.accounts.tenancy import acting_for
from faitfoi.intake import hot_folder
from faitfoi.intake.caps import TooMuch
from faitfoi.intake.hot_folder import Claimed, Memory, Outcome
from faitfoi.pipeline.receive import receive
from faitfoi.records.models import Batch, BatchLine
from faitfoi.records.stages import LineOutcome

ACTOR = "watched folder"


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
        self._take(hot_folder.recover(folder))

    @property
    def idle(self) -> bool:
        """Whether nothing is in hand and nothing is coming to rest."""
        return not self._in_hand and not self._memory.sightings

    def look(self) -> None:
        """Take what has come to rest, and answer for what has been judged."""
        ready = hot_folder.scan(self._folder, self._memory, now=timezone.now())
        claimed = [taken for file in ready if (taken := hot_folder.claim(file)) is not None]
        self._take(tuple(claimed))
        self._answer()

    def _take(self, claimed: tuple[Claimed, ...]) -> None:
        contents: list[tuple[str, bytes]] = []
        kept: list[Claimed] = []
        for file in claimed:
            try:
                contents.append((file.name, hot_folder.read_claimed(file)))
                kept.append(file)
            except TooMuch as error:
                hot_folder.settle(file, Outcome.REFUSED, str(error))
        if not kept:
            return
        name = f"Dossier {self._folder.name}, {timezone.localtime():%d/%m/%Y %H:%M}"
        batch = receive(self._organisation, contents, origin=Batch.Origin.FOLDER, name=name, actor=ACTOR)
        self._in_hand += [(batch.id, file) for file in kept]

    def _answer(self) -> None:
        """Put away the files whose line has been judged, each with its sentence."""
        still: list[tuple[UUID, Claimed]] = []
        for batch_id, file in self._in_hand:
            with acting_for(self._organisation.id):
                line = BatchLine.objects.filter(batch_id=batch_id, sha256=file.sha256).order_by("position").first()
                judged = line is not None and line.outcome != LineOutcome.WAITING
                reason = _sentence(line) if line is not None and judged else ""
                refused = line is not None and line.outcome == LineOutcome.REFUSED
            if judged:
                hot_folder.settle(file, Outcome.REFUSED if refused else Outcome.DONE, reason)
            else:
                still.append((batch_id, file))
        self._in_hand = still


def _sentence(line: BatchLine) -> str:
    if line.reason:
        return line.reason
    number = line.document.number if line.document else line.filename
    return f"{number} est scellée et archivée ; son envoi se suit dans les pages de Faitfoi."
