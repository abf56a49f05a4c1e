"""The endpoint at which an orchestrator gives out the tests of a run, as a client sees it."""

import requests
from pydantic import ValidationError

from swarmctl.core.messages import CheckDone, CheckHold, CheckOrder, CheckTake, Message, TestResult
from swarmctl.errors import HostError

BEAT = 0.2
"""Share of a lease after which it is renewed, and which that may take."""


class RunOver(Exception):  # noqa: N818 - reads as the fact it states
    """The run has ended, or its agent runs its tests itself."""


class Orders:
    """One orchestrator's tests, for one holder. Every method raises HostError when it does not answer or refuses."""

    def __init__(self, url: str, token: str, holder: str) -> None:
        """url: of the orchestrator's agent. holder: a word that nobody else has."""
        self._url, self._holder = url, holder
        self._http = requests.Session()
        self._http.trust_env = False
        self._http.headers.update({"Authorization": f"Bearer {token}"})

    def take(self, run: str, wait: float) -> CheckOrder | None:
        """A test to be done now, or None when none came within `wait` seconds. Raises RunOver."""
        status, text = self._post("take", CheckTake(run=run, holder=self._holder, wait=wait), wait + 3)
        if status in (404, 410):
            raise RunOver
        if status == 204:
            return None
        try:
            return CheckOrder.model_validate_json(self._fine(status, text))
        except ValidationError:
            raise HostError("the orchestrator's test cannot be read", detail=text[:300]) from None

    def renew(self, order: CheckOrder) -> bool:
        """Whether a test is still ours; it is for another lease, then."""
        return self._counts(*self._post("renew", CheckHold(id=order.id, holder=self._holder), order.lease * BEAT))

    def done(self, order: CheckOrder, result: TestResult) -> bool:
        """Bring a result; whether it was wanted."""
        said = CheckDone(id=order.id, holder=self._holder, result=result)
        return self._counts(*self._post("done", said, order.lease * BEAT))

    def close(self) -> None:
        """Close the connections."""
        self._http.close()

    def _post(self, what: str, said: Message, seconds: float) -> tuple[int, str]:
        headers = {"Content-Type": "application/json"}
        body = said.model_dump_json()
        try:
            reply = self._http.post(
                f"{self._url}/checks/{what}", body, headers=headers, timeout=seconds, allow_redirects=False
            )
        except requests.RequestException as e:
            raise HostError(f"the orchestrator does not answer on {self._url}", detail=str(e)[:300]) from None
        return reply.status_code, reply.text

    def _counts(self, status: int, text: str) -> bool:
        if status in (404, 409, 410):
            return False
        self._fine(status, text)
        return True

    def _fine(self, status: int, text: str) -> str:
        if status not in (200, 204):
            raise HostError(f"the orchestrator refused a message on tests (HTTP {status})", detail=text[:300])
        return text
