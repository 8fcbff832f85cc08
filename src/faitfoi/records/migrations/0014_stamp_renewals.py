"""Renewals of time-stamps: a table that only grows."""

from django.db import migrations, models

from faitfoi.accounts.tenancy import append_only_sql


class Migration(migrations.Migration):
    dependencies = [("records", "0013_auditors_days")]
    operations = [
        migrations.CreateModel(
            name="StampRenewal",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("algorithm", models.CharField(max_length=10)),
                ("token", models.BinaryField()),
                ("at", models.DateTimeField()),
                ("leaves", models.JSONField()),
            ],
        ),
        migrations.RunSQL(append_only_sql("records_stamprenewal")),
    ]
