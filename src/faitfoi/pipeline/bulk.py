"""Many documents at once, for an examination: a ZIP of files and dossiers with an index, written as it is sent.

Each document has a transaction of its own, in which its reading is journalled before its bytes leave.
"""

import csv
import io
import zipfile
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from uuid import UUID

from faitfoi.einvoice.reading import Unreadable
from faitfoi.evidence.shelf import ObjectAltered, ObjectMissing
from faitfoi.evidence.witness_wire import WitnessSilent
from faitfoi.pipeline import artefacts
from faitfoi.pipeline.dossiers import NotProved, make_dossier
from faitfoi.pipeline.installation import sandbox
from faitfoi.pipeline.witnessing import JournalBehind
from faitfoi.records.models import Document
from faitfoi.records.stages import ArtefactRole

MOST = 1000
"""Documents of one download: an examination of more goes by months."""
FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n")
"""What makes a spreadsheet compute a cell instead of showing it."""
COLUMNS = ("numéro", "type", "date", "client", "devise", "total TTC", "SHA-256 du PDF", "fichiers", "remarque")


class Wanted(StrEnum):
    """What of each document is wanted."""

    PDF = "pdf"
    XML = "xml"
    DOSSIER = "dossier"


class TooMany(ValueError):
    """More documents than one download holds; the text is a French sentence."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Selection:
    """Documents issued from one day to another, and what of them."""

    first_day: date
    last_day: date
    wanted: frozenset[Wanted]


@dataclass(frozen=True, slots=True, kw_only=True)
class Taken:
    """What goes into the archive for one document."""

    row: tuple[str, ...]
    files: dict[str, bytes]


Opening = Callable[[UUID], AbstractContextManager[None]]
"""Opens the transaction in which one document is read; it journals the reading and closes when access has ended."""


def select(selection: Selection) -> list[UUID]:
    """Return the documents, oldest first. Runs inside `acting_for`, in an auditor's years. Raises TooMany."""
    found = Document.objects.filter(issue_date__range=(selection.first_day, selection.last_day))
    ids = list(found.order_by("issue_date", "number", "id").values_list("id", flat=True)[: MOST + 1])
    if len(ids) > MOST:
        raise TooMany(
            f"Il y a plus de {MOST} documents dans cette période : choisissez-en une plus courte, un mois par exemple."
        )
    return ids


def archive(
    organisation_id: UUID, ids: list[UUID], wanted: frozenset[Wanted], *, opening: Opening, folder: str
) -> Iterator[bytes]:
    """Yield a ZIP archive piece by piece; what cannot be read is said in its index, `index.csv`, at the end.

    Nothing is kept in memory but one document. When access ends meanwhile, the archive stops where it is, and says so.
    """
    pipe = _Pipe()
    rows: list[tuple[str, ...]] = []
    with zipfile.ZipFile(pipe, "w", zipfile.ZIP_DEFLATED) as target:
        for document_id in ids:
            try:
                with opening(document_id):
                    taken = _take(document_id, wanted)
            except PermissionError as ended:
                rows.append(("", "", "", "", "", "", "", "", f"Interrompu : {ended}"))
                break
            if taken is None:
                continue
            if Wanted.DOSSIER in wanted:
                taken = _with_dossier(organisation_id, document_id, taken)
            for name, content in taken.files.items():
                target.writestr(f"{folder}/{name}", content)
                yield pipe.taken()
            rows.append(taken.row)
        target.writestr(f"{folder}/index.csv", index(rows))
    yield pipe.taken()


def index(rows: list[tuple[str, ...]]) -> bytes:
    """Write the index as a spreadsheet reads it: UTF-8 with its mark, semicolons, no cell that would be computed."""
    text = io.StringIO()
    writer = csv.writer(text, delimiter=";", quoting=csv.QUOTE_ALL)
    writer.writerow(COLUMNS)
    writer.writerows([guarded(cell) for cell in row] for row in rows)
    return text.getvalue().encode("utf-8-sig")


def guarded(cell: str) -> str:
    """Return a cell that a spreadsheet shows as text whatever it begins with."""
    return f"'{cell}" if cell.lstrip(" ").startswith(FORMULA) or cell.startswith(FORMULA) else cell


def _take(document_id: UUID, wanted: frozenset[Wanted]) -> Taken | None:
    document = Document.objects.filter(id=document_id).first()
    if document is None:
        return None
    files: dict[str, bytes] = {}
    remark = ""
    stem = f"{document.issue_date:%Y-%m-%d}-{_plain(document.number)}-{document.id.hex[-6:]}"
    legal = document.artefacts.filter(role=ArtefactRole.LEGAL).first()
    if legal is not None and wanted & {Wanted.PDF, Wanted.XML}:
        try:
            pdf = artefacts.read(legal)
        except (ObjectMissing, ObjectAltered) as error:
            remark = str(error)
        else:
            if Wanted.PDF in wanted:
                files[f"{stem}.pdf"] = pdf
            if Wanted.XML in wanted and (xml := _xml(pdf)):
                files[f"{stem}.xml"] = xml
    row = (
        document.number,
        document.get_kind_display(),
        f"{document.issue_date:%d/%m/%Y}",
        document.buyer_name,
        document.currency,
        f"{document.total_with_vat:f}".replace(".", ","),
        legal.sha256 if legal is not None else "",
        " ".join(files),
        remark,
    )
    return Taken(row=row, files=files)


def _with_dossier(organisation_id: UUID, document_id: UUID, taken: Taken) -> Taken:
    """Add the dossier, made outside any transaction: the journal is witnessed for it, as far as it is committed."""
    try:
        name, content = make_dossier(organisation_id, document_id)
    except (JournalBehind, NotProved, WitnessSilent, ObjectMissing, ObjectAltered) as error:
        return Taken(row=(*taken.row[:-1], f"{taken.row[-1]} Sans dossier : {error}".strip()), files=taken.files)
    names = f"{taken.row[-2]} {name}.zip".strip()
    return Taken(row=(*taken.row[:-2], names, taken.row[-1]), files={**taken.files, f"{name}.zip": content})


def _xml(pdf: bytes) -> bytes:
    try:
        return sandbox().extract(pdf)
    except Unreadable:
        return b""


def _plain(number: str) -> str:
    return "".join(c if c.isascii() and (c.isalnum() or c in "-_") else "_" for c in number)[:40]


class _Pipe(io.RawIOBase):
    """What the archive is written into: it only goes forward, and is emptied as it is sent."""

    def __init__(self) -> None:
        super().__init__()
        self._waiting = bytearray()

    def writable(self) -> bool:
        """Take what is written."""
        return True

    def write(self, content: object) -> int:
        """Keep a piece until it is taken."""
        piece = bytes(content)  # type: ignore[call-overload]  # any buffer, as io.RawIOBase says
        self._waiting += piece
        return len(piece)

    def taken(self) -> bytes:
        """Return what was written since the last time."""
        piece = bytes(self._waiting)
        self._waiting.clear()
        return piece
