"""A verdict as JUnit XML, which every CI server shows."""

import re
from xml.sax.saxutils import quoteattr

from swarmctl.core.proof import Proof
from swarmctl.core.verdict import Verdict

_UNSAID = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
"""What XML 1.0 cannot say, not even escaped."""


def junit(verdict: Verdict, swarm: str) -> str:
    """One test case a proof: `failure` for one that does not hold, `skipped` for one that could not be looked at."""
    failed, unknown = (sum(p.verdict == word for p in verdict.proofs) for word in ("fail", "unknown"))
    counts = f'tests="{len(verdict.proofs)}" failures="{failed}" errors="0" skipped="{unknown}"'
    head = f"{counts} time={_attribute(f'{verdict.seconds:.3f}')}"
    stamp = verdict.at.replace(tzinfo=None).isoformat(timespec="seconds")
    lines = [
        '<?xml version="1.0" encoding="UTF-8"?>',
        f"<testsuites {head}>",
        f"  <testsuite name={_attribute(f'swarmctl.{swarm}')} timestamp={_attribute(stamp)} {head}>",
        *(_case(proof) for proof in verdict.proofs),
        "  </testsuite>",
        "</testsuites>",
    ]
    return "\n".join(lines) + "\n"


def _case(proof: Proof) -> str:
    head = f"    <testcase classname={_attribute(proof.subject)} name={_attribute(proof.name)}"
    said = f"promised {proof.promised}, measured {proof.measured}"
    if proof.verdict == "pass":
        return f"{head}/>"
    if proof.verdict == "unknown":
        return f"{head}>\n      <skipped message={_attribute(f'{said}: {proof.evidence}')}/>\n    </testcase>"
    body = f"evidence: {proof.evidence}\nmend: {proof.mend}"
    failure = f"<failure message={_attribute(said)} type={_attribute(proof.name)}>{_text(body)}</failure>"
    return f"{head}>\n      {failure}\n    </testcase>"


def _attribute(text: str) -> str:
    return quoteattr(_UNSAID.sub("?", text), {"\n": "&#10;", "\r": "&#13;", "\t": "&#9;"})


def _text(text: str) -> str:
    plain = _UNSAID.sub("?", text)
    return plain.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
