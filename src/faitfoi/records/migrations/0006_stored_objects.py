"""Where each stored object lies: its pack, its offset and its size."""

import django.db.models.deletion
import django.utils.timezone
from django.db import migrations, models

import faitfoi.accounts.identifiers
from faitfoi.accounts.tenancy import isolation_sql


class Migration(migrations.Migration):
    dependencies = [("accounts", "0002_isolation"), ("records", "0005_audit")]
    operations = [
        migrations.CreateModel(
            name="StoredObject",
            fields=[
                (
                    "id",
                    models.UUIDField(
                        default=faitfoi.accounts.identifiers.uuid7, editable=False, primary_key=True, serialize=False
                    ),
                ),
                ("created_at", models.DateTimeField(default=django.utils.timezone.now, editable=False)),
                ("sha256", models.CharField(max_length=64)),
                ("sha512", models.CharField(max_length=128)),
                ("size", models.PositiveBigIntegerField()),
                ("pack", models.CharField(max_length=64)),
                ("offset", models.PositiveBigIntegerField()),
                ("retention", models.CharField(max_length=20)),
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
                "indexes": [models.Index(fields=["organisation", "sha256"], name="stored_object_by_digest")],
                "constraints": [
                    models.UniqueConstraint(
                        fields=("organisation", "pack", "retention", "sha256"), name="object_once_in_a_pack"
                    )
                ],
            },
        ),
        migrations.RunSQL(isolation_sql("records_storedobject", {})),
    ]
