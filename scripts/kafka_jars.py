"""What Kafka runs on and from: its jars, fetched by Maven once, and the Java at hand."""

import os
import re
import shutil
import subprocess
import tempfile
from pathlib import Path
from typing import Final

KAFKA_VERSION: Final = "4.1.1"
"""The one place where it is pinned, for the jars and for the image."""

LOG_BINDING: Final = "org.apache.logging.log4j:log4j-slf4j-impl:2.24.3"
"""What joins Kafka's log calls to the logger that comes with it; no dependency of it does."""

DATA_FOLDER: Final = Path(__file__).resolve().parent.parent / ".data" / "kafka"
JARS: Final = DATA_FOLDER / f"jars-{KAFKA_VERSION}"
SHOWN_ERRORS: Final = 5


class KafkaNotUp(Exception):
    """Kafka cannot be brought up; the text says why and what to do."""


def fetch_jars() -> None:
    """Have the jars of the pinned version in place; does nothing when they are. Raises KafkaNotUp.

    They are put in place by one rename: a fetch cut short is done again.
    """
    if JARS.exists():
        return
    DATA_FOLDER.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="jars-", dir=DATA_FOLDER) as incoming:
        (Path(incoming) / "pom.xml").write_text(pom())
        run_shortly(
            [
                *("mvn", "--batch-mode", "--quiet", "--file", incoming),
                *("dependency:copy-dependencies", "-DincludeScope=runtime"),
                f"-DoutputDirectory={incoming}/jars",
            ],
            f"Maven could not fetch Kafka {KAFKA_VERSION}. Is its repository reachable? It said:",
        )
        if not JARS.exists():  # another fetch may have been faster
            (Path(incoming) / "jars").rename(JARS)


def pom() -> str:
    """A project that is nothing but its dependencies."""
    dependencies = "".join(
        "<dependency><groupId>{}</groupId><artifactId>{}</artifactId>"
        "<version>{}</version></dependency>".format(*coordinates.split(":"))
        for coordinates in (f"org.apache.kafka:kafka_2.13:{KAFKA_VERSION}", LOG_BINDING)
    )
    return (
        "<project><modelVersion>4.0.0</modelVersion><groupId>local</groupId>"
        "<artifactId>kafka</artifactId><version>1</version><packaging>pom</packaging>"
        f"<dependencies>{dependencies}</dependencies></project>\n"
    )


def run_shortly(command: list[str], failure: str) -> None:
    """Run a command without a sound, unless it fails: then its first errors are told."""
    done = subprocess.run(
        command, capture_output=True, text=True, check=False, env=java_environment()
    )
    if done.returncode == 0:
        return
    said = re.sub(r"\x1b\[[0-9;]*m", "", done.stdout + done.stderr).strip().splitlines()
    errors = [line for line in said if re.search(r"ERROR\W+\w", line)] or said
    raise KafkaNotUp("\n  ".join([failure, *(line[:200] for line in errors[:SHOWN_ERRORS])]))


def java_environment() -> dict[str, str]:
    """Our environment, in which `java` is the one of JAVA_HOME where that is set."""
    home = os.environ.get("JAVA_HOME")
    path = os.environ.get("PATH", os.defpath)
    return {**os.environ, "PATH": f"{home}/bin{os.pathsep}{path}" if home else path}


def java_version() -> int | None:
    """The feature release of the Java at hand; None where there is none that runs."""
    java = shutil.which("java", path=java_environment()["PATH"])
    if java is None:
        return None
    done = subprocess.run([java, "-version"], capture_output=True, text=True, check=False)
    found = re.search(r'version "(\d+)', done.stderr + done.stdout)
    return int(found[1]) if found and done.returncode == 0 else None
