"""What Prometheus is told: `METRICS_BIND` sets where. Without it nothing here is imported."""
