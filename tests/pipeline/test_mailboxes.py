"""Returns by IMAP are read once each and none is lost; a broken return path does not stay silent."""

import errno
from collections.abc import Iterator
from datetime import timedelta

import pytest
from django.utils import timezone
from procrastinate.contrib.django.models import ProcrastinateJob

from faitfoi.accounts.models import ChannelKey, Organisation
from faitfoi.accounts.tenancy import acting_for
from faitfoi.pipeline import archive, jobs_mail
from faitfoi.pipeline.mailboxes import MUST_BE_BACK_IN, read_returns, take_back, try_return_path, watch_return_path
from faitfoi.pipeline.returning import is_ours, take_in
from faitfoi.records.models import Alarm, MailboxPlace, ReturnCheck
from faitfoi.records.stages import Stage
from faitfoi.simulators.control import Fault, FaultKind
from faitfoi.simulators.imap import ImapSimulator
from tests.pipeline.cast import ACTOR, VINEYARD, Scene, file

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def box() -> Iterator[ImapSimulator]:
    simulator = ImapSimulator()
    simulator.start()
    yield simulator
    simulator.stop()


def join(scene: Scene, box: ImapSimulator) -> None:
    scene.change(
        ChannelKey.EMAIL,
        imap_host="127.0.0.1",
        imap_port=str(box.port),
        imap_tls="none",
        imap_user=box.user,
        imap_password=box.password,
    )


def bounce(scene: Scene, number: str) -> bytes:
    """The relay's notice about a mail, as it lies in the mailbox of returns."""
    ours = scene.delivery(number).message_ref
    return next(each.raw for each in scene.smtp.outbox._waiting if ours in each.message_id)


def read(scene: Scene) -> int:
    return read_returns(scene.organisation.id, actor=ACTOR)


def place(scene: Scene) -> int:
    with acting_for(scene.organisation.id):
        return MailboxPlace.objects.get().uid


def test_a_bounce_in_the_mailbox_returns_its_delivery_and_is_read_once(scene: Scene, box: ImapSimulator) -> None:
    join(scene, box)
    scene.send(file("F-1", VINEYARD), file("F-2"))
    box.put(b"Subject: bonjour\r\n\r\nrien\r\n")
    box.put(bounce(scene, "F-1"))
    assert read(scene) == 2
    assert scene.stage("F-1") is Stage.RETURNED
    assert scene.stage("F-2") is Stage.ACCEPTED
    assert read(scene) == 0
    assert box.fetched == [1, 2]
    assert len(box.messages) == 2  # nothing is moved or deleted there


def test_a_report_without_our_return_address_is_known_by_the_identifier_that_we_signed(
    scene: Scene, box: ImapSimulator
) -> None:
    """Whoever has no domain for returns reads their own mailbox: the report quotes our ENVID (contract §2.1)."""
    join(scene, box)
    scene.change(ChannelKey.EMAIL, return_domain="")
    scene.send(file("F-1", VINEYARD), file("F-2"))
    raw, ours = bounce(scene, "F-1"), scene.delivery("F-1").message_ref.encode()
    other = scene.delivery("F-2").message_ref.encode()
    assert b"bounce+" not in raw
    box.put(raw.replace(ours, other))  # forged: another delivery's reference under this one's mark
    box.put(raw)
    assert read(scene) == 2
    assert scene.stage("F-1") is Stage.RETURNED
    assert scene.stage("F-2") is Stage.ACCEPTED


def test_a_mailbox_made_anew_is_read_from_its_beginning_and_changes_nothing(scene: Scene, box: ImapSimulator) -> None:
    join(scene, box)
    scene.send(file("F-1", VINEYARD))
    box.put(bounce(scene, "F-1"))
    assert read(scene) == 1
    box.renew()
    assert read(scene) == 1
    assert scene.story("F-1").count("returned") == 1


@pytest.mark.parametrize("kind", [FaultKind.GARBAGE, FaultKind.OUT_OF_ORDER, FaultKind.DOWN])
def test_the_place_moves_only_past_what_was_kept(scene: Scene, box: ImapSimulator, kind: FaultKind) -> None:
    join(scene, box)
    scene.send(file("F-1", VINEYARD))
    box.put(b"Subject: bonjour\r\n\r\nrien\r\n")
    assert read(scene) == 1
    box.put(bounce(scene, "F-1"))
    box.faults.add(Fault(kind=kind, on="fetch"))
    assert read(scene) == 0
    assert place(scene) == 1
    assert Alarm.objects.filter(cause__startswith="imap").exists()
    assert read(scene) == 1
    assert scene.stage("F-1") is Stage.RETURNED
    assert not Alarm.objects.filter(cause__startswith="imap").exists()


