"""How schemathesis signs in, and which answers it takes for right although the document's shapes allow
the request.

Every exception stands here with its reason.
"""

import os
import re
import sys

import requests
import schemathesis

PASSWORD = "demo-Patrol-2026"
ROLE = os.environ["GRIDPATROL_ROLE"]

# What a schema states. Every other rule is between several fields, or on what a text says, and stating it
# would spoil the generated clients: "at least one of these", "a position lies in China", "these two
# differ", "it exists", "a password is no common one".
STATED = {"wrong_type", "unknown_field", "too_long", "too_many"}

# The same key with another body; a file that is not the announced one, or of no kind that is read;
# names of form fields that no form can have.
BEYOND_SHAPES = {"key_reused", "photo_rejected", "unsupported_media_type", "malformed_request"}

# A name where an id can stand (`/v1/grids/tree`, `/v1/reports/similar`): other methods are those of the id, which it is not.
NAME_FOR_AN_ID = re.compile(r"^/v1/(grids|officers|reports)/[a-z]+$")


class Session:
    """The role's session; a new one when a request that was made up has ended it."""

    def __init__(self, base):
        self.base = base
        self.begin()

    def begin(self):
        answer = requests.post(
            f"{self.base}/v1/auth/login", json={"username": ROLE, "password": PASSWORD}, timeout=30
        )
        if answer.status_code != 200:
            # Without its role the rest of the run would show nothing.
            print(f"{ROLE} cannot sign in any more: {answer.text}", file=sys.stderr)
            os._exit(1)
        self.token = answer.json()["access_token"]


SESSION = Session(os.environ["GRIDPATROL_API"])


@schemathesis.auth(refresh_interval=None)
class Bearer:
    """Every request is the role's, unless a check takes the token away."""

    def get(self, case, context):
        return SESSION.token

    def set(self, case, data, context):
        case.headers = case.headers or {}
        case.headers["Authorization"] = f"Bearer {data}"


@schemathesis.hook
def after_call(context, case, response):
    sent = response.request.headers.get("Authorization", "")
    if response.status_code == 401 and sent == f"Bearer {SESSION.token}":
        SESSION.begin()


@schemathesis.deserializer("application/yaml", "text/yaml", "image/*", "image/jpeg")
def as_it_is(context, response):
    return response.content.decode("utf-8", "replace")


@schemathesis.hook
def filter_failure(context, failure, case, response):
    """Whether a failure counts: a refusal of what the shapes allow, for a reason that they cannot say."""
    meant = (case.headers or {}).get("X-HTTP-Method-Override")
    if type(failure).__name__ in {"UnsupportedMethodResponse", "AllowHeaderMismatch"}:
        # A POST that means another method is answered as that method is.
        return meant not in ("PATCH", "DELETE") and not NAME_FOR_AN_ID.match(case.operation.path)
    if type(failure).__name__ == "AcceptedNegativeData":
        # Beside another method than POST the header says nothing, whatever it holds.
        return meant in (None, "PATCH", "DELETE")
    if case.operation.path == "/" and response.status_code < 400:
        # It only leads to the documentation, which is a page.
        return False
    if type(failure).__name__ != "RejectedPositiveData":
        return True
    problem = response.json()
    if problem["code"] == "validation_failed":
        return any(error["code"] in STATED for error in problem["errors"])
    return problem["code"] not in BEYOND_SHAPES
