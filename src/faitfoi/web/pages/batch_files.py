"""Files that go along with the mails of one batch: joined and taken off until its first mail has left."""

from uuid import UUID

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from faitfoi.accounts.tenancy import acting_for
from faitfoi.evidence.shelf import NoRoom
from faitfoi.pipeline.mail_files import CannotJoin, drop_file, has_left, join_file
from faitfoi.records.models import Batch, MailFile
from faitfoi.web.access import Here, acts, changes, organisation_act, organisation_page


@organisation_act
@require_POST
@changes
def join_batch_file(request: HttpRequest, here: Here, batch_id: UUID) -> HttpResponse:
    """Have a file go along with each mail of the batch, or say why it cannot."""
    with acting_for(here.organisation.id):
        batch = get_object_or_404(Batch, pk=batch_id)
    given = request.FILES.get("along")
    if given is None:
        messages.warning(request, _("Choose a file first: a PDF or a picture."))
        return _back(here, batch_id)
    try:
        joined = join_file(here.organisation, given.read(), filename=given.name or "", batch=batch, actor=here.actor)
    except CannotJoin as error:
        messages.warning(request, str(error))
    except NoRoom as error:
        messages.warning(request, str(error.strerror))
    else:
        messages.success(request, _("%(name)s goes with each mail of this batch.") % {"name": joined.filename})
    return _back(here, batch_id)


@organisation_page
@require_POST
@acts
@changes
def drop_batch_file(request: HttpRequest, here: Here, batch_id: UUID, file_id: UUID) -> HttpResponse:
    """Take a file off the mails that have not left yet."""
    found = get_object_or_404(MailFile.objects.select_related("batch"), pk=file_id, batch_id=batch_id)
    if found.batch is not None and has_left(found.batch):
        messages.warning(request, _("The first mail has left with this file: the others take it along too."))
    elif drop_file(found.pk, actor=here.actor):
        messages.success(request, _("%(name)s no longer goes along.") % {"name": found.filename})
    return _back(here, batch_id)


def _back(here: Here, batch_id: UUID) -> HttpResponse:
    return redirect("batch", slug=here.organisation.slug, batch_id=batch_id)
