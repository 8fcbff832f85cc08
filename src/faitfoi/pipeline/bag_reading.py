"""Reads an exported archive back and re-verifies all of it, without any database of the place it came from."""

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from ssl import PEM_cert_to_DER_cert
from typing import Any

from faitfoi.evidence.bag import BagRefused, digests_of, verify_bag
from faitfoi.evidence.checkpoint import decoded
from faitfoi.evidence.leaves import leaf_hash
from faitfoi.evidence.note import NoteRefused, Verifier
from faitfoi.evidence.seal_check import SealState, check_seal
from faitfoi.evidence.store import digest_of
from faitfoi.evidence.tlog_proof import TlogProof
from faitfoi.records.images import NoImage, key_of, passing, read_details, table

_PART = re.compile(r"partie-[0-9]{4,}")
STORED = "records.storedobject"
Told = dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Bags:
    """An archive whose bytes have been verified: the files of all parts by their names, and who it is of."""

    organisation: str
    files: Mapping[str, Path]
    fingerprints: tuple[str, ...]
    """SHA-256 and SHA-512 of each part's tag manifest: what an attestation of restitution names."""
    rows: list[Told] = field(default_factory=list, repr=False)
    retentions: Mapping[str, frozenset[str]] = field(default_factory=dict, repr=False)
    """The retention classes of each object (by its SHA-256) where it came from, as the journal last said them."""
    entries: int = 0
    size: int = 0

    def object(self, sha256: str) -> bytes:
        """The bytes of an object. Raises BagRefused when it is not there."""
        path = self.files.get(f"data/objets/{sha256[:2]}/{sha256[2:]}")
        if path is None:
            raise BagRefused(f"data/objets/{sha256[:2]}/{sha256[2:]}", "il manque, et une ligne le nomme")
        return path.read_bytes()

    @property
    def objects(self) -> list[str]:
        """The SHA-256 of every object, in order."""
        return sorted("".join(name.split("/")[2:]) for name in self.files if name.startswith("data/objets/"))


def read_bags(source: Path) -> Bags:
    """Verify every file of every part, every entry's proof, and that the rows are what the journal says.

    Raises BagRefused, naming the file that lies.
    """
    parts = sorted(path for path in source.iterdir() if path.is_dir() and _PART.fullmatch(path.name))
    if not parts:
        raise BagRefused(str(source), "aucune partie d’une archive (« partie-0001 »…) n’y est")
    groups: set[str] = set()
    files: dict[str, Path] = {}
    for number, part in enumerate(parts, start=1):
        info = verify_bag(part)
        groups.add(info.get("Bag-Group-Identifier", ""))
        if info.get("Bag-Count") != f"{number} of {len(parts)}":
            raise BagRefused(f"{part.name}/bag-info.txt", f"une partie manque : {info.get('Bag-Count', '?')}")
        own = {path.relative_to(part).as_posix(): path for path in (part / "data").rglob("*") if path.is_file()}
        files |= own
    if len(groups) != 1:
        raise BagRefused(source.name, "les parties ne sont pas d’un même export")
    organisation = groups.pop().partition("@")[0]
    last, entries, size = _journal(files)
    rows = list(_rows(files, last))
    bags = Bags(
        organisation=organisation,
        files=files,
        fingerprints=tuple(digest for part in parts for digest in digests_of(part / "tagmanifest-sha512.txt")),
        rows=rows,
        retentions=_retentions(last),
        entries=entries,
        size=size,
    )
    _objects(bags)
    return bags


def _retentions(last: Mapping[tuple[str, object], Told]) -> dict[str, frozenset[str]]:
    found: dict[str, frozenset[str]] = {}
    for (name, _), stored in last.items():
        if name == STORED:
            found[stored["sha256"]] = found.get(stored["sha256"], frozenset()) | {stored["retention"]}
    return found


