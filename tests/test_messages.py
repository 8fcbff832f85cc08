"""The collector of texts finds what Django translates, and the French catalogue is whole."""

import gettext
import io

import polib
from tools import messages


def test_texts_of_python_code_are_found() -> None:
    source = """
from django.utils.translation import gettext_lazy as _, ngettext, pgettext
from django.utils import translation
_("Sent")
ngettext("one", "%(n)d many", n)
pgettext("stage", "Held")
translation.gettext("By attribute")
_(variable)
"""
    assert set(messages.in_python(source)) == {
        messages.Text(singular="Sent"),
        messages.Text(singular="one", plural="%(n)d many"),
        messages.Text(singular="Held", context="stage"),
        messages.Text(singular="By attribute"),
    }


def test_texts_of_templates_are_found_with_their_parentheses_and_plurals() -> None:
    source = """{% load i18n %}
{% translate "Read (again)" %} {% translate 'It\\'s' context "x" %}
{% blocktranslate count n=total trimmed %}
  {{ n }} invoice (one)
{% plural %}
  {{ n }} invoices
{% endblocktranslate %}
{% blocktranslate with name=x %}Hello ("{{ name }}"){% endblocktranslate %}"""
    texts = set(messages.in_template(source, origin="page.html"))

    assert messages.Text(singular="Read (again)") in texts
    assert messages.Text(singular="%(n)s invoice (one)", plural="%(n)s invoices") in texts
    assert messages.Text(singular='Hello ("%(name)s")') in texts


def test_a_known_translation_is_kept_and_a_lost_text_goes() -> None:
    sent, held = messages.Text(singular="Sent"), messages.Text(singular="Held")
    first = messages.merged({sent: {"a.py"}, held: {"a.py"}}, polib.POFile())
    first.find("Sent").msgstr = "Envoyée"
    second = messages.merged({sent: {"b.py"}}, first)

    assert [(entry.msgid, entry.msgstr) for entry in second] == [("Sent", "Envoyée")]
    assert list(messages.untranslated(second)) == []


def test_a_missing_translation_and_an_unknown_name_are_told() -> None:
    texts = {messages.Text(singular="A %(name)s"): {"a.py"}, messages.Text(singular="B"): {"b.py"}}
    catalogue = messages.merged(texts, polib.POFile())
    catalogue.find("A %(name)s").msgstr = "A %(nom)s"

    assert list(messages.untranslated(catalogue)) == [
        "a.py: the French of 'A %(name)s' names nom, which is not given",
        "b.py: no French for 'B'",
    ]


def test_french_punctuation_never_starts_a_line_whoever_typed_its_spaces() -> None:
    catalogue = messages.merged({messages.Text(singular="Press « %(name)s »: now"): {"a.py"}}, polib.POFile())
    catalogue[0].msgstr = "Choisissez « %(name)s » : à 20 % de %(name)s"
    target = gettext.GNUTranslations(io.BytesIO(messages.compiled(catalogue)))

    read = target.gettext("Press « %(name)s »: now")
    assert read == "Choisissez «\u00a0%(name)s\u00a0»\u00a0: à 20\u00a0% de %(name)s"
