"""Everything that can go wrong by request, and what is assumed where the real market has not been asked."""

from dataclasses import dataclass
from typing import Literal

Place = Literal["before", "after", "rent", "life", "listing", "search", "destroy", "state", "money"]


@dataclass(frozen=True, slots=True)
class Fault:
    """One. on: the operations that it strikes unless a rule names others. The rest: defaults of its options."""

    name: str
    place: Place
    says: str
    on: tuple[str, ...] = ()
    after: float = 0.0
    seconds: float = 0.0
    percent: float = 0.0


@dataclass(frozen=True, slots=True)
class Assumption:
    """Something that only the real market can tell. The first value is the one taken."""

    name: str
    values: tuple[str, ...]
    says: str


RENT = ("rent",)
ANY = ("any",)
FAULTS = (
    Fault("reset-before-accept", "before", "The connection is reset; nothing was done.", RENT),
    Fault("reset-after-accept", "after", "It is done, then the connection is reset.", RENT),
    Fault("502-after-accept", "after", "It is done, and a gateway answers 502 with HTML.", RENT),
    Fault("503-before-accept", "before", "A gateway answers 503; nothing was done.", ANY),
    Fault("plain-429", "before", "429 in plain text, without Retry-After.", ANY),
    Fault("slow-answer", "after", "It is done; the answer takes `seconds`.", ANY, seconds=30),
    Fault("garbage-json", "after", "It is done; the JSON of the answer breaks off in the middle.", ANY),
    Fault("html-instead-of-json", "before", "200 with a page of HTML; nothing was done.", ANY),
    Fault("success-false-200", "before", "200 with `success: false`; nothing was done.", ANY),
    Fault("bad-key-as-404", "before", "A good key is called unknown: 404 `auth_error`.", ANY),
    Fault("session-expired", "before", "404 `Session expired`, as after a second factor ran out.", ANY),
    Fault("forbidden", "before", "403 `not_authorized`, as for a key without the permission.", ANY),
    Fault("offer-gone-404", "rent", "Somebody was faster: 404 `invalid_args` with `no_such_ask` in its text.", RENT),
    Fault("offer-gone-410", "rent", "Somebody was faster: 410 `no_such_ask`.", RENT),
    Fault("error-with-contract", "rent", "400, and a contract all the same, which is stopped and bills storage.", RENT),
    Fault("insufficient-credit", "rent", "The market says that the credit does not do.", RENT),
    Fault("spend-rate-limit", "rent", "400 `spend_rate_limit`, as new accounts meet it.", RENT),
    Fault("no-ssh-key-for-vm", "rent", "400 `no_ssh_key_for_vm`, whatever keys the account has.", RENT),
    Fault("no-instance-key", "rent", "The answer lacks `instance_api_key`.", RENT),
    Fault("price-changed", "rent", "The instance costs `percent` more than its offer.", RENT, percent=30),
    Fault("label-lost", "rent", "The instance has no label.", RENT),
    Fault("starts-stopped", "rent", "The GPU went meanwhile: success, and the instance never leaves `stopped`.", RENT),
    Fault("stuck-loading", "life", "It stays in `loading` with one message for ever, and bills.", RENT),
    Fault("slow-loading", "life", "`loading` takes `seconds` more, with progress in its message.", RENT, seconds=1800),
    Fault("oci-error", "life", "It stays in `created` with `OCI runtime create failed` in its message.", RENT),
    Fault("exited-at-once", "life", "It runs for `after` seconds and is `exited`.", RENT, after=5),
    Fault("host-gone", "life", "`after` seconds from the rent `unknown`, 120 s later `offline`.", RENT, 600),
    Fault("host-blinks", "life", "As host-gone, and back to `running` after `seconds`.", RENT, 600, 300),
    Fault("ssh-refused", "life", "`running`, but for `seconds` nothing answers on its port.", RENT, seconds=300),
    Fault("ports-late", "life", "`ports` stays null for `seconds` after it is `running`.", RENT, seconds=60),
    Fault("outbid", "life", "A spot rental is stopped `after` seconds after the rent.", RENT, 900),
    Fault("ends-early", "life", "The host ends it `after` seconds from the rent: stopped, storage bills.", RENT, 1800),
    Fault("gpu-taken", "state", "A start after a stop never gets its GPU.", ("state",)),
    Fault("stop-ignored", "state", "A stop answers success and changes nothing.", ("state",)),
    Fault("listing-error", "listing", "500 for a listing.", ("list",)),
    Fault("empty-listing", "listing", "A listing answers 200 and says that there is nothing.", ("list",)),
    Fault("duplicate-listing-page", "listing", "The second page of a listing is the first again.", ("list",)),
    Fault("listing-late", "listing", "It is not listed for `seconds`; by id it is there.", RENT, seconds=60),
    Fault("null-instance", "listing", "Asked for by id, a living instance is null.", ("show",)),
    Fault("missing-fields", "listing", "Instances come without status, price, ports and times.", ("list", "show")),
    Fault("clock-skew", "listing", "Times of the market are `seconds` ahead.", ("list", "show"), seconds=7200),
    Fault("search-quota", "search", "429 `search_quota_exceeded`, X-RateLimit-Reset: until midnight, UTC."),
    Fault("search-misfilter", "search", "A search leaves out what fits and returns what does not."),
    Fault("search-stale", "search", "A search returns offers that are taken."),
    Fault("destroy-lies", "destroy", "A destroy answers success and the machine stays.", ("destroy",)),
    Fault("destroy-5xx-then-ok", "destroy", "A destroy answers 500 and does nothing; give it `times`.", ("destroy",)),
    Fault("destroy-slow", "destroy", "It answers success; the machine goes `seconds` later.", ("destroy",), seconds=20),
    Fault("machine-comes-back", "destroy", "It is gone, and runs again `after` seconds.", ("destroy",), after=30),
    Fault("credit-spent", "money", "`after` seconds from the rent the account is empty: all is stopped.", RENT, 900),
    Fault("charges-late", "money", "Charges of the last `seconds` are not shown yet.", ("charges",), seconds=3600),
)  # fmt: skip
BY_NAME = {one.name: one for one in FAULTS}

ASSUMPTIONS = (
    Assumption("loading-billed", ("yes", "no"), "GPUs cost money before `running`; the documentation says both."),
    Assumption("instance-key-destroys", ("yes", "no"), "The instance's own key may destroy it."),
    Assumption("instance-key-shows", ("no", "yes"), "The instance's own key may read it; the documentation says both."),
    Assumption("vm-flag", ("optional", "needed"), "A VM's image needs `vm: true` beside it."),
    Assumption("credit-status", ("400", "200"), "The status with which `insufficient_credit` comes."),
    Assumption("bad-key-status", ("404", "401"), "The status with which an unknown key is refused."),
    Assumption("charges-by-day", ("yes", "no"), "Charges are rows of days, UTC: a range from noon on lacks that day."),
    Assumption("unknown-billed", ("yes", "no"), "GPUs cost money in `unknown`, before `offline`."),
)  # fmt: skip
