"""A market's double for a test host, run there: its own machine's key is refused the account, and destroys late.

python3 marketdouble.py PORT LOG REFUSALS
"""

import json
import sys
from http.server import BaseHTTPRequestHandler, HTTPServer

KEYS = {"Bearer account-key": "account", "Bearer scoped-key": "scoped"}


class Handler(BaseHTTPRequestHandler):
    """Writes a line for each request, and refuses the first DELETEs."""

    refusals = 0
    log = ""

    def answer(self) -> None:
        """What provisioning needs of it: one's own account, and the end of instance 7."""
        self.rfile.read(int(self.headers.get("Content-Length") or 0))
        key = KEYS.get(self.headers.get("Authorization", ""), "unknown")
        with open(self.log, "a", encoding="utf-8") as log:  # noqa: PTH123 - runs on a host as it is
            log.write(json.dumps([self.command, self.path, key]) + "\n")
        status, body = self.judge(key)
        text = json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text)

    def judge(self, key: str) -> tuple[int, dict[str, object]]:
        """Status and body."""
        if key == "unknown":
            return 404, {"success": False, "error": "auth_error", "msg": "Invalid user key"}
        if self.path == "/api/v0/users/current/":
            return (200, {"id": 1, "credit": 9.0}) if key == "account" else (403, {"error": "not_authorized"})
        if self.command == "DELETE" and self.path == "/api/v0/instances/7/":
            if Handler.refusals > 0:
                Handler.refusals -= 1
                return 503, {"msg": "try again"}
            return 200, {"success": True}
        return 404, {"success": False, "error": "no_such_instance"}

    do_GET = do_DELETE = do_PUT = answer  # noqa: N815 - names of the standard library


if __name__ == "__main__":
    Handler.log, Handler.refusals = sys.argv[2], int(sys.argv[3])
    HTTPServer(("127.0.0.1", int(sys.argv[1])), Handler).serve_forever()
