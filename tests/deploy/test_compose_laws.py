import re
import subprocess
from pathlib import Path

import pytest

from scripts.kafka_jars import KAFKA_VERSION
from tests.deploy.compose_file import COMPOSE, OUR_IMAGE, ROOT, SERVICES, TEXT, mebibytes

DOCKERFILE = (ROOT / "Dockerfile").read_text(encoding="utf-8")
EXACT_VERSION = re.compile(r"[\w./-]+:\d+\.\d+\.\d+(-[\w.-]+)?")
LONG_RUNNING = [name for name, service in SERVICES.items() if not service.ends_by_itself]
OURS = [name for name, service in SERVICES.items() if service.is_ours]


@pytest.mark.parametrize("name", SERVICES)
def test_every_image_is_pinned(name: str) -> None:
    """A foreign image is named by its exact version; ours is built here and never pulled."""
    service = SERVICES[name]

    if service.is_ours:
        assert service.pull_policy == ("build" if service.build else "never")
    else:
        assert EXACT_VERSION.fullmatch(service.image)


def test_our_image_is_built_once_and_before_anybody_needs_it() -> None:
    """One service builds the image, and all others that run it wait for it, if by way of others."""
    builders = [name for name, service in SERVICES.items() if service.build]

    assert builders == ["keys"]
    assert {name for name in OURS if "keys" not in all_waited_for(name)} == {"keys"}


def test_the_image_stands_on_pinned_ones() -> None:
    """Each stage of the Dockerfile begins with an exact version."""
    [python] = re.findall(r"^ARG PYTHON=(.+)$", DOCKERFILE, re.MULTILINE)
    froms = re.findall(r"^FROM (\S+)", DOCKERFILE, re.MULTILINE)

    assert froms[-1] == "${PYTHON}"
    assert all(EXACT_VERSION.fullmatch(image.replace("${PYTHON}", python)) for image in froms)


def test_kafka_is_the_one_that_the_tests_run_against() -> None:
    """Kafka of the compose file and Kafka of the tests marked `kafka` have one version."""
    assert SERVICES["kafka"].image == f"apache/kafka:{KAFKA_VERSION}"


@pytest.mark.parametrize("name", SERVICES)
def test_nobody_can_do_more_than_it_has_to(name: str) -> None:
    """No container is root, has a capability, can gain one, or can change its own files."""
    service = SERVICES[name]
    user = service.user or re.findall(r"^USER (\S+)$", DOCKERFILE, re.MULTILINE)[-1]

    assert service.is_ours or service.user
    assert re.fullmatch(r"[1-9]\d*:[1-9]\d*", user)
    assert service.read_only
    assert service.cap_drop == ["ALL"]
    assert service.security_opt == ["no-new-privileges:true"]


@pytest.mark.parametrize("name", SERVICES)
def test_nobody_can_take_the_whole_machine(name: str) -> None:
    """Memory, processors, processes and logs of each container are bounded."""
    service = SERVICES[name]

    assert 0 < float(service.deploy.resources.limits.cpus) <= 2
    assert 0 < mebibytes(service.deploy.resources.limits.memory) <= 1024
    assert 0 < service.deploy.resources.limits.pids <= 500
    assert service.logging == {"driver": "local"}


def test_all_of_it_fits_on_a_laptop() -> None:
    """All containers together may take less than 5 GiB."""
    taken = [
        mebibytes(service.deploy.resources.limits.memory) * service.deploy.replicas
        for service in SERVICES.values()
    ]

    assert sum(taken) < 5 * 1024


def test_no_other_machine_can_reach_anything() -> None:
    """What is published is published on loopback; Kafka and Redis are not published at all."""
    published = {name: port for name, service in SERVICES.items() for port in service.ports}

    assert sorted(published) == ["customers", "door", "orders", "products"]
    assert all(port.startswith("127.0.0.1:") for port in published.values())


