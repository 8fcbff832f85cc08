"""An archive goes elsewhere whole: exported, verified by others, imported again, equal; or nothing of it is taken."""

import io
import json
import shutil
import zipfile
from pathlib import Path

import bagit
import pytest
from django.conf import settings
from django.db import connection

from faitfoi.accounts.models import Organisation
from faitfoi.accounts.tenancy import acting_for
from faitfoi.evidence.bag import BagRefused, close_bag
from faitfoi.evidence.dossier_check import unzipped, verify_dossier
from faitfoi.pipeline import archive, exporting
from faitfoi.pipeline.dossiers import make_dossier
from faitfoi.pipeline.examination import examine_installation
from faitfoi.pipeline.exporting import CannotExport, export
from faitfoi.pipeline.importing import CannotImport, import_archive
from faitfoi.pipeline.witnessing import forget_keys
from faitfoi.records.images import details_of
from faitfoi.records.journal import write_entry
from faitfoi.records.models import Artefact, BurntNumber, Customer, Delivery, Document, Event, JournalEntry
from faitfoi.records.stages import Stage
from tests.pipeline.cast import ACTOR, TOWN, Scene, file
from tests.pipeline.test_dossier import verify
from tests.pipeline.typist import Typist

pytestmark = pytest.mark.django_db(transaction=True)

SAME = (Document, BurntNumber, Artefact, Event, Customer)


@pytest.fixture
def work(scene: Scene) -> Scene:
    """Three invoices sent, one still to be sent, and the rows that tests write by hand told to the journal."""
    scene.send(file("F-1"), file("F-2", TOWN), file("F-3", issue_date="2025-11-04"))
    scene.prepare(scene.hand_over(file("F-4")))
    with acting_for(scene.organisation.id):
        write_entry("written_by_hand", actor=ACTOR, rows=[scene.organisation, *Customer.objects.all()])
    return scene


def images(organisation_id: object) -> dict[str, list[object]]:
    with acting_for(organisation_id):  # type: ignore[arg-type]
        return {model.__name__: json.loads(details_of(model.objects.order_by("pk")))["rows"] for model in SAME}


