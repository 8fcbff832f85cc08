"""What a restore would bring back: where the database leaves the journal that was witnessed, and what the mirror has.

Nothing here writes: it reads the tables, the mirror's segments and the files that the witnesses signed.
"""

import contextlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from uuid import UUID

from django.utils import timezone

from faitfoi.evidence.checkpoint import Checkpoint as Statement
from faitfoi.evidence.checkpoint import open_checkpoint
from faitfoi.evidence.merkle import Frontier
from faitfoi.evidence.note import NoteRefused, write_note
from faitfoi.evidence.witness import SIZE_TYPE, request
from faitfoi.evidence.witness_wire import WitnessSilent
from faitfoi.pipeline.marking import last_marks
from faitfoi.pipeline.mirroring import Segment
from faitfoi.pipeline.restore_files import CannotRestore
from faitfoi.pipeline.restore_mirror import Chain, Line, chains
from faitfoi.pipeline.rollback import JournalBehind, head, root_of
from faitfoi.pipeline.witnesses import held, log_signer, panel
from faitfoi.records.models import Checkpoint, JournalLeaf


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """How to bring the journal back.

    The first `fork` entries of the database are those that were witnessed; `tail` follows them, as the mirror has it.
    `seen` is the size that outside memories know, and `root_seen` the root that our tail gives there (None when the
    mirror does not reach it); `size` and `root` are the journal after the restore, `frontier` its right edge,
    `segments` the files of the mirror that it comes from.
    """

    fork: int
    had: int
    tail: tuple[Line, ...]
    seen: int
    root_seen: bytes | None
    size: int
    root: bytes
    frontier: bytes
    segments: tuple[Segment, ...]

    @property
    def lost(self) -> range:
        """The indices that a witness saw and the mirror has not: empty when nothing is missing for ever."""
        return range(self.size, max(self.size, self.seen))

    @property
    def entries(self) -> frozenset[UUID]:
        """The ids of the tail's entries."""
        return frozenset(line.entry_id for line in self.tail)


def make_plan() -> Plan:
    """Compare the tables with the mirror and with what the witnesses know. Raises CannotRestore.

    Of several ways through the mirror, the one that the witnesses vouch for; else the one that goes furthest.
    """
    sound, witnessed = _sound(), _remembered()
    shelved = last_marks(log_signer().name)
    marked = shelved.size if shelved else 0
    seen = max(witnessed, marked)
    base = Frontier()
    for leaf in _leaves(0, sound):
        base.append(leaf)
    ways = list(chains(sound))
    plans = [_plan(chain, sound=sound, base=base.dump(), seen=seen) for chain in ways]
    possible = [plan for plan in plans if plan is not None]
    for plan in possible:
        if vouched(plan):
            return plan
    if marked > witnessed and (true := _without_marks(ways, sound=sound, base=base.dump(), seen=witnessed)):
        return true
    if not possible:
        raise CannotRestore(
            f"Le miroir du journal ne mène pas à ce que le témoin a signé ({seen} écritures) : il a été changé. "
            "Remettez son autre copie (le dossier « journal » du second rayonnage), puis recommencez."
        )
    return max(possible, key=lambda plan: plan.size)


def _without_marks(ways: Sequence[Chain], *, sound: int, base: bytes, seen: int) -> Plan | None:
    """The way that the witnesses vouch for, when another one that they contradict explains the marks on the shelves.

    A journal that had gone back may have marked its numbers at a greater size before a witness stopped it.
    """
    plans = [_plan(chain, sound=sound, base=base, seen=seen) for chain in ways]
    true = next((plan for plan in plans if plan is not None and vouched(plan)), None)
    if true is None:
        return None
    pairs = zip(ways, plans, strict=True)
    reached = max((sound + len(chain.lines) for chain, plan in pairs if _other(plan, true)), default=0)
    marks = last_marks(log_signer().name)
    return true if marks is not None and marks.size <= max(reached, true.size) else None


