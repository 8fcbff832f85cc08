"""The page of e-mail: the words that go with invoices, how they will look, and the addresses nothing is sent to."""

from django import forms
from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseBadRequest
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_http_methods, require_POST

from faitfoi.accounts.models import ChannelKey
from faitfoi.pipeline.addresses import UnknownAddress, declare_good, known_bad
from faitfoi.pipeline.mail_texts import CHOICES, BadText, check_text, preview, reset_text, save_text, text_in_use
from faitfoi.pipeline.notices import want_notices
from faitfoi.records.models import Document
from faitfoi.web.access import Here, acts, changes, organisation_page, show


class TextForm(forms.Form):
    """The words of one kind of message in one language; what may stand in them is judged by the pipeline."""

    subject = forms.CharField(label=gettext_lazy("Subject"), widget=forms.TextInput(attrs={"autocomplete": "off"}))
    body = forms.CharField(label=gettext_lazy("Text"), widget=forms.Textarea(attrs={"rows": 12}))


@organisation_page
@require_http_methods(["GET", "HEAD", "POST"])
@acts
@changes
def mail(request: HttpRequest, here: Here) -> HttpResponse:
    """Show one text and its preview on the last document; `keep`, `try` or `reset` what is posted."""
    asked = (request.POST if request.method == "POST" else request.GET).get("texte", "")
    language, _sep, kind = asked.partition("-")
    if asked not in dict(CHOICES):
        language, kind, asked = "fr", "invoice", "fr-invoice"
    subject, body, own = text_in_use(language, kind)
    form = TextForm(request.POST or None, initial={"subject": subject, "body": body})
    deed = request.POST.get("deed", "")
    if request.method == "POST" and deed == "reset":
        reset_text(language, kind, actor=here.actor)
        messages.success(request, _("Our words are back."))
        return _back(here, asked)
    tried: dict[str, tuple[str, str]] | None = None
    if request.method == "POST" and form.is_valid():
        tried = {kind: (form.cleaned_data["subject"], form.cleaned_data["body"])}
        try:
            if deed == "keep":
                save_text(language, kind, subject=tried[kind][0], body=tried[kind][1], actor=here.actor)
                messages.success(request, _("Kept: the next messages say this."))
                return _back(here, asked)
            check_text(language, kind, *tried[kind])
        except BadText as error:
            form.add_error(None, str(error))
            tried = None
    context: dict[str, object] = {
        "form": form,
        "choices": CHOICES,
        "asked": asked,
        "own": own,
        "bad": known_bad(),
        "seen": _preview(here, language, kind, tried),
    }
    return show(request, here, "pages/mail.html", context, status=422 if form.errors else 200)


@organisation_page
@require_POST
@acts
@changes
def good_address(request: HttpRequest, here: Here) -> HttpResponse:
    """Say that an address is good: messages leave to it again."""
    try:
        declare_good(request.POST.get("address", ""), actor=here.actor)
    except UnknownAddress as error:
        messages.warning(request, str(error))
    else:
        messages.success(request, _("Messages leave to this address again."))
    return redirect("mail", slug=here.organisation.slug)


@organisation_page
@require_POST
@acts
@changes
def notices(request: HttpRequest, here: Here) -> HttpResponse:
    """Choose whether customers are told by mail that their invoice lies on a platform."""
    asked = request.POST.get("notices", "")
    if asked not in {ChannelKey.NONE, ChannelKey.EMAIL}:
        return HttpResponseBadRequest()
    if want_notices(here.organisation, ChannelKey(asked), actor=here.actor):
        messages.success(request, _("Kept: invoices accepted from now on follow this choice."))
    else:
        messages.info(request, _("Nothing has changed."))
    return redirect("mail", slug=here.organisation.slug)


def _preview(here: Here, language: str, kind: str, tried: dict[str, tuple[str, str]] | None) -> dict[str, str] | None:
    """The message as the last document of that kind would carry it, or the last two; None without a document."""
    noun = kind.removeprefix("copy_").removeprefix("notice_")
    purpose = kind.partition("_")[0] if kind != noun else "legal"
    newest = Document.objects.filter(eliminated_at=None).select_related("customer").order_by("-issue_date", "-id")
    found = list(newest[:2]) if noun == "several" else list(newest.filter(kind=noun)[:1])
    if not found or (noun == "several" and len(found) == 1):
        return None
    words, sentence = preview(
        here.organisation, found[0], others=found[1:], language=language, purpose=purpose, texts=tried
    )
    numbers = ", ".join(each.number for each in found)
    return {"subject": words.subject, "plain": words.plain, "number": numbers, "sentence": sentence}


def _back(here: Here, asked: str) -> HttpResponse:
    return redirect(f"{reverse('mail', args=[here.organisation.slug])}?texte={asked}")
