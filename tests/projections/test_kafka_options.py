import ssl

from projections.kafka.options import KafkaOptions, KafkaSecurity


def test_each_source_has_its_topic() -> None:
    """Nothing but the address needs to be said."""
    options = KafkaOptions(bootstrap_servers="kafka:9092")

    assert options.topics == {
        "orders": "orders.events",
        "customers": "customers.events",
        "products": "products.events",
    }


def test_times_fit_together() -> None:
    """A session bears two missed heartbeats, and a join is awaited longer than it may take."""
    options = KafkaOptions(bootstrap_servers="kafka:9092")

    assert options.heartbeat_interval_s <= options.session_timeout_s / 3
    assert options.rebalance_timeout_s < options.request_timeout_s
    assert options.poll_s < options.silence_limit_s


def test_certificates_are_checked_where_there_is_tls() -> None:
    """An encrypted connection to nobody knows whom would be none."""
    context = KafkaSecurity(protocol="SASL_SSL").ssl_context()

    assert context is not None
    assert context.verify_mode is ssl.CERT_REQUIRED
    assert context.check_hostname
    assert KafkaSecurity().ssl_context() is None


def test_password_is_not_shown() -> None:
    """Options may be logged."""
    assert "secret" not in repr(KafkaSecurity(password="secret"))
