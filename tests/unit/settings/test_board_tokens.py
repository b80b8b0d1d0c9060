"""Who may use the board, as settings say it."""

from __future__ import annotations

from pathlib import Path

import pytest

from schemas.errors import SettingsError
from streams.board.server import require_tokens, with_token_for
from streams.runtime.settings import Settings, load_settings

MARA, TOM = "hunter2-of-mara=with", "hunter2-of-tom-12345"


def people(settings: Settings) -> dict[str, str]:
    return {name: token.get_secret_value() for name, token in settings.board_tokens}


def test_tokens_come_from_the_environment_a_file_of_their_own_or_the_settings_file(tmp_path: Path) -> None:
    expected = {"mara": MARA, "Tom B.": TOM}
    assert people(load_settings({"SLACKWATER_BOARD_TOKENS": f"mara={MARA}, Tom B.={TOM},"})) == expected
    (tmp_path / "tokens").write_text(f"mara={MARA}\n\n Tom B. = {TOM}\n")
    assert people(load_settings({"SLACKWATER_BOARD_TOKENS_FILE": str(tmp_path / "tokens")})) == expected
    (tmp_path / "s.toml").write_text(f'board_tokens = """\nmara={MARA}\nTom B.={TOM}\n"""\n')
    assert people(load_settings({}, tmp_path / "s.toml")) == expected


@pytest.mark.parametrize(
    ("value", "says"),
    [
        (MARA.replace("=", ""), "entry 1 should be name=token"),
        (f"={MARA}", "should be name=token"),
        (f"a\x07b={MARA}", "should be name=token"),
        ("mara=hunter2", "entry 1 should be name=token, with a token of 16 or more"),
        ("mara=hunter2 hunter2 hunter2", "none a blank"),
        (f"mara={MARA},mara={TOM}", "each name should be there once"),
        (f"mara={MARA},tom={MARA}", "with a token that no other has"),
    ],
)
def test_what_is_wrong_is_said_without_the_token(value: str, says: str) -> None:
    with pytest.raises(SettingsError) as refused:
        load_settings({"SLACKWATER_BOARD_TOKENS": value})
    assert says in str(refused.value)
    assert str(refused.value).startswith("SLACKWATER_BOARD_TOKENS: ")
    assert "hunter2" not in str(refused.value)


@pytest.mark.parametrize("toml", ["board_tokens = 1", '[board_tokens]\nmara = "hunter2"', 'board_tokens = ["hunter2"]'])
def test_what_is_no_text_is_refused(toml: str, tmp_path: Path) -> None:
    (tmp_path / "s.toml").write_text(toml)
    with pytest.raises(SettingsError) as refused:
        load_settings({}, tmp_path / "s.toml")
    assert "hunter2" not in str(refused.value)


@pytest.mark.parametrize("host", ["127.0.0.1", "0.0.0.0", "board.example"])
def test_without_tokens_there_is_no_board(host: str) -> None:
    settings = Settings(board_host=host)
    with pytest.raises(SettingsError, match="SLACKWATER_BOARD_TOKENS"):
        require_tokens(settings)


def test_a_token_is_made_up_for_one_run_where_only_this_machine_can_use_it() -> None:
    made = with_token_for(Settings(), "mara")
    ((name, token),) = made.board_tokens
    assert name == "mara"
    assert len(token.get_secret_value()) >= 24
    assert with_token_for(Settings(), "mara").board_tokens != made.board_tokens
    assert with_token_for(made, "tom") is made
    assert with_token_for(Settings(board_host="0.0.0.0"), "mara").board_tokens == ()
