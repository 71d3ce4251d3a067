"""The metrics for Prometheus, served at `METRICS_BIND`. Without it nothing here is imported."""
