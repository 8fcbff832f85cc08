"""Tokens of programs beside the addresses of mail providers, and payments that a program's retry records once."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("records", "0030_channel_choices"),
    ]

    operations = [
        migrations.AddField(
            model_name="payment",
            name="idempotency_key",
            field=models.CharField(blank=True, default="", max_length=100),
            preserve_default=False,
        ),
        migrations.AddField(
            model_name="webhookdoor",
            name="name",
            field=models.CharField(blank=True, default="", max_length=40),
            preserve_default=False,
        ),
        migrations.AddConstraint(
            model_name="payment",
            constraint=models.UniqueConstraint(
                condition=models.Q(("idempotency_key", ""), _negated=True),
                fields=("organisation", "idempotency_key"),
                name="payment_recorded_once",
            ),
        ),
        migrations.AddConstraint(
            model_name="webhookdoor",
            constraint=models.UniqueConstraint(
                condition=models.Q(("revoked_at", None), models.Q(("name", ""), _negated=True)),
                fields=("organisation_id", "name"),
                name="token_name_once",
            ),
        ),
    ]
