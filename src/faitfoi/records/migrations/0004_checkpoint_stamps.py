"""Time-stamps on checkpoints: a table that only grows."""

import django.db.models.deletion
from django.db import migrations, models

from faitfoi.accounts.tenancy import append_only_sql


class Migration(migrations.Migration):
    dependencies = [("records", "0003_journal_tree")]
    operations = [
        migrations.CreateModel(
            name="CheckpointStamp",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("authority", models.CharField(max_length=255)),
                ("token", models.BinaryField()),
                ("at", models.DateTimeField()),
                (
                    "checkpoint",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="stamps",
                        to="records.checkpoint",
                    ),
                ),
            ],
            options={
                "constraints": [
                    models.UniqueConstraint(fields=("checkpoint", "authority"), name="one_stamp_of_each_authority")
                ],
            },
        ),
        migrations.RunSQL(append_only_sql("records_checkpointstamp")),
    ]
