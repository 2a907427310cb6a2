"""Events from Kafka: partitions shared by projectors, or whole topics read by one process."""
