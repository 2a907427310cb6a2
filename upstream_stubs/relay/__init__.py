"""The relay: what a service has committed, published to its Kafka topic.

The rule: at least once, and in order for each aggregate. The relay reads the outbox in the order of
the commits, sends what it read, and moves its place only after Kafka has acknowledged all of it; so
whatever ends it, the next one goes on no later than where it stopped, and at worst repeats.

Reading order: `lease` (who may publish) → `progress` (how far it is) → `heartbeats`, `batches`
(what comes next) → `faults` (misbehaviour on demand) → `kafka` (the topic) → `relay` (the loop) →
`topics` (how topics are made).
"""
