"""The entries of one document, and those of a rare kind, found without reading the whole journal."""

from django.db import migrations, models

FREQUENT = (
    "attempt_closed",
    "delivery_routed",
    "document_sealed",
    "objects_kept",
    "remote_event",
    "stage_moved",
)


class Migration(migrations.Migration):
    dependencies = [("records", "0027_flow_role")]
    operations = [
        migrations.AddIndex(
            "journalentry",
            models.Index(
                condition=models.Q(document_id__isnull=False),
                fields=["document_id", "id"],
                name="journal_of_a_document",
            ),
        ),
        migrations.AddIndex(
            "journalentry",
            models.Index(
                condition=~models.Q(kind__in=FREQUENT), fields=["kind", "organisation", "id"], name="journal_seldom"
            ),
        ),
    ]
