"""Prints the rules as the Prometheus operator takes them: `python -m deploy.prometheus.kubernetes > deploy/k8s/components/monitoring/alerts.yaml`."""

from pathlib import Path

RULES = Path(__file__).parent / "rules.yml"
_HEAD = """# Made by `python -m deploy.prometheus.kubernetes` from deploy/prometheus/rules.yml.
apiVersion: monitoring.coreos.com/v1
kind: PrometheusRule
metadata:
  name: trunkline
spec:
"""


def manifest() -> str:
    """Return the object."""
    lines = [line for line in RULES.read_text().splitlines() if not line.startswith("#")]
    return _HEAD + "".join(f"  {line}\n" for line in lines)


if __name__ == "__main__":
    print(manifest(), end="")  # noqa: T201 - printing is its work
