"""Payments, a tenant's table; and why a document is kept without being sent."""

import django.db.models.deletion
import django.utils.timezone
import faitfoi.accounts.identifiers
from django.db import migrations, models

from faitfoi.accounts.tenancy import isolation_sql


class Migration(migrations.Migration):
    dependencies = [
        ("accounts", "0003_audit"),
        ("records", "0021_feeds"),
    ]

    operations = [
        migrations.AddField(
            model_name="document",
            name="kept_because",
            field=models.TextField(blank=True),
        ),
        migrations.CreateModel(
            name="Payment",
            fields=[
                (
                    "id",
                    models.UUIDField(
                        default=faitfoi.accounts.identifiers.uuid7, editable=False, primary_key=True, serialize=False
                    ),
                ),
                ("created_at", models.DateTimeField(default=django.utils.timezone.now, editable=False)),
                ("paid_on", models.DateField()),
                ("amount", models.DecimalField(decimal_places=2, max_digits=19)),
                ("currency", models.CharField(max_length=3)),
                ("parts", models.JSONField()),
                ("reference", models.CharField(blank=True, max_length=140)),
                ("recorded_by", models.CharField(max_length=120)),
                ("told", models.BooleanField(default=False)),
                (
                    "document",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="payments", to="records.document"
                    ),
                ),
                (
                    "organisation",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="+", to="accounts.organisation"
                    ),
                ),
                (
                    "reverses",
                    models.OneToOneField(
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="reversed_by",
                        to="records.payment",
                    ),
                ),
            ],
            options={
                "ordering": ["id"],
                "abstract": False,
                "indexes": [models.Index(fields=["organisation", "document"], name="records_pay_organis_1c2e1e_idx")],
            },
        ),
        migrations.RunSQL(
            isolation_sql("records_payment", {"document_id": "records_document", "reverses_id": "records_payment"})
        ),
    ]
