"""Attestations: a tenant's table that only grows."""

import django.db.models.deletion
import django.utils.timezone
import faitfoi.accounts.identifiers
from django.db import migrations, models

from faitfoi.accounts.tenancy import append_only_sql, isolation_sql


class Migration(migrations.Migration):
    dependencies = [
        ("accounts", "0002_isolation"),
        ("records", "0007_seal_certificates"),
    ]

    operations = [
        migrations.CreateModel(
            name="Attestation",
            fields=[
                (
                    "id",
                    models.UUIDField(
                        default=faitfoi.accounts.identifiers.uuid7, editable=False, primary_key=True, serialize=False
                    ),
                ),
                ("created_at", models.DateTimeField(default=django.utils.timezone.now, editable=False)),
                ("number", models.PositiveIntegerField()),
                (
                    "kind",
                    models.CharField(
                        choices=[
                            ("deposit", "dépôt"),
                            ("integrity", "intégrité"),
                            ("communication", "communication"),
                            ("restitution", "restitution"),
                            ("elimination", "élimination"),
                        ],
                        max_length=20,
                    ),
                ),
                ("sha256", models.CharField(max_length=64)),
                ("sha512", models.CharField(max_length=128)),
                ("size", models.PositiveBigIntegerField()),
                (
                    "document",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="attestations",
                        to="records.document",
                    ),
                ),
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
                    models.UniqueConstraint(fields=("organisation", "number"), name="attestation_number_once")
                ],
            },
        ),
        migrations.RunSQL(isolation_sql("records_attestation", {"document_id": "records_document"})),
        migrations.RunSQL(append_only_sql("records_attestation")),
    ]
