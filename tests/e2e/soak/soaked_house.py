"""The house that is soaked: services in processes of their own, and a gateway that tells of itself.

Its gateway has everything on, and a projection of its own.
"""

import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from benchmarks.houses import START_LIMIT_S, is_ready
from benchmarks.processes import role_running, services_running
from gateway.token_key import make_key
from tests.e2e.distributed.roles import Role, free_address
from tests.e2e.processes import eventually
from tests.e2e.shopper import SESSION_HEADER, Answer, Shopper, quiet_client
from tests.e2e.soak.samples import Sample, excess, parse_samples
from tests.e2e.soak.strikes import SERVICES, Rule

PAGE: Final = """{
  order(id: "o-1", consistency: { live: true }) { id customer { id } items { product { id } } }
  customer(id: "c-1", consistency: { live: true }) { id }
  orders(customerId: "c-1", consistency: { live: true }) { edges { node { id } } }
}"""
ONE_BY_ONE: Final = (
    '{ order(id: "o-1", consistency: { live: true }) { id } }',
    '{ customer(id: "c-1", consistency: { live: true }) { id } }',
    '{ product(id: "p-1", consistency: { live: true }) { id } }',
)
"""Each needs one connection of one service, so that no other is kept from expiring."""

WRITES: Final = (
    ("updateOrder", {"id": "o-1", "note": "well again"}),
    ("updateCustomer", {"id": "c-1", "name": "Ada"}),
    ("updateProduct", {"id": "p-1", "stock": 7}),
)
RECOVERY_LIMIT_S: Final = 45.0
"""More than the longest break of a circuit."""

LOOK_EVERY_S: Final = 0.5
IDLE_S: Final = 6.0
"""By then connections that nobody needs are closed: ours after 4 s, those at the door after 5."""


@dataclass(frozen=True, slots=True)
class SoakedHouse:
    """A house whose services can be struck and whose gateway writes samples."""

    gateway: Role
    urls: Mapping[str, str]
    samples_path: Path

    def strike(self, service: str, *rules: Rule) -> None:
        """These rules are in force from now on; none: the service is well."""
        with quiet_client(self.urls[service]) as http:
            http.put("/admin/faults", json={"rules": [*rules]}).raise_for_status()

    def mend(self) -> None:
        """Everybody is well from now on."""
        for service in SERVICES:
            self.strike(service)

    def samples(self) -> list[Sample]:
        """All samples so far."""
        return list(parse_samples(self.samples_path.read_bytes()))

    def recover(self) -> float:
        """Wait until everything can be read and written again; how long that took (s).

        Raises `NeverHappened`.
        """
        began_s = time.monotonic()
        with quiet_client(self.gateway.address) as http:
            shopper = Shopper(http, "recovering")
            for mutation, given in WRITES:
                eventually(
                    lambda: _is_whole(shopper.mutate(mutation, given)),  # noqa: B023 - called at once
                    about=f"{mutation}, which works again",
                    within_s=RECOVERY_LIMIT_S,
                )
            eventually(
                lambda: _is_whole(shopper.ask(PAGE)),
                about="a page that is whole again",
                within_s=RECOVERY_LIMIT_S,
            )
        eventually(lambda: is_ready(self.gateway), about="a projection that is current again")
        return time.monotonic() - began_s

    def rest(self) -> Sample:
        """Leave it alone, so that it comes to rest; what it holds then."""
        ends_s = time.monotonic() + IDLE_S
        while time.monotonic() < ends_s:
            sample = self._quiet_moment()
        return sample

    def back_at_rest(
        self, rest: Mapping[str, int], *, within_s: float
    ) -> tuple[Sample, dict[str, int]]:
        """Wait until no more is held than at rest; the last sample, and what never was let go."""
        ends_s = time.monotonic() + within_s
        while left := excess(rest, sample := self._quiet_moment()):
            if time.monotonic() > ends_s:
                break
        return sample, left

    def _quiet_moment(self) -> Sample:
        """A sample of a gateway that nobody asks anything.

        Expired connections are closed when somebody needs one, so somebody does before.
        """
        with quiet_client(self.gateway.address) as http:
            for part in ONE_BY_ONE:
                Shopper(http).ask(part)
        time.sleep(LOOK_EVERY_S)
        asked_at_s = time.time() - LOOK_EVERY_S / 2
        return eventually(
            lambda: next((s for s in self.samples()[-1:] if s.at_s > asked_at_s), None),
            about="a sample",
        )


def _is_whole(answer: Answer) -> bool:
    return not answer.errors


@contextmanager
def running_house(folder: Path, leak: str | None = None) -> Iterator[SoakedHouse]:
    """The house inside the block, caught up; its gateway leaks like this where it is told to."""
    samples_path = folder / "samples.jsonl"
    leaking = () if leak is None else (f"--leak={leak}",)
    words = ("tests.e2e.soak.sampled_gateway", str(samples_path), *leaking)
    port, address = free_address()
    with services_running(folder, None) as urls:
        settings = {
            **{f"BFF_{name.upper()}_URL": url for name, url in urls.items()},
            "BFF_PORT": str(port),
            "BFF_LOG_FORMAT": "json",
            "BFF_ANONYMOUS": "everything",
            "BFF_TOKEN_KEYS": make_key(),
            "BFF_SUBJECT_HEADER": SESSION_HEADER,
            "BFF_PLAN": "true",
        }
        with role_running("gateway", words, folder, settings, address) as gateway:
            eventually(lambda: is_ready(gateway), about="a ready house", within_s=START_LIMIT_S)
            yield SoakedHouse(gateway, urls, samples_path)
