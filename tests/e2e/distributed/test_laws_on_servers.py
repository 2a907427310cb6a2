"""Every law over real processes, in a short run: `make prove` is the long one.

Thirty-two sessions roam between two gateways while projectors, gateways, services, Redis and Kafka
are killed, frozen, slowed and emptied by a seeded chance. Then all that was asked and answered is
held against what the services committed, by the checkers of `tests/laws/proof`.
"""

from collections.abc import Iterator

import pytest

from resolvers.answer import Source
from tests.e2e.distributed.distributed_house import DistributedHouse
from tests.laws.proof.real.run import Plan, Proof, prove, running_house_to_prove
from tests.laws.proof.violations import Law

pytestmark = [pytest.mark.e2e, pytest.mark.slow, pytest.mark.timeout(180)]

SHORT = Plan(seed=4, operation_count=1_200, pace_s=0.15)
CONTROL = Plan(seed=4, operation_count=500, pace_s=0.15, carries=False)


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[DistributedHouse]:
    """A house for these tests alone, with two projectors."""
    with running_house_to_prove(tmp_path_factory.mktemp("proved")) as house:
        yield house


def sources_shown(proof: Proof) -> set[Source]:
    """Where the answers came from."""
    answers = (operation.answer for operation in proof.history.operations)
    return {part.source for answer in answers if answer is not None for part in answer.parts}


def test_sessions_that_carry_their_tokens_are_kept_every_promise(house: DistributedHouse) -> None:
    """Whatever strikes, no law is broken, and nothing but expected errors is answered."""
    proof = prove(house, SHORT)

    assert [str(violation) for violation in proof.violations] == []
    assert proof.failures == []
    assert len(proof.history.operations) >= SHORT.operation_count
    assert sources_shown(proof) == {Source.PROJECTION, Source.LIVE}
    assert len(proof.struck) >= 3


def test_sessions_that_leave_their_tokens_at_home_lose_what_they_wrote(
    house: DistributedHouse,
) -> None:
    """Without tokens the same run shows older worlds, so the test above proves something."""
    proof = prove(house, CONTROL)

    assert Law.READ_YOUR_WRITES in {violation.law for violation in proof.violations}
    assert proof.failures == []
