"""What the directory of electronic addresses said: a tenant's table."""

import django.db.models.deletion
import django.utils.timezone
import faitfoi.accounts.identifiers
from django.db import migrations, models

from faitfoi.accounts.tenancy import isolation_sql


class Migration(migrations.Migration):
    dependencies = [
        ("accounts", "0003_audit"),
        ("records", "0023_days_once"),
    ]

    operations = [
        migrations.CreateModel(
            name="DirectoryAnswer",
            fields=[
                (
                    "id",
                    models.UUIDField(
                        default=faitfoi.accounts.identifiers.uuid7, editable=False, primary_key=True, serialize=False
                    ),
                ),
                ("created_at", models.DateTimeField(default=django.utils.timezone.now, editable=False)),
                ("address", models.CharField(max_length=125)),
                ("reach", models.CharField(blank=True, max_length=12)),
                ("listed", models.BooleanField(null=True)),
                ("lines", models.JSONField(default=list)),
                ("raw_sha256", models.CharField(blank=True, max_length=64)),
                ("told_at", models.DateTimeField(null=True)),
                ("failed_at", models.DateTimeField(null=True)),
                ("failure", models.TextField(blank=True)),
                (
                    "organisation",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="+", to="accounts.organisation"
                    ),
                ),
            ],
            options={
                "ordering": ["id"],
                "abstract": False,
                "constraints": [
                    models.UniqueConstraint(fields=("organisation", "address"), name="directory_answer_once")
                ],
            },
        ),
        migrations.RunSQL(isolation_sql("records_directoryanswer", {})),
    ]