def elsewhere() -> None:
    """Another installation: an empty database, an empty store, another journal."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT tablename FROM pg_tables WHERE schemaname = 'public' AND tablename ~ '^(records|accounts)_'"
        )
        tables = ", ".join(name for (name,) in cursor.fetchall())
        cursor.execute(f"TRUNCATE {tables} CASCADE")
    for folder in ("store", "keys/journal", "witness"):
        shutil.rmtree(Path(settings.FAITFOI_HOME) / folder, ignore_errors=True)
    forget_keys()


@pytest.fixture
def exported(work: Scene, tmp_path: Path) -> Path:
    export(work.organisation.id, tmp_path / "out", part_bytes=120_000)
    return tmp_path / "out"


def test_others_find_the_bags_valid_and_each_part_is_bounded(exported: Path) -> None:
    parts = sorted(exported.glob("partie-*"))
    assert len(parts) > 1
    for part in parts:
        assert bagit.Bag(str(part)).is_valid()
        assert bagit.Bag(str(part)).info["Bag-Count"] == f"{int(part.name[-4:])} of {len(parts)}"


@pytest.mark.beside_the_journal
def test_a_round_trip_gives_everything_back_and_sends_nothing(work: Scene, exported: Path) -> None:
    before = images(work.organisation.id)
    legal = {n: work.artefact(n, "legal").sha256 for n in ("F-1", "F-2", "F-3", "F-4")}
    stages = {n: work.stage(n) for n in legal}
    sent = (len(work.mails()), len(work.deposits()))
    elsewhere()
    done = import_archive(exported, actor="operator")
    assert (done.documents, done.organisation.slug) == (4, work.organisation.slug)
    assert images(work.organisation.id) == before
    for number, sha256 in legal.items():
        assert archive.fetch(work.organisation.id, sha256)
        assert work.stage(number) == (Stage.UNKNOWN if number == "F-4" else stages[number])
    assert stages["F-4"] is Stage.ROUTED
    assert examine_installation().problems == ()
    work.deliver()
    work.ask()
    assert (len(work.mails()), len(work.deposits())) == sent
    with acting_for(work.organisation.id):
        assert not Delivery.objects.filter(stage=Stage.ROUTED).exists()
    with pytest.raises(CannotImport, match="est déjà dans cette installation"):
        import_archive(exported, actor="operator")


@pytest.mark.beside_the_journal
@pytest.mark.parametrize("what", ["objet", "ligne", "journal", "missing", "stranger", "manifest"])
def test_what_was_changed_is_named_and_nothing_is_imported(work: Scene, exported: Path, what: str) -> None:
    elsewhere()
    part = next(each for each in sorted(exported.glob("partie-*")) if list(each.rglob("data/objets/*/*")))
    named = "data/objets"
    if what == "objet":
        victim = next(part.rglob("data/objets/*/*"))
        victim.write_bytes(victim.read_bytes()[:-1] + b"x")
    elif what == "missing":
        next(part.rglob("data/objets/*/*")).unlink()
    elif what == "stranger":
        (part / "data/objets/zz").write_text("?")
    elif what == "manifest":
        named, manifest = "partie-", part / "manifest-sha256.txt"
        manifest.write_text(manifest.read_text().replace("data", "Data", 1))
    else:
        # Somebody who also makes the lists agree again is refused all the same.
        folder = {"ligne": "lignes", "journal": "journal"}[what]
        victim = next(
            each for each in sorted(exported.glob(f"partie-*/data/{folder}/*.jsonl")) if b"F-1" in each.read_bytes()
        )
        victim.write_bytes(victim.read_bytes().replace(b"F-1", b"F-9", 1))
        relist(victim)
        named = f"data/{folder}"
    with pytest.raises(BagRefused) as refused:
        import_archive(exported, actor="operator")
    assert named in refused.value.file
    with acting_for(work.organisation.id):
        assert not Document.objects.exists()
    assert not Organisation.objects.exists()


def relist(changed: Path) -> None:
    part = next(each for each in changed.parents if each.name.startswith("partie-"))
    info = dict(line.split(": ", 1) for line in (part / "bag-info.txt").read_text().splitlines())
    tags = {"LISEZMOI.txt": (part / "LISEZMOI.txt").read_bytes()}
    for each in (*part.glob("*manifest-*"), part / "bag-info.txt", part / "bagit.txt", part / "LISEZMOI.txt"):
        each.unlink()
    close_bag(part, info, tags=tags)


@pytest.mark.beside_the_journal
def test_an_archive_that_moves_twice_keeps_both_proofs(work: Scene, exported: Path, tmp_path: Path) -> None:
    elsewhere()
    import_archive(exported, actor="operator")
    export(work.organisation.id, tmp_path / "again")
    elsewhere()
    import_archive(tmp_path / "again", actor="operator")

    outer = unzipped(make_dossier(work.organisation.id, work.document("F-2").id)[1])
    middle = unzipped(outer["data/origine.zip"])
    first = unzipped(middle["data/origine.zip"])
    kinds = [json.loads(each["data/entry.json"])["type"] for each in (outer, middle, first)]
    assert kinds == ["document_imported", "document_imported", "document_sealed"]
    assert len({each["data/cles/journal.pem"] for each in (outer, middle, first)}) == 3
    assert first["data/checkpoint"] == next(exported.glob("*/data/journal/checkpoint")).read_bytes()
    found = verify_dossier(outer)
    assert found.lies == ()
    assert "data/origine.zip:data/origine.zip:data/cles/journal.pem" in found.fingerprints
    assert examine_installation().problems == ()


def test_an_export_that_was_stopped_is_taken_up_again(
    work: Scene, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    target, whole = tmp_path / "out", close_bag
    written: list[Path] = []

    def killed(folder: Path, *args: object, **more: object) -> None:
        written.append(folder)
        if len(written) == 2:
            raise KeyboardInterrupt
        whole(folder, *args, **more)  # type: ignore[arg-type]

    monkeypatch.setattr(exporting, "close_bag", killed)
    with pytest.raises(KeyboardInterrupt):
        export(work.organisation.id, target, part_bytes=120_000)
    monkeypatch.setattr(exporting, "close_bag", whole)
    first = (target / "partie-0001").stat().st_mtime_ns
    work.send(file("F-5"))  # what comes meanwhile is for another export
    done = export(work.organisation.id, target, part_bytes=120_000)
    assert (target / "partie-0001").stat().st_mtime_ns == first
    assert all(bagit.Bag(str(part)).is_valid() for part in done.parts)
    assert "F-5" not in "".join(each.read_text() for each in target.glob("partie-*/data/lignes/*.jsonl"))


def test_an_export_never_mixes_with_what_is_there(work: Scene, rival: Organisation, tmp_path: Path) -> None:
    (tmp_path / "mine.txt").write_text("à moi")
    with pytest.raises(CannotExport, match="n’est pas vide"):
        export(work.organisation.id, tmp_path)
    export(work.organisation.id, tmp_path / "hers")
    with pytest.raises(CannotExport, match="d’une autre organisation"):
        export(rival.id, tmp_path / "hers")


@pytest.mark.beside_the_journal
def test_an_imported_invoice_has_the_dossier_of_where_it_was_sealed_and_our_entry_of_its_import(
    work: Scene, exported: Path, tmp_path: Path, typist: Typist
) -> None:
    elsewhere()
    import_archive(exported, actor="operator")
    target = tmp_path / "imported.zip"
    done = typist.type("dossier", "F-2", "-o", str(target))
    assert done.returncode == 0, done.stderr
    outer = unzipped(target.read_bytes())
    assert json.loads(outer["data/entry.json"])["type"] == "document_imported"
    found = verify_dossier(outer)
    assert found.lies == ()
    assert typist.type("verify", str(target)).returncode == 0

    inner = unzipped(outer["data/origine.zip"])
    assert json.loads(inner["data/entry.json"])["type"] == "document_sealed"
    assert inner["data/facture.pdf"] == outer["data/facture.pdf"]
    assert inner["data/checkpoint"] == next(exported.glob("*/data/journal/checkpoint")).read_bytes()
    for place, content in (("outer", target.read_bytes()), ("inner", outer["data/origine.zip"])):
        with zipfile.ZipFile(io.BytesIO(content)) as bag:
            bag.extractall(tmp_path / place)
        said = verify(next((tmp_path / place).iterdir()))
        assert (said.returncode, said.stderr) == (0, ""), said.stdout
    assert "non vérifié : data/origine.zip" in verify(next((tmp_path / "outer").iterdir())).stdout

    # The foreign proof is judged too, and told apart: a byte of it, or that of another invoice.
    other = unzipped(make_dossier(work.organisation.id, work.document("F-1").id)[1])
    for forged in (outer["data/origine.zip"][:-200], other["data/origine.zip"]):
        lies = verify_dossier({**outer, "data/origine.zip": forged}).lies
        assert {lie.file for lie in lies} == {"data/origine.zip"}
    with acting_for(work.organisation.id):
        told = JournalEntry.objects.filter(kind="communicated", document_id=work.document("F-2").id)
        assert [json.loads(each.body)["what"] for each in told] == ["dossier"]
