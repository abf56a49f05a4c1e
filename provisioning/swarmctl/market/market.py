"""The market without a socket: a request goes in, a response comes out, and only its clock makes time pass."""

from typing import Any

from swarmctl.market import control
from swarmctl.market.account import Key
from swarmctl.market.call import Call
from swarmctl.market.clock import Clock
from swarmctl.market.limits import Limits
from swarmctl.market.routes import Route, route
from swarmctl.market.store import Store
from swarmctl.market.wire import Json, Refused, Request, Response, answer, body_of, error
from swarmctl.market.world import Settings, World

HTML = "<html><head><title>502 Bad Gateway</title></head><body><center><h1>502 Bad Gateway</h1></center></body></html>"
PAGE = "<!DOCTYPE html><html><head><title>Just a moment...</title></head><body></body></html>"
_HTML = {"Content-Type": "text/html; charset=UTF-8"}


class Market:
    """Raises ValueError where the settings, the faults or the state file are not to be used."""

    def __init__(
        self, clock: Clock, settings: Settings | None = None, state: str = ":memory:", faults: str = ""
    ) -> None:
        self.store = Store(state)
        self.world = World(clock, self.store, settings or Settings())
        self.limits = Limits()
        if faults:
            with self.world.turn():
                self.world.set_rules(faults)

    @property
    def key(self) -> str:
        """The account's API key."""
        return self.world.key

    @property
    def control_key(self) -> str:
        """The key of what begins with `/_market/`."""
        return self.world.control_key

    def handle(self, request: Request) -> Response:
        """Answers one call; when it returns, what it did is in the state file."""
        with self.world.turn() as now:
            try:
                response = self._serve(request, now)
            except Refused as e:
                response = e.response()
            if not request.path.startswith("/_market/"):
                told = {"method": request.method, "path": request.path[:200], "status": response.status}
                self.store.log(now, "call", told | ({"dropped": True} if response.drop_connection else {}))
        return response

    def books(self) -> dict[str, Any]:
        """The truth about who owes what, at this moment."""
        with self.world.turn() as now:
            return control.books(self.world, now)

    def events(self, after: int = 0) -> list[dict[str, Any]]:
        """Everything that happened, calls included; two runs under one seed have the same."""
        return self.store.events(after, 1_000_000)

    def close(self) -> None:
        """Lets the state file go."""
        self.store.close()

    def _serve(self, request: Request, now: int) -> Response:
        if request.path.startswith("/_market/"):
            return control.serve(self.world, request, now)
        found = route(request.method, request.path)
        if found is None:
            raise error(404, "not_found", f"{request.method} {request.path[:200]} is not part of this market")
        point, ids = found
        call = Call(self.world, request, now, point.operation, ids)
        self._early(call)
        bearer = request.header("authorization").removeprefix("Bearer ").strip() or request.query.get("api_key", "")
        if self.world.settings.limits:
            self._limit(point, bearer, request.client, now)
        call.key = self._known(point, bearer, ids)
        call.body = body_of(request)
        _own(point, call)
        return self._late(call, point)

    def _early(self, call: Call) -> None:
        """Faults that keep a call from being heard. Raises Refused."""
        for name, (status, body, headers) in _DEAF.items():
            if self._strike(call, name):
                raise Refused(status, body, headers)
        if self._strike(call, "reset-before-accept"):
            raise _Drop(0, "")

    def _late(self, call: Call, point: Route) -> Response:
        """Does it; faults may keep the answer from arriving."""
        try:
            response = point.handler(call)
        except Refused as e:
            response = e.response()
        if self._strike(call, "reset-after-accept"):
            return Response(response.status, drop_connection=True)
        if self._strike(call, "502-after-accept"):
            return answer(HTML, 502, _HTML)
        if self._strike(call, "garbage-json"):
            return Response(response.status, response.body[: len(response.body) // 2], response.headers)
        if rule := self._strike(call, "slow-answer"):
            return Response(response.status, response.body, response.headers, delay=rule.seconds)
        return response

    def _strike(self, call: Call, name: str) -> Any:
        if not self.world.rules:
            return None
        id_ = call.ids[0] if call.ids else None
        offer = self.world.shop.offers.get(id_ or 0)
        contract = self.world.contracts.get(id_ or 0)
        machine = offer.machine if offer else contract.machine if contract else None
        return self.world.strike(name, call.operation, machine, id_)

    def _limit(self, point: Route, bearer: str, client: str, now: int) -> None:
        if point.operation == "search":
            self.limits.check_search(client, now)
        who = f"{bearer} {client}"
        self.limits.check(f"{point.method} {point.path}", who, now, point.threshold, point.penalty)

    def _known(self, point: Route, bearer: str, ids: tuple[int, ...]) -> Key | None:
        """Who calls. Raises Refused for a key that is none, and for one that may not."""
        if point.group is None:
            return None
        if not bearer:
            raise error(403, "auth_error", "This action requires login.")
        key = self.world.keys.get(bearer)
        if key is None:
            raise error(int(self.world.assume["bad-key-status"]), "auth_error", "Invalid user key")
        reads = point.operation == "show" and self.world.assume["instance-key-shows"] == "yes"
        destroys = point.operation != "destroy" or self.world.assume["instance-key-destroys"] == "yes"
        mine = key.contract is None or (((point.own and destroys) or reads) and ids[:1] == (key.contract,))
        allowed = key.groups is None or point.group in key.groups or (reads and key.contract is not None)
        if not mine or not allowed:
            raise error(403, "not_authorized", "This key is not allowed to do that.")
        return key


def _own(point: Route, call: Call) -> None:
    """A key of an instance changes its state, nothing else. Raises Refused."""
    if call.key and call.key.contract is not None and point.operation == "state" and set(call.body) != {"state"}:
        raise error(403, "not_authorized", "This key is not allowed to do that.")


def _said(code: str, message: str) -> Json:
    return {"success": False, "error": code, "msg": message}


class _Drop(Refused):
    """No answer at all."""

    def response(self) -> Response:
        return Response(0, drop_connection=True)


_DEAF: dict[str, tuple[int, Json | str, dict[str, str]]] = {
    "plain-429": (429, "API requests too frequent", {}),
    "503-before-accept": (503, "upstream connect error or disconnect/reset before headers", {}),
    "html-instead-of-json": (200, PAGE, _HTML),
    "success-false-200": (200, _said("internal_error", "Something went wrong."), {}),
    "bad-key-as-404": (404, _said("auth_error", "Invalid user key"), {}),
    "session-expired": (404, _said("auth_error", "Session expired, please log in again."), {}),
    "forbidden": (403, _said("not_authorized", "This key is not allowed to do that."), {}),
}
