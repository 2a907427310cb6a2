"""The `bff` command as an operator meets it: exit code, one clear message, never a stack."""

import json
import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
import structlog
from typer.testing import CliRunner

from gateway import __main__ as command
from gateway.settings_reference import render_reference
from projections.token_codec import TokenKeys
from tests.gateway.front_door import a_token
from tests.gateway_in_process import KEYS

KEY = "1:YSBzZWNyZXQgb2YgdGhlc2UgdGVzdHMgYWxvbmUgICA="
OTHER_KEY = "1:YW5vdGhlciBzZWNyZXQgb2YgdGhlc2UgdGVzdHMgICA="
ROOT = Path(__file__).resolve().parents[2]


@dataclass(frozen=True, slots=True)
class Ended:
    """How a run of the command ended."""

    code: int
    out: str
    err: str


@pytest.fixture(autouse=True)
def _own_process(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Let no variable of the machine speak for these tests, and undo what a role sets up."""
    for name in [name for name in os.environ if name.startswith("BFF_")]:
        monkeypatch.delenv(name)
    yield
    structlog.reset_defaults()


@pytest.fixture
def _taken_port(monkeypatch: pytest.MonkeyPatch) -> Iterator[int]:
    """Set BFF_PORT to a port that somebody else listens on."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        port: int = listening.getsockname()[1]
        monkeypatch.setenv("BFF_PORT", str(port))
        yield port


def bff(*arguments: str) -> Ended:
    """Run the command in this process, through its own entry point."""
    runner = CliRunner()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sys, "argv", ["bff", *arguments])
        with runner.isolation() as (out, err, _):
            try:
                command.main()
                code: int | str | None = 0
            except SystemExit as ended:
                code = ended.code
            return Ended(int(code or 0), out.getvalue().decode(), err.getvalue().decode())


def in_a_process(*arguments: str, **environment: str) -> Ended:
    """Run the command as an operator does."""
    done = subprocess.run(
        [sys.executable, "-m", "gateway", *arguments],
        cwd=ROOT,
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )
    return Ended(done.returncode, done.stdout, done.stderr)


def test_alone_it_lists_its_commands() -> None:
    """`bff` and `bff --help` name every role and question."""
    told = bff("--help").out

    for name in ("dev", "serve", "stubs", "schema", "settings", "token"):
        assert name in told
    assert bff().out.strip() == told.strip()


def test_an_unknown_command_is_answered_with_how_to_ask() -> None:
    """A slip of the hand is exit code 2 and a hint, not a stack."""
    ended = bff("sevre")

    assert ended.code == 2
    assert "No such command 'sevre'" in ended.err
    assert "Traceback" not in ended.err


def test_the_checked_in_schema_is_the_code_s(monkeypatch: pytest.MonkeyPatch) -> None:
    """schema.graphql is what the code says: `bff schema --check` agrees and is silent."""
    monkeypatch.chdir(ROOT)

    assert bff("schema", "--check") == Ended(0, "", "")


def test_the_schema_is_printed_as_it_is_checked_in() -> None:
    """`bff schema` prints the very file."""
    assert bff("schema").out == (ROOT / "schema.graphql").read_text()