def _journal(files: Mapping[str, Path]) -> tuple[dict[tuple[str, object], Told], int, int]:
    """Verify each entry and its details; returns the last image of each row, the number of entries, the size."""
    try:
        log = Verifier.parse(files["data/cles/journal.vkey"].read_text().strip())
        witnesses = [Verifier.parse(line) for line in files["data/cles/temoins.vkey"].read_text().splitlines()]
        note = files["data/journal/checkpoint"].read_bytes()
    except (KeyError, NoteRefused, UnicodeDecodeError) as error:
        raise BagRefused("data/cles", f"les clés ou le point de contrôle ne se lisent pas ({error})") from error
    last: dict[tuple[str, object], Told] = {}
    count = size = 0
    for name in sorted(each for each in files if each.startswith("data/journal/") and each.endswith(".jsonl")):
        for line in _lines(files, name):
            try:
                path = tuple(decoded(each) for each in line["path"])
                proof = TlogProof(index=line["index"], path=path, checkpoint=note)
                size = proof.verify(leaf_hash(line["body"].encode()), log=log, witnesses=witnesses).size
                named, details = json.loads(line["body"]).get("details"), line["details"]
                if details is not None and digest_of(details.encode()).sha256 != named:
                    raise BagRefused(name, f"les détails de l’écriture {line['index']} ne sont pas ceux qu’elle nomme")
                for told in json.loads(details)["rows"] if details is not None else ():
                    if "gone" in told:
                        last.pop((told["table"], told["gone"]), None)
                    else:
                        last[told["table"], _key(told)] = told["row"]
            except (NoteRefused, KeyError, TypeError, ValueError, LookupError) as error:
                where = f"l’écriture {line.get('index')}"
                raise BagRefused(
                    name, f"{where} n’est pas au journal que le point de contrôle signe ({error})"
                ) from error
            count += 1
    return last, count, size


def _rows(files: Mapping[str, Path], last: Mapping[tuple[str, object], Told]) -> Iterator[Told]:
    """The rows, each as the journal last said it."""
    for name in sorted(each for each in files if each.startswith("data/lignes/")):
        for told in _lines(files, name):
            try:
                said = last.get((told["table"], _key(told)))
                model = read_details(json.dumps({"rows": [told], "salt": ""}))[0].model
                passes = {str(table(model).get_field(each).column) for each in passing(model)}  # type: ignore[union-attr]
            except (KeyError, TypeError, NoImage, LookupError) as error:
                raise BagRefused(name, f"une ligne ne se lit pas ({error})") from error
            differing = {column for column, value in told["row"].items() if said is None or said.get(column) != value}
            if said is None or differing - passes:
                raise BagRefused(name, f"une ligne ({_key(told)}) n’est pas celle que le journal porte")
            yield told


def _objects(bags: Bags) -> None:
    """Each object is what its name says; each sealed file carries a seal of the organisation that holds."""
    certificates = [
        _der(each["row"]["certificate"]) for each in bags.rows if each["table"] == "records.sealcertificate"
    ]
    for name, path in bags.files.items():
        if name.startswith("data/objets/") and digests_of(path)[0] != "".join(name.split("/")[2:]):
            raise BagRefused(name, "il n’est pas ce que dit son nom")
    gone = {each["row"]["id"] for each in bags.rows if _is_eliminated(each)}
    for each in bags.rows:
        if each["table"] != "records.artefact" or each["row"]["document_id"] in gone:
            continue
        row = each["row"]
        content = bags.object(row["sha256"])
        if (digest := digest_of(content)).sha512 != row["sha512"] or digest.size != row["size"]:
            raise BagRefused(f"data/objets/{row['sha256'][:2]}/{row['sha256'][2:]}", "sa seconde empreinte diffère")
        if row["sealed"] and check_seal(content, certificates) is not SealState.INTACT:
            raise BagRefused(f"data/objets/{row['sha256'][:2]}/{row['sha256'][2:]}", "son cachet ne tient pas")


def _is_eliminated(told: Told) -> bool:
    return bool(told["table"] == "records.document" and told["row"]["eliminated_at"])


def _der(pem: str) -> bytes:
    return PEM_cert_to_DER_cert(pem)


def _key(told: Told) -> object:
    image = read_details(json.dumps({"rows": [told], "salt": ""}))[0]
    return told["row"][str(key_of(image.model).column)]


def _lines(files: Mapping[str, Path], name: str) -> Iterator[Told]:
    with files[name].open(encoding="utf-8") as file:
        for line in file:
            try:
                told = json.loads(line)
            except ValueError as error:
                raise BagRefused(name, "une de ses lignes n’est pas du JSON") from error
            if not isinstance(told, dict):
                raise BagRefused(name, "une de ses lignes n’est pas un objet JSON")
            yield told