def _other(plan: Plan | None, true: Plan) -> bool:
    return plan is None or (plan.root_seen is not None and plan.root_seen != true.root_seen)


def vouched(plan: Plan) -> bool:
    """Whether outside memories know the journal that this plan leads to.

    Each witness is asked about the very size and root; one that is silent, or has forgotten, is replaced by the note
    that we hold. One that remembers another journal contradicts everybody.
    """
    if plan.root_seen is None:
        return False
    statement = Statement(origin=log_signer().name, size=plan.seen, root=plan.root_seen)
    at = timezone.now()
    note = write_note(statement.text, [log_signer().line(statement.text, at=at)])
    body = request(old=plan.seen, proof=[], checkpoint=note)
    known = held().furthest(log_signer().verifier)
    by_somebody = known is not None and (known.size, known.root) == (statement.size, statement.root)
    for member in panel().members:
        with contextlib.suppress(WitnessSilent):
            answer = member.door.ask(body, at=at)
            by_somebody |= answer.status == 200
            if answer.status == 422 or (answer.status == 409 and answer.content_type != SIZE_TYPE):
                return False
    return by_somebody


def _plan(chain: Chain, *, sound: int, base: bytes, seen: int) -> Plan | None:
    """The plan that follows these lines of the mirror; None when they contradict a note that we hold."""
    lines = chain.lines
    known = held().furthest(log_signer().verifier)
    fork = sound + _agreed(sound, lines)
    frontier = Frontier.load(base)
    root_seen = frontier.root() if seen == sound else None
    for size, line in enumerate(lines, start=sound + 1):
        frontier.append(line.leaf)
        if size == seen:
            root_seen = frontier.root()
        if known is not None and size == known.size and frontier.root() != known.root:
            return None
    return Plan(
        fork=fork,
        had=head().size,
        tail=tuple(line for line in lines if line.index >= fork),
        seen=seen,
        root_seen=root_seen,
        size=frontier.size,
        root=frontier.root(),
        frontier=frontier.dump(),
        segments=tuple(each for each in chain.segments if each.last >= fork),
    )


def _sound() -> int:
    """The longest part of the database's journal that leads to a root which was signed and cosigned."""
    size = head().size
    for checkpoint in Checkpoint.objects.filter(size__lte=size).order_by("-size").iterator():
        try:
            statement, _ = open_checkpoint(checkpoint.note.encode(), log_signer().verifier)
            if root_of(statement.size) == statement.root:
                return statement.size
        except (NoteRefused, JournalBehind):
            continue
    return 0


def _agreed(start: int, lines: Sequence[Line]) -> int:
    """How many of the lines the database has, in the same places."""
    ours = list(_leaves(start, start + len(lines)))
    for number, (leaf, line) in enumerate(zip(ours, lines, strict=False)):
        if leaf != line.leaf:
            return number
    return min(len(ours), len(lines))


def _leaves(start: int, end: int) -> Iterator[bytes]:
    found = JournalLeaf.objects.filter(index__gte=start, index__lt=end).order_by("index")
    for leaf in found.values_list("leaf", flat=True).iterator():
        yield bytes(leaf)


def _remembered() -> int:
    """The longest journal that a witness, or a note that we hold, knows of."""
    known = held().furthest(log_signer().verifier)
    sizes = [known.size if known else 0]
    statement = head()
    had = statement.size
    at = timezone.now()
    note = write_note(statement.text, [log_signer().line(statement.text, at=at)])
    for member in panel().members:
        try:
            answer = member.door.ask(request(old=had, proof=[], checkpoint=note), at=at)
        except WitnessSilent:
            continue
        if answer.status == 409 and answer.content_type == SIZE_TYPE and answer.body.strip().isdigit():
            sizes.append(int(answer.body))
        elif answer.status in {200, 409}:
            sizes.append(had)
    return max(sizes)