def test_the_file_asks_for_nothing_and_tells_no_secret() -> None:
    """`docker compose up` alone works: each variable has a default, and no secret stands here."""
    variables = re.findall(r"(?<!\$)\$\{?(\w+)([^}]*)\}?", TEXT)
    settings = {name for service in SERVICES.values() for name in service.environment}

    assert variables == [("BFF_PORT", ":-8000")]
    assert not {name for name in settings if re.search(r"PASSWORD|SECRET|_KEYS?$", name)}
    assert not re.search(r"//[^/\s]*@", TEXT)


@pytest.mark.parametrize("name", LONG_RUNNING)
def test_who_stays_can_tell_whether_it_is_well(name: str) -> None:
    """Everything that stays up has a health check, and comes back after a failure."""
    service = SERVICES[name]

    assert service.healthcheck is not None
    assert service.restart == "on-failure"


@pytest.mark.parametrize("name", SERVICES)
def test_everybody_waits_for_what_it_needs(name: str) -> None:
    """Who stays up is waited for until it is well, who does one thing until that is done."""
    for needed, waiting in SERVICES[name].depends_on.items():
        is_done = SERVICES[needed].ends_by_itself
        expected = "service_completed_successfully" if is_done else "service_healthy"
        assert waiting.condition == expected, needed


def test_the_start_has_an_order() -> None:
    """Nobody waits for itself, and what the door shows has all the others behind it."""
    assert not [name for name in SERVICES if name in all_waited_for(name)]
    assert all_waited_for("door") == set(SERVICES) - {"door", "projector"}


def test_every_volume_has_its_owner() -> None:
    """Each service keeps its data in a volume of its own; the keys alone are shared, to be read."""
    mounts = [mount.split(":") for service in SERVICES.values() for mount in service.volumes]
    named = [mount for mount in mounts if not mount[0].startswith(".")]

    writers = sorted(source for source, _, *mode in named if mode != ["ro"])
    assert writers == sorted(COMPOSE.volumes)
    assert [mount for mount in named if mount[2:] == ["ro"]] == [["keys", "/keys", "ro"]]


def test_what_the_dockerfile_copies_is_there_and_reaches_the_builder() -> None:
    """Each source of a COPY exists, and .dockerignore lets it through."""
    copied = re.findall(r"^COPY (?!--from)(.+) \S+$", DOCKERFILE, re.MULTILINE)
    sources = {Path(source) for line in copied for source in line.split()}
    lines = (ROOT / ".dockerignore").read_text(encoding="utf-8").splitlines()
    let_through = {Path(line[1:]) for line in lines if line.startswith("!")}

    assert {str(source) for source in sources if not (ROOT / source).exists()} == set()
    assert {s for s in sources if not ({s, *s.parents} & let_through)} == set()
    assert let_through <= {parent for source in sources for parent in (source, *source.parents)}


def test_every_package_is_in_the_image() -> None:
    """All that `bff` and the stubs consist of is copied before it is installed."""
    declared = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    [found] = re.findall(r"^include = \[(.+)\]$", declared, re.MULTILINE)

    for package in re.findall(r'"(\w+)\*"', found):
        assert f"\nCOPY {package} {package}\n" in DOCKERFILE


def test_docker_compose_finds_nothing_wrong() -> None:
    """`docker compose config` reads the file without a word, where the plugin is there."""
    plugin = ["docker", "compose", "-f", str(ROOT / "compose.yaml")]
    try:
        subprocess.run([*plugin, "version"], check=True, capture_output=True)
    except (OSError, subprocess.CalledProcessError):
        pytest.skip("there is no docker compose here")

    read = subprocess.run(
        [*plugin, "config", "--quiet"], check=False, capture_output=True, text=True
    )

    assert (read.returncode, read.stdout, read.stderr) == (0, "", "")


def all_waited_for(name: str) -> set[str]:
    """Everything that has to be up, or done, before this service starts."""
    needed = set(SERVICES[name].depends_on)
    return needed.union(*(all_waited_for(other) for other in needed))


def test_what_is_built_here_has_a_name_of_its_own() -> None:
    """No registry is asked for our image by accident: its tag is one that nobody publishes."""
    assert OUR_IMAGE.endswith(":local")
