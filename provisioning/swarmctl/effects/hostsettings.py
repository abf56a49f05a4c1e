"""What this machine lends to a build so that it reaches what the machine reaches; no layer keeps any of it."""

import configparser
import os
import re
import shlex
import shutil
from pathlib import Path
from urllib.parse import urlsplit

from swarmctl.effects.process import run
from swarmctl.errors import HostError

_BUNDLES = ("/etc/ssl/certs/ca-certificates.crt", "/etc/pki/tls/certs/ca-bundle.crt", "/etc/ssl/cert.pem")
_PROXIES = ("http_proxy", "https_proxy", "no_proxy", "HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY")
_PIP = ("index-url", "extra-index-url", "trusted-host", "proxy", "timeout", "retries")
_APT = re.compile(r"Acquire::(Check-Valid-Until |Retries |https?::(\S*::)?(Proxy|Verify|Timeout))")
_THERE = "/run/secrets/ca"


def lend(folder: Path) -> list[str]:
    """Options of `docker buildx build` with the secrets apt, env and ca, whose files are written to `folder`.

    apt: proxies of apt-get. env: proxies, and where pip finds packages, as lines for a shell. ca: trusted certificates.
    """
    options = []
    bundle = _bundle()
    for name, text in (("apt", apt(bundle is not None)), ("env", environment(bundle is not None))):
        path = folder / f"{name}.secret"
        path.touch(mode=0o600)
        path.write_text(text, encoding="utf-8")
        options += ["--secret", f"id={name},src={path}"]
    return [*options, "--secret", f"id=ca,src={bundle}"] if bundle else options


def apt(own_ca: bool) -> str:
    """Lines of apt's configuration: as apt here has them, else from the proxy variables."""
    kept: list[str] = []
    if shutil.which("apt-config"):
        try:
            dump = run(("apt-config", "dump"), timeout=20).stdout
        except HostError:
            dump = ""
        kept = [line for line in dump.splitlines() if _APT.match(line)]
    if not any("Proxy" in line for line in kept):
        for scheme in ("http", "https"):
            proxy = os.environ.get(f"{scheme}_proxy") or os.environ.get(f"{scheme}_proxy".upper(), "")
            # A quote would end the value, and what follows would be configuration.
            if proxy and '"' not in proxy and "\n" not in proxy:
                kept.append(f'Acquire::{scheme}::Proxy "{proxy}";')
    if own_ca:
        kept.append(f'Acquire::https::CAInfo "{_THERE}";')
    return "".join(f"{line}\n" for line in kept)


def environment(own_ca: bool) -> str:
    """Lines for a shell: proxies, pip's settings, and the certificates' place."""
    values = {name: os.environ[name] for name in _PROXIES if os.environ.get(name)}
    values |= _pip()
    if own_ca:
        values["SSL_CERT_FILE"] = _THERE
    return "".join(f"export {name}={shlex.quote(value)}\n" for name, value in values.items())


def _pip() -> dict[str, str]:
    """pip's settings as variables, the nearer above the farther; a folder of this machine means nothing in a build."""
    found: dict[str, str] = {}
    home = os.environ.get("XDG_CONFIG_HOME") or str(Path.home() / ".config")
    files = ["/etc/pip.conf", str(Path.home() / ".pip" / "pip.conf"), f"{home}/pip/pip.conf"]
    for path in (*files, os.environ.get("PIP_CONFIG_FILE", "")):
        parser = configparser.RawConfigParser()
        try:
            parser.read(path or (), encoding="utf-8")
        except (configparser.Error, OSError, UnicodeDecodeError):
            continue
        for section in ("global", "install"):
            if parser.has_section(section):
                found |= {
                    f"PIP_{key.upper().replace('-', '_')}": parser[section][key]
                    for key in _PIP
                    if key in parser[section]
                }
    for key in (*_PIP, "find-links", "default-timeout"):
        name = f"PIP_{key.upper().replace('-', '_')}"
        if value := os.environ.get(name):
            found[name] = value
    links = [word for word in found.pop("PIP_FIND_LINKS", "").split() if urlsplit(word).scheme in {"http", "https"}]
    return {**found, **({"PIP_FIND_LINKS": " ".join(links)} if links else {})}


def _bundle() -> Path | None:
    """This machine's certificates: a build talks to what it talks to."""
    named = [os.environ[name] for name in ("SSL_CERT_FILE", "PIP_CERT") if os.environ.get(name)]
    return next((Path(name) for name in (*named, *_BUNDLES) if Path(name).is_file()), None)
