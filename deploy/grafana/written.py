"""The dashboards as files of JSON."""

import json

from grafana_foundation_sdk.cog.encoder import JSONEncoder

from deploy.grafana.delivery import delivery
from deploy.grafana.pipeline import pipeline
from deploy.grafana.risk import risk
from deploy.grafana.runbook import runbook


def written() -> dict[str, str]:
    """Each dashboard by the name of its file. Panels are numbered in their order, so that links to one stay right."""
    files = {}
    for each in (risk(), pipeline(), delivery(), runbook()):
        made = each.build()
        for number, panel in enumerate(made.panels or (), start=1):
            panel.id_val = number
        files[f"{made.uid}.json"] = json.dumps(made, cls=JSONEncoder, indent=1, sort_keys=True) + "\n"
    return files
