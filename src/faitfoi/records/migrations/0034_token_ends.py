"""The last day of a program's token; those made before have none."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("records", "0033_foreign_news")]
    operations = [
        migrations.AddField(model_name="webhookdoor", name="expires_at", field=models.DateTimeField(null=True))
    ]
