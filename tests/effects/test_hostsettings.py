"""What a build is lent: proxies, package sources, certificates; files for the owner only, nothing in an argument."""

from pathlib import Path

import pytest

from swarmctl.effects import hostsettings
from swarmctl.effects.hostsettings import apt, environment, lend

CANARY = "http://user:secret@proxy.test:3128"


@pytest.fixture(autouse=True)
def bare(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    import os

    for name in [n for n in os.environ if n.upper().endswith("_PROXY") or n.startswith(("PIP_", "SSL_"))]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    monkeypatch.setattr(hostsettings.shutil, "which", lambda _: None)


def test_secrets_are_files_of_the_owner_and_only_their_names_are_arguments(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("https_proxy", CANARY)
    options = lend(tmp_path)
    assert "secret@" not in " ".join(options)
    for name in ("apt", "env"):
        file = tmp_path / f"{name}.secret"
        assert f"id={name},src={file}" in options
        assert CANARY in file.read_text()
        assert file.stat().st_mode & 0o077 == 0


def test_apt_gets_the_proxy_where_it_has_none_of_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTP_PROXY", CANARY)
    assert apt(own_ca=False) == f'Acquire::http::Proxy "{CANARY}";\n'
    assert "CAInfo" in apt(own_ca=True)
    monkeypatch.setenv("HTTP_PROXY", 'http://x";\nAPT::Update::Pre-Invoke {"touch /owned";};//')
    assert "Pre-Invoke" not in apt(own_ca=False)


def test_pip_s_files_and_variables_are_told_the_nearer_above_the_farther(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    conf = tmp_path / "config" / "pip" / "pip.conf"
    conf.parent.mkdir(parents=True)
    conf.write_text("[global]\nindex-url = https://far.test/simple\nuser = yes\n[install]\nretries = 3\n")
    assert environment(own_ca=False).splitlines() == [
        "export PIP_INDEX_URL=https://far.test/simple",
        "export PIP_RETRIES=3",
    ]
    monkeypatch.setenv("PIP_INDEX_URL", "https://near.test/it's")
    assert "near.test" in environment(own_ca=False)
    assert "far.test" not in environment(own_ca=False)
    monkeypatch.setenv("PIP_FIND_LINKS", "/opt/wheels https://links.test/")
    assert "PIP_FIND_LINKS=https://links.test/" in environment(own_ca=False)
    assert "/opt/wheels" not in environment(own_ca=False), "a folder of this machine means nothing in a build"


def test_a_broken_pip_conf_is_left_out(tmp_path: Path) -> None:
    conf = tmp_path / "config" / "pip" / "pip.conf"
    conf.parent.mkdir(parents=True)
    conf.write_bytes(b"\xff\xfe[[[ no = %(x)s")
    environment(own_ca=False)
