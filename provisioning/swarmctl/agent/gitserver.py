"""The swarm's own git repository over HTTP, by git's own http-backend."""

import asyncio
from pathlib import Path

from starlette.requests import ClientDisconnect, Request
from starlette.responses import PlainTextResponse
from starlette.types import Receive, Scope, Send

from swarmctl.agent.fetched import Fetch
from swarmctl.agent.gitenv import git_env
from swarmctl.agent.marks import Marks
from swarmctl.agent.process import run, started
from swarmctl.core.ownheader import OWN

BODY_CAP = 512 * 1024 * 1024
"""Bytes of one request."""

_SERVICES = {
    ("GET", "info/refs"),
    ("POST", "git-upload-pack"),
    ("POST", "git-receive-pack"),
}
_CONFIG = {
    "http.receivepack": "true",
    "http.getanyfile": "false",
    "receive.fsckObjects": "true",
    "receive.maxInputSize": str(BODY_CAP),
    "receive.autogc": "false",
    "receive.denyCurrentBranch": "ignore",
    "uploadpack.allowAnySHA1InWant": "true",
    "gc.auto": "0",
    "core.logAllRefUpdates": "false",
    # Old but harmless histories, which the user could not mend: they are taken as they are.
    **{
        f"receive.fsck.{name}": "ignore"
        for name in (
            "badDate", "badDateOverflow", "badEmail", "badName", "badTimezone", "missingEmail",
            "missingNameBeforeEmail", "missingSpaceBeforeDate", "missingSpaceBeforeEmail",
            "zeroPaddedDate", "zeroPaddedFilemode",
        )
    },
}  # fmt: skip


async def make_repository(path: Path) -> None:
    """An empty bare repository with our configuration, made or brought up to date. Raises RuntimeError."""
    path.mkdir(parents=True, exist_ok=True, mode=0o700)
    env = git_env(extra={"GIT_DIR": str(path)})
    commands = [["git", "init", "--quiet", "--bare", "--template=", "--initial-branch=main"]]
    commands += [["git", "config", key, value] for key, value in _CONFIG.items()]
    for argv in commands:
        code, _, err = await run(argv, cwd="/", env=env, timeout=60)
        if code:
            raise RuntimeError(f"{' '.join(argv[:3])} failed: {err.decode(errors='replace').strip()[-300:]}")


class GitServer:
    """ASGI endpoint for `<name>/info/refs`, `<name>/git-upload-pack` and `<name>/git-receive-pack`."""

    def __init__(self, root: Path, name: str, *, cap: int = BODY_CAP, marks: Marks | None = None) -> None:
        """Serves the repository `root/name`; `cap` is in bytes of request body. marks: are told what was fetched."""
        self._root, self._name, self._cap, self._marks = root, name, cap, marks

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request of a git client."""
        request = Request(scope, receive)
        service = scope["path_params"]["service"]
        if (request.method, service) not in _SERVICES:
            await PlainTextResponse("no such service\n", status_code=404)(scope, receive, send)
        elif int(request.headers.get("content-length", "0")) > self._cap:
            await PlainTextResponse("larger than this repository takes\n", status_code=413)(scope, receive, send)
        else:
            await self._backend(request, service, send)

    async def _backend(self, request: Request, service: str, send: Send) -> None:
        env = self._environment(request, service)
        fetch = Fetch(request.headers.get("content-encoding", ""))
        async with (
            started(["git", "http-backend"], cwd="/", env=env) as process,
            asyncio.TaskGroup() as group,
        ):
            assert process.stdin is not None  # noqa: S101 - `started` gives three pipes
            assert process.stdout is not None  # noqa: S101
            assert process.stderr is not None  # noqa: S101
            feeding = group.create_task(_feed(request, process.stdin, self._cap, fetch))
            draining = group.create_task(process.stderr.read())
            status, headers = await _head(process.stdout)
            await send({"type": "http.response.start", "status": status, "headers": headers})
            while chunk := await process.stdout.read(65536):
                fetch.answered(chunk)
                await send({"type": "http.response.body", "body": chunk, "more_body": True})
            if feeding.done() and not await request.is_disconnected():
                self._given(request, service, fetch, await process.wait())
            await send({"type": "http.response.body", "body": b""})
            feeding.cancel()
            draining.cancel()

    def _given(self, request: Request, service: str, fetch: Fetch, code: int) -> None:
        """Results that a person fetched need not be held for them; an agent's own copy keeps nothing safe."""
        if self._marks and service == "git-upload-pack" and not code and OWN not in request.headers:
            self._marks.fetched(fetch.commits())

    def _environment(self, request: Request, service: str) -> dict[str, str]:
        given = request.headers
        cgi = {
            "REQUEST_METHOD": request.method,
            "QUERY_STRING": request.url.query,
            "PATH_INFO": f"/{self._name}/{service}",
            "CONTENT_TYPE": given.get("content-type", ""),
            "CONTENT_LENGTH": given.get("content-length", ""),
            "HTTP_CONTENT_ENCODING": given.get("content-encoding", ""),
            "GIT_PROTOCOL": given.get("git-protocol", ""),
            "GIT_PROJECT_ROOT": str(self._root),
            "GIT_HTTP_EXPORT_ALL": "1",
            # The bearer token was checked before this; http-backend only wants to see a name.
            "REMOTE_USER": "swarm",
            "REMOTE_ADDR": "127.0.0.1",
        }
        return git_env(extra={key: value for key, value in cgi.items() if value})


async def _feed(request: Request, stdin: asyncio.StreamWriter, cap: int, fetch: Fetch) -> None:
    sent = 0
    try:
        async for chunk in request.stream():
            sent += len(chunk)
            if sent > cap:
                break
            fetch.asked(chunk)
            stdin.write(chunk)
            await stdin.drain()
    except (BrokenPipeError, ConnectionResetError, ClientDisconnect):
        pass
    finally:
        # A body that is cut, by the cap or by a client that left, is an incomplete pack, which git refuses.
        stdin.close()


async def _head(stdout: asyncio.StreamReader) -> tuple[int, list[tuple[bytes, bytes]]]:
    try:
        raw = await stdout.readuntil(b"\r\n\r\n")
    except (asyncio.IncompleteReadError, asyncio.LimitOverrunError):
        return 500, []
    headers = []
    status = 200
    for line in raw.strip().split(b"\r\n"):
        name, _, value = line.partition(b":")
        if name.lower() == b"status":
            status = int(value.split()[0])
        else:
            headers.append((name.strip().lower(), value.strip()))
    return status, headers
