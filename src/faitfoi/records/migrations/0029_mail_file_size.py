"""The weight of a file that goes along, so that those of one mail can be added up."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("records", "0028_journal_looked_up")]
    operations = [migrations.AddField(model_name="mailfile", name="size", field=models.PositiveIntegerField(default=0))]
