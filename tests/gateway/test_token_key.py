import stat
from pathlib import Path

from typer.testing import CliRunner

from gateway.__main__ import cli
from gateway.token_key import KEY_FILE, kept_key, make_key
from projections.token_codec import TokenKeys


def test_a_kept_key_is_made_once(tmp_path: Path) -> None:
    """The key of a data folder is the same after a restart, so tokens outlive it."""
    folder = tmp_path / "not" / "there yet"

    first = kept_key(folder)

    assert kept_key(folder) == first
    assert TokenKeys.parse(first).signing.id == 1


def test_a_kept_key_is_for_this_user_alone(tmp_path: Path) -> None:
    """Nobody else on the machine can read the key."""
    kept_key(tmp_path)

    assert stat.S_IMODE((tmp_path / KEY_FILE).stat().st_mode) == 0o600


def test_no_two_keys_are_alike(tmp_path: Path) -> None:
    """Each key is random."""
    assert len({make_key() for _ in range(20)} | {kept_key(tmp_path)}) == 21


def test_an_operator_keeps_a_key_in_a_file_of_hers(tmp_path: Path) -> None:
    """`bff token key --keep` writes the key once, says nothing of it, and leaves what is there."""
    file = tmp_path / "keys" / "token.keys"
    command = ["token", "key", "--keep", str(file), "--id"]

    said = [CliRunner().invoke(cli, [*command, key_id]) for key_id in "12"]

    assert [(ended.exit_code, ended.output) for ended in said] == [(0, ""), (0, "")]
    assert TokenKeys.parse(file.read_text()).signing.id == 1
