"""The journal's tree above its leaves, and the checkpoints that witnesses have signed: tables that only grow."""

import django.utils.timezone
from django.db import migrations, models

from faitfoi.accounts.tenancy import append_only_sql


class Migration(migrations.Migration):
    dependencies = [("records", "0002_isolation")]
    operations = [
        migrations.CreateModel(
            name="Checkpoint",
            fields=[
                ("size", models.PositiveBigIntegerField(primary_key=True, serialize=False)),
                ("note", models.TextField()),
                ("at", models.DateTimeField(default=django.utils.timezone.now)),
            ],
        ),
        migrations.CreateModel(
            name="JournalNode",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("level", models.PositiveSmallIntegerField()),
                ("position", models.PositiveBigIntegerField()),
                ("node", models.BinaryField(max_length=32)),
            ],
            options={
                "constraints": [models.UniqueConstraint(fields=("level", "position"), name="one_node_at_each_place")],
            },
        ),
        migrations.CreateModel(
            name="Alarm",
            fields=[
                ("cause", models.CharField(max_length=40, primary_key=True, serialize=False)),
                ("sentence", models.TextField()),
                ("since", models.DateTimeField(default=django.utils.timezone.now)),
            ],
        ),
        migrations.RunSQL(append_only_sql("records_checkpoint")),
        migrations.RunSQL(append_only_sql("records_journalnode")),
    ]
