"""What Docker's client prints, in words: every reason from lines that real clients wrote."""

import pytest

from swarmctl.core.imagetext import progress, why


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ("Error response from daemon: manifest for ollama/ollama:9.9 not found: manifest unknown", "no such image"),
        ("Error response from daemon: pull access denied for swarmctl/llama.cpp, repository does not exist", "refuses"),
        ("Error response from daemon: denied", "refuses"),
        ("toomanyrequests: You have reached your unauthenticated pull rate limit.", "too many requests"),
        ('daemon: Get "http://127.0.0.1:1/v2/": dial tcp 127.0.0.1:1: connect: connection refused', "network"),
        ("Error response from daemon: Get https://r/v2/: net/http: TLS handshake timeout", "network"),
        ("Get https://r/v2/: x509: certificate signed by unknown authority", "certificate"),
        ("failed to register layer: tar file(exit status 1): write /x: no space left on device", "no space"),
        ("ERROR: THESE PACKAGES DO NOT MATCH THE HASHES FROM THE REQUIREMENTS FILE.", "not the one that was locked"),
        ("E: Unable to fetch some archives, maybe run apt-get update?", "packages cannot be fetched"),
        ("docker: 'buildx' is not a docker command.", "builder is missing"),
        ("Cannot connect to the Docker daemon at unix:///x. Is the docker daemon running?", "no Docker Engine"),
        ("permission denied while trying to connect to the Docker daemon socket", "may not talk to Docker"),
    ],
)
def test_a_failure_has_a_reason_and_something_to_type(line: str, reason: str) -> None:
    said, hint = why(["#5 12.3 something", line, ""])
    assert reason in said
    assert hint


def test_a_full_disk_is_the_reason_though_a_download_broke_off_later() -> None:
    lines = ["write /var/lib/docker/tmp/x: no space left on device", "dial tcp: connection refused"]
    assert "no space" in why(lines)[0]
    assert "no space" in why(lines[::-1])[0]


def test_what_nobody_knows_has_no_reason() -> None:
    assert why(["something else", "\x00\xff" * 100]) == ("", "")


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("#7 [packages 2/5] RUN --mount=type=secret,id=apt apt-get update", "2/5: RUN apt-get update"),
        ("#12 [stage-1 5/5] COPY  a   b", "5/5: COPY a b"),
        ("#7 8.390 Get:193 http://example.org/debian forky/main amd64 python3-setuptools", ""),
        ("3b6c7f4f8c0a: Pull complete", "layer: pull complete"),
        ("3b6c7f4f8c0a: Downloading", ""),
        ("", ""),
    ],
)
def test_only_steps_and_layers_are_told(line: str, said: str) -> None:
    assert progress(line) == said
