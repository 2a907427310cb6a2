"""What a gateway tells of itself to a Prometheus."""