def test_a_return_that_could_not_be_kept_is_read_again(
    scene: Scene, box: ImapSimulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The archive, the database or the power fails between reading and writing down: the place has not moved."""
    join(scene, box)
    scene.send(file("F-1", VINEYARD))
    box.put(bounce(scene, "F-1"))

    def full(*_: object, **__: object) -> None:
        raise OSError(errno.ENOSPC, "no room left")

    with monkeypatch.context() as broken:
        broken.setattr(archive, "pack", full)
        with pytest.raises(OSError, match="no room"):
            read(scene)
    assert place(scene) == 0
    assert scene.stage("F-1") is Stage.ACCEPTED
    assert read(scene) == 1
    assert scene.stage("F-1") is Stage.RETURNED


def test_a_server_that_names_the_message_after_its_bytes_is_read_too(scene: Scene, box: ImapSimulator) -> None:
    """RFC 3501 §7.4.2 leaves the order of what a FETCH answers to the server."""
    join(scene, box)
    box.names_last = True
    scene.send(file("F-1", VINEYARD))
    box.put(bounce(scene, "F-1"))
    assert read(scene) == 1
    assert scene.stage("F-1") is Stage.RETURNED
    box.faults.add(Fault(kind=FaultKind.OUT_OF_ORDER, on="fetch"))
    box.put(b"Subject: bonjour\r\n\r\nrien\r\n")
    assert read(scene) == 0  # another message than the one asked for is still seen


def test_an_alarm_about_a_mailbox_or_a_domain_ends_with_its_setting(scene: Scene, box: ImapSimulator) -> None:
    join(scene, box)
    box.faults.add(Fault(kind=FaultKind.EXPIRED_TOKEN))
    read(scene)
    try_return_path(scene.organisation.id, actor=ACTOR)
    with acting_for(scene.organisation.id):
        ReturnCheck.objects.update(sent_at=timezone.now() - MUST_BE_BACK_IN - timedelta(minutes=1))
    assert watch_return_path(scene.organisation.id)
    assert Alarm.objects.count() == 2
    scene.change(ChannelKey.EMAIL, imap_host="", return_domain="")
    assert read(scene) == 0
    assert not watch_return_path(scene.organisation.id)
    assert not Alarm.objects.exists()


def test_each_organisation_has_its_own_job_so_that_one_mailbox_holds_no_other(
    scene: Scene, rival: Organisation
) -> None:
    jobs_mail.watch_mail(0)
    jobs_mail.try_return_paths(0)
    jobs_mail.watch_mail(60)
    told = ProcrastinateJob.objects.filter(status="todo", task_name__in=("watch_mail_of", "try_return_path_of"))
    found = sorted((job.task_name, job.args["organisation_id"]) for job in told)
    both = sorted([str(scene.organisation.id), str(rival.id)])
    assert found == [(name, each) for name in ("try_return_path_of", "watch_mail_of") for each in both]


def test_a_wrong_account_raises_an_alarm_that_names_nobody(scene: Scene, box: ImapSimulator) -> None:
    join(scene, box)
    box.faults.add(Fault(kind=FaultKind.EXPIRED_TOKEN))
    assert read(scene) == 0
    alarm = Alarm.objects.get(cause__startswith="imap")
    assert scene.organisation.name not in alarm.sentence
    assert "compte" in alarm.sentence


def test_a_message_to_ourselves_comes_back_and_nothing_is_said(scene: Scene) -> None:
    assert "doit revenir" in try_return_path(scene.organisation.id, actor=ACTOR)
    received = scene.smtp.received[-1]
    assert is_ours(received.rcpt_to)
    take_in(b"Subject: Essai\r\n\r\nx\r\n", (received.rcpt_to,))
    assert not watch_return_path(scene.organisation.id)
    with acting_for(scene.organisation.id):
        assert ReturnCheck.objects.get().back_at is not None


def test_a_broken_return_path_raises_an_alarm_until_a_message_is_back(scene: Scene, rival: Organisation) -> None:
    """Complaint E52."""
    try_return_path(scene.organisation.id, actor=ACTOR)
    assert not watch_return_path(scene.organisation.id)  # it still has time
    with acting_for(scene.organisation.id):
        ReturnCheck.objects.update(sent_at=timezone.now() - MUST_BE_BACK_IN - timedelta(minutes=1))
    assert watch_return_path(scene.organisation.id)
    assert not watch_return_path(rival.id)
    assert "arrivée" in Alarm.objects.get(cause__startswith="back").sentence
    try_return_path(scene.organisation.id, actor=ACTOR)
    assert take_back((scene.smtp.received[-1].rcpt_to,)) == 1
    assert not watch_return_path(scene.organisation.id)
    assert not Alarm.objects.filter(cause__startswith="back").exists()


def test_a_message_to_ourselves_that_cannot_leave_says_why(scene: Scene) -> None:
    scene.smtp.faults.add(Fault(kind=FaultKind.DOWN))
    assert "n’est pas parti" in try_return_path(scene.organisation.id, actor=ACTOR)
    with acting_for(scene.organisation.id):
        assert ReturnCheck.objects.get().trouble
