"""Where the journal's mirror stands: a table that only grows."""

import django.utils.timezone
from django.db import migrations, models

from faitfoi.accounts.tenancy import append_only_sql


class Migration(migrations.Migration):
    dependencies = [("records", "0010_audit_storage_place")]
    operations = [
        migrations.CreateModel(
            name="MirroredSegment",
            fields=[
                ("first", models.PositiveBigIntegerField(primary_key=True, serialize=False)),
                ("last", models.PositiveBigIntegerField()),
                ("sha256", models.CharField(max_length=64)),
                ("at", models.DateTimeField(default=django.utils.timezone.now)),
            ],
        ),
        migrations.RunSQL(append_only_sql("records_mirroredsegment")),
    ]
