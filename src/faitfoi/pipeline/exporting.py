"""Exports all of an organisation's archive as BagIt bags that need nobody: objects, entries with proofs, rows, keys.

What is exported is fixed first (`plan.json` and the small files, under `.plan`), at one instant of the database and
under one witnessed checkpoint; then the parts are written one after the other, each whole or not there. A run that was
stopped takes the same plan up again.
"""

import json
import os
import shutil
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import UUID

from django.db import connection, models, transaction

from faitfoi.accounts.models import Organisation
from faitfoi.accounts.tenancy import acting_for
from faitfoi.evidence.bag import close_bag, digests_of
from faitfoi.evidence.checkpoint import encoded
from faitfoi.evidence.leaves import canonical
from faitfoi.evidence.tiles import TiledTree
from faitfoi.pipeline import archive
from faitfoi.pipeline.attestation_facts import who_signed
from faitfoi.pipeline.witnessing import log_signer, witnessed
from faitfoi.records.images import details_of, projected, table
from faitfoi.records.journal import row
from faitfoi.records.models import (
    ChannelSettings,
    Checkpoint,
    JournalDetails,
    JournalEntry,
    JournalLeaf,
    ReturnToken,
    StoredObject,
    WebhookDoor,
)

Progress = Callable[[int, int], None]
PART_BYTES = 1_000_000_000
ROWS_OF_A_FILE = 2_000
MOST_ROUNDS = 20
NOT_EXPORTED: frozenset[type[models.Model]] = frozenset({ChannelSettings, ReturnToken, StoredObject, WebhookDoor})
"""Secrets of a channel, tokens of mails under way, doors of this installation, places on these shelves: they mean
something here only."""

READ_ME = """Archive d’une organisation, exportée de Faitfoi.

Chaque dossier « partie-… » est un paquet BagIt (RFC 8493). Pour vérifier ses octets : dans le dossier,
« sha256sum -c manifest-sha256.txt » et « sha512sum -c manifest-sha512.txt ».

data/objets/        chaque fichier gardé, nommé par son SHA-256 : factures scellées, originaux, accusés, attestations
data/lignes/        ce que les tables disaient, une ligne JSON chacune ; les fichiers y sont nommés par SHA-256
data/journal/       les écritures, chacune avec sa preuve (RFC 6962) sous le point de contrôle « checkpoint »
data/cles/          les clés publiques du journal et des témoins (C2SP vkey)
data/horodatage/    les jetons RFC 3161 du point de contrôle, s’il y en a

Pour l’ouvrir ailleurs : « faitfoi import DOSSIER » revérifie tout, puis restaure. Rien n’est jamais renvoyé.
"""


class CannotExport(Exception):
    """The archive cannot be exported there, or now; the message is a French sentence."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Exported:
    """What was written: the parts in order, how many objects and entries, and the checkpoint's size."""

    parts: tuple[Path, ...]
    objects: int
    entries: int
    size: int


def export(
    organisation_id: UUID, target: Path, *, part_bytes: int = PART_BYTES, progress: Progress | None = None
) -> Exported:
    """Write the archive under `target`, or what is missing of it there; outside any transaction.

    Raises CannotExport, WitnessSilent, JournalBehind, ObjectMissing or ObjectAltered (nothing false is handed out).
    """
    plan = _plan(organisation_id, target, part_bytes=part_bytes)
    total, done = sum(int(each["size"]) for each in plan["files"]), 0
    parts: list[Path] = []
    for number in range(1, int(plan["parts"]) + 1):
        part = target / f"partie-{number:04d}"
        files = [each for each in plan["files"] if each["part"] == number]
        if not part.exists():
            _write_part(organisation_id, target, part, files, plan=plan, number=number)
        done += sum(int(each["size"]) for each in files)
        if progress is not None:
            progress(done, total)
        parts.append(part)
    return Exported(
        parts=tuple(parts), objects=int(plan["objects"]), entries=int(plan["entries"]), size=int(plan["size"])
    )


def _plan(organisation_id: UUID, target: Path, *, part_bytes: int) -> dict[str, Any]:
    known = target / ".plan" / "plan.json"
    if known.exists():
        plan: dict[str, Any] = json.loads(known.read_text())
        if plan["organisation"] != str(organisation_id):
            raise CannotExport(f"{target} contient l’export d’une autre organisation : choisissez un autre dossier.")
        return plan
    if target.exists() and any(each.name != ".plan.draft" for each in target.iterdir()):
        raise CannotExport(f"{target} n’est pas vide, et n’est pas un export commencé : choisissez un autre dossier.")
    draft = target / ".plan.draft"
    shutil.rmtree(draft, ignore_errors=True)
    draft.mkdir(parents=True)
    plan = _fixed(organisation_id, draft)
    _divide(plan, part_bytes=part_bytes)
    (draft / "plan.json").write_text(json.dumps(plan))
    draft.rename(target / ".plan")
    return plan


def _fixed(organisation_id: UUID, draft: Path) -> dict[str, Any]:
    """Write the small files of one instant, and list them with the objects of that instant."""
    for _ in range(MOST_ROUNDS):
        size = witnessed()
        with transaction.atomic():
            with connection.cursor() as cursor:
                cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
            with acting_for(organisation_id):
                ids = list(JournalEntry.objects.values_list("id", flat=True))
                indices = dict(JournalLeaf.objects.filter(entry_id__in=ids).values_list("entry_id", "index"))
                if any(index is None or index >= size for index in indices.values()):
                    continue  # something was written since the witness looked
                rows = _write_rows(organisation_id, draft)
                entries = _write_entries(draft, {entry: index or 0 for entry, index in indices.items()}, size=size)
                _write_keys(draft, size=size)
                objects = dict(StoredObject.objects.order_by("sha256").values_list("sha256", "size").distinct())
        files: list[dict[str, Any]] = [
            {"path": path.relative_to(draft).as_posix(), "size": path.stat().st_size, "object": ""}
            for path in sorted(draft.rglob("*"))
            if path.is_file()
        ]
        files += [
            {"path": f"data/objets/{sha256[:2]}/{sha256[2:]}", "size": weight, "object": sha256}
            for sha256, weight in objects.items()
        ]
        told = {"v": 1, "organisation": str(organisation_id), "size": size, "rows": rows}
        return {**told, "entries": entries, "objects": len(objects), "files": files}
    raise CannotExport("L’organisation travaille sans cesse : recommencez à une heure plus calme.")


