"""Do two libraries that know nothing of Signalbox accept what it signs, and what do they sign? One line of JSON in, one out.

    {"headers": {…}, "body": "…", "secret": "whsec_…"}         → {"standardwebhooks": "ok", "svix": "refused"}
    {"headers": {…}, "body": "…", "secret": "whpk_…"}          → {"cryptography": "ok"}
    {"id": "…", "timestamp": 1, "body": "…", "secret": "…"}    → {"standardwebhooks": "v1,…", "svix": "v1,…"}

`at` (seconds) is the time at which the libraries verify; now, unless it is there. Of v1a they know nothing, so there
Ed25519 (RFC 8032) is asked as the specification of Standard Webhooks has it.
"""

import base64
import datetime
import json
import sys
import time

import standardwebhooks
import standardwebhooks.webhooks
import svix.webhooks
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

LIBRARIES = {"standardwebhooks": standardwebhooks.Webhook, "svix": svix.webhooks.Webhook}
UTC = datetime.timezone.utc


def clock(at):
    """The class that the libraries ask for the time."""

    class Clock(datetime.datetime):
        @classmethod
        def now(cls, tz=None):
            return cls.fromtimestamp(time.time() if at is None else at, tz)

    return Clock


def accepted(library, asked):
    try:
        library(asked["secret"]).verify(asked["body"].encode(), asked["headers"])
    except standardwebhooks.WebhookVerificationError:
        return "refused"
    return "ok"


def accepted_by_key(asked):
    headers = {name.lower(): value for name, value in asked["headers"].items()}
    now = asked.get("at", time.time())
    if abs(now - int(headers["webhook-timestamp"])) > 300:
        return "refused"
    signed = f"{headers['webhook-id']}.{headers['webhook-timestamp']}.{asked['body']}".encode()
    key = Ed25519PublicKey.from_public_bytes(base64.b64decode(asked["secret"].removeprefix("whpk_"), validate=True))
    for one in headers["webhook-signature"].split(" "):
        version, _, signature = one.partition(",")
        try:
            if version == "v1a":
                key.verify(base64.b64decode(signature, validate=True), signed)
                return "ok"
        except (InvalidSignature, ValueError):
            pass
    return "refused"


def answer(asked):
    if "headers" not in asked:
        at = datetime.datetime.fromtimestamp(asked["timestamp"], UTC)
        return {name: library(asked["secret"]).sign(asked["id"], at, asked["body"]) for name, library in LIBRARIES.items()}
    standardwebhooks.webhooks.datetime = clock(asked.get("at"))
    if asked["secret"].startswith("whpk_"):
        return {"cryptography": accepted_by_key(asked)}
    return {name: accepted(library, asked) for name, library in LIBRARIES.items()}


for line in sys.stdin.buffer:
    print(json.dumps(answer(json.loads(line))), flush=True)
