"""What goes wrong with a request, as a status and a sentence for the client."""

from starlette.responses import JSONResponse

_TYPES = {401: "authentication_error", 404: "not_found_error", 502: "upstream_error", 503: "upstream_error"}


class Trouble(Exception):  # noqa: N818 - what it is to the client
    """A request that cannot be answered."""

    def __init__(self, status: int, message: str, code: str = "") -> None:
        """status: of HTTP. code: OpenAI's word for it, where it has one."""
        super().__init__(message)
        self.status, self.message, self.code = status, message, code


def in_openai(trouble: Trouble) -> JSONResponse:
    """The error as clients of OpenAI's API read it."""
    kind = _TYPES.get(trouble.status, "invalid_request_error")
    said = {"message": trouble.message, "type": kind, "code": trouble.code or None, "param": None}
    return JSONResponse({"error": said}, status_code=trouble.status)


def in_ollama(trouble: Trouble) -> JSONResponse:
    """The error as clients of Ollama read it."""
    return JSONResponse({"error": trouble.message}, status_code=trouble.status)