def test_a_changed_schema_fails_with_the_difference(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where file and code differ, the check fails, shows the lines and names the cure."""
    changed = (ROOT / "schema.graphql").read_text().replace("  stock: Int!", "  stock: Int")
    (tmp_path / "schema.graphql").write_text(changed)
    monkeypatch.chdir(tmp_path)

    ended = bff("schema", "--check")

    assert ended.code == 2
    assert "-  stock: Int\n+  stock: Int!" in ended.err
    assert "make schema" in ended.err


def test_a_missing_schema_fails_the_same_way(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In a folder without schema.graphql the check fails with its own message."""
    monkeypatch.chdir(tmp_path)

    ended = bff("schema", "--check")

    assert ended.code == 2
    assert ended.err.endswith("run `make schema`\n")


def test_a_written_schema_passes_its_check(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What `--write` writes, `--check` accepts."""
    monkeypatch.chdir(tmp_path)

    assert bff("schema", "--write").code == 0
    assert bff("schema", "--check") == Ended(0, "", "")


def test_settings_are_listed_with_their_values_now(monkeypatch: pytest.MonkeyPatch) -> None:
    """`bff settings` shows what holds in this environment, secrets masked."""
    monkeypatch.setenv("BFF_PORT", "9000")
    monkeypatch.setenv("BFF_TOKEN_KEYS", KEY)

    told = bff("settings").out

    assert "9000" in told
    assert KEY not in told
    assert "********" in told


def test_settings_are_written_as_the_page_in_docs() -> None:
    """`bff settings --markdown` is docs/settings.md."""
    assert bff("settings", "--markdown").out == render_reference()


@pytest.mark.parametrize("arguments", [("serve",), ("dev",), ("settings",)], ids=" ".join)
def test_a_bad_setting_ends_every_role_with_one_message(
    arguments: tuple[str, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A bad value is exit code 2 and a line that names variable and problem."""
    monkeypatch.setenv("BFF_PORT", "many")

    ended = bff(*arguments)

    assert ended.code == 2
    assert ended.out == ""
    [line] = ended.err.splitlines()
    assert line.startswith("BFF_PORT: input should be a valid integer")


def test_a_misspelt_setting_ends_the_start_with_the_right_name(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A typo never runs as if it had not been set."""
    monkeypatch.setenv("BFF_PROT", "9000")

    ended = bff("serve")

    assert ended.code == 2
    assert ended.err == "BFF_PROT: there is no such setting; did you mean BFF_PORT?\n"


def test_serving_without_a_key_says_how_to_make_one() -> None:
    """A real gateway signs with a key of its operator or not at all."""
    ended = bff("serve")

    assert ended.code == 2
    [line] = ended.err.splitlines()
    assert line.startswith("BFF_TOKEN_KEYS: ")
    assert "`bff token key` makes one" in line


@pytest.mark.usefixtures("_taken_port")
@pytest.mark.parametrize("role", ["serve", "dev"])
def test_a_taken_port_is_told_with_what_to_do(
    role: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A port in use is exit code 2, the address and the variable that changes it."""
    monkeypatch.setenv("BFF_TOKEN_KEYS", KEY)
    monkeypatch.setenv("BFF_DATA_DIR", str(tmp_path))

    ended = bff(role)

    assert ended.code == 2
    [line] = ended.err.splitlines()
    assert line.startswith(f"cannot listen on 127.0.0.1:{os.environ['BFF_PORT']} (Address already")
    assert "BFF_PORT" in line
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("host", ["nowhere.invalid", "a..b", "999.1.1.1"])
def test_an_impossible_host_is_told_likewise(host: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A host that is none of this machine's is refused in words."""
    monkeypatch.setenv("BFF_TOKEN_KEYS", KEY)
    monkeypatch.setenv("BFF_HOST", host)

    ended = bff("serve")

    assert ended.code == 2
    [line] = ended.err.splitlines()
    assert line.startswith(f"cannot listen on {host}:8000 (")
    assert "BFF_HOST" in line


def test_a_made_key_can_be_used(monkeypatch: pytest.MonkeyPatch) -> None:
    """What `bff token key` prints is a value for BFF_TOKEN_KEYS, new each time."""
    first, second = bff("token", "key").out.strip(), bff("token", "key", "--id", "7").out.strip()

    assert TokenKeys.parse(first).signing.id == 1
    assert TokenKeys.parse(f"{second},{first}").signing.id == 7
    assert first.split(":")[1] != second.split(":")[1]


@pytest.mark.steered_time
async def test_a_token_is_verified_where_the_key_is_known(monkeypatch: pytest.MonkeyPatch) -> None:
    """With the right key and subject a token is shown as verified, with what it demands."""
    monkeypatch.setenv("BFF_TOKEN_KEYS", KEY)
    text = a_token("o-7", version=3)

    told = json.loads(bff("token", "inspect", text).out)

    assert told["verified"] is True
    assert told["entries"] == {"order:o-7": "1.3"}
    assert TokenKeys.parse(KEY) == KEYS


@pytest.mark.steered_time
@pytest.mark.parametrize(
    ("keys", "subject", "finding"),
    [
        (None, "anonymous", "no keys"),
        (OTHER_KEY, "anonymous", "changed, or sealed for another subject"),
        (KEY, "eve", "changed, or sealed for another subject"),
        (KEY.replace("1:", "2:"), "anonymous", "its key is not live"),
    ],
)
async def test_a_token_is_never_called_verified_without_proof(
    keys: str | None, subject: str, finding: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without keys, with others or for another subject it is told what the text claims, and why."""
    if keys is not None:
        monkeypatch.setenv("BFF_TOKEN_KEYS", keys)

    told = json.loads(bff("token", "inspect", a_token("o-7"), "--subject", subject).out)

    assert told["verified"] is False
    assert finding in told["finding"]
    assert told["entries"] == {"order:o-7": "1.1"}


@pytest.mark.parametrize("text", ["", "zzz", "ct1", "é", "a" * 5000])
def test_anything_can_be_inspected(text: str) -> None:
    """A text that is no token is told as such, with exit code 0: the question was answered."""
    ended = bff("token", "inspect", text)

    assert ended.code == 0
    assert json.loads(ended.out)["verified"] is False


def test_the_module_is_the_command() -> None:
    """`python -m gateway` ends like `bff`: the message on stderr alone, code 2, no stack."""
    ended = in_a_process("serve", BFF_PORT="many")

    assert ended.code == 2
    assert ended.out == ""
    assert ended.err.startswith("BFF_PORT: ")
    assert "Traceback" not in ended.err