def _write_rows(organisation_id: UUID, draft: Path) -> int:
    count = 0
    for model in exported():
        rows = _rows_of(model, organisation_id)
        for number, some in enumerate(_shares(rows), start=1):
            told = json.loads(details_of(some))["rows"]
            _put(draft / "data" / "lignes" / f"{table(model).label_lower}-{number:05d}.jsonl", map(canonical, told))
            count += len(told)
    return count


def exported() -> list[type[models.Model]]:
    """The tables whose rows travel: the organisation's own record, then what `records` knows, referents first."""
    ours = [model for model in projected() if table(model).app_label == "records" and model not in NOT_EXPORTED]
    return [Organisation, *ours]


def _rows_of(model: type[models.Model], organisation_id: UUID) -> Iterator[models.Model]:
    rows = model._default_manager.order_by("pk")  # noqa: SLF001  # Django's documented model API
    if model is Organisation:
        return rows.filter(pk=organisation_id).iterator()
    return rows.filter(organisation_id=organisation_id).iterator()


def _shares(rows: Iterator[models.Model]) -> Iterator[list[models.Model]]:
    share: list[models.Model] = []
    for each in rows:
        share.append(each)
        if len(share) == ROWS_OF_A_FILE:
            yield share
            share = []
    if share:
        yield share


def _write_entries(draft: Path, indices: dict[UUID, int], *, size: int) -> int:
    tree = TiledTree(size, row)
    ordered = sorted(indices, key=lambda each: indices[each])
    for start in range(0, len(ordered), ROWS_OF_A_FILE):
        some = ordered[start : start + ROWS_OF_A_FILE]
        bodies = dict(JournalEntry.objects.filter(id__in=some).values_list("id", "body"))
        details = dict(JournalDetails.objects.filter(entry_id__in=some).values_list("entry_id", "body"))
        lines = (
            canonical(
                {
                    "index": indices[entry],
                    "body": bodies[entry],
                    "details": details.get(entry),
                    "path": [encoded(each) for each in tree.inclusion(indices[entry])],
                }
            )
            for entry in some
        )
        _put(draft / "data" / "journal" / f"{indices[some[0]]:012d}.jsonl", lines)
    return len(ordered)


def _write_keys(draft: Path, *, size: int) -> None:
    checkpoint = Checkpoint.objects.get(size=size)
    note = checkpoint.note.encode()
    _put(draft / "data" / "cles" / "journal.vkey", [log_signer().verifier.vkey.encode()])
    _put(draft / "data" / "cles" / "temoins.vkey", [each.vkey.encode() for each in who_signed(note)])
    (draft / "data" / "journal" / "checkpoint").write_bytes(note)
    for number, stamp in enumerate(checkpoint.stamps.order_by("id"), start=1):
        folder = draft / "data" / "horodatage"
        folder.mkdir(parents=True, exist_ok=True)
        (folder / f"{number:02d}.tst").write_bytes(bytes(stamp.token))


def _divide(plan: dict[str, Any], *, part_bytes: int) -> None:
    part, weight = 1, 0
    for each in plan["files"]:
        if weight and weight + int(each["size"]) > part_bytes:
            part, weight = part + 1, 0
        each["part"] = part
        weight += int(each["size"])
    plan["parts"] = part


def _write_part(
    organisation_id: UUID,
    target: Path,
    part: Path,
    files: Sequence[dict[str, Any]],
    *,
    plan: dict[str, Any],
    number: int,
) -> None:
    """Write one part beside its place, then put it there: it is whole or it is not."""
    draft = part.with_name(f".{part.name}.draft")
    shutil.rmtree(draft, ignore_errors=True)
    for each in files:
        path = draft / each["path"]
        path.parent.mkdir(parents=True, exist_ok=True)
        if each["object"]:
            path.write_bytes(archive.fetch(organisation_id, each["object"]))
        else:
            shutil.copyfile(target / ".plan" / each["path"], path)
    info = {
        "Source-Organization": "Faitfoi",
        "External-Identifier": str(organisation_id),
        "Bag-Group-Identifier": f"{organisation_id}@{plan['size']}",
        "Bag-Count": f"{number} of {plan['parts']}",
    }
    close_bag(draft, info, tags={"LISEZMOI.txt": READ_ME.encode()})
    _flush(draft)
    draft.rename(part)
    _flush_folder(target)


def digests_of_parts(parts: Sequence[Path]) -> list[str]:
    """The SHA-256 and SHA-512 of what lists each part whole: its tag manifest."""
    return [digest for part in parts for digest in digests_of(part / "tagmanifest-sha512.txt")]


def _put(path: Path, lines: "Iterator[bytes] | Sequence[bytes] | map[bytes]") -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("wb") as file:
        for line in lines:
            file.write(line + b"\n")


def _flush(folder: Path) -> None:
    for path in [*(each for each in folder.rglob("*") if each.is_file())]:
        descriptor = os.open(path, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


def _flush_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
