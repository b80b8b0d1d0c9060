"""Grafana dashboards as code. `make dashboards` writes them to `dashboards/`, from where Grafana is provisioned."""
