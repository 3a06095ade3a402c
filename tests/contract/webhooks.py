"""A receiver that verifies what it gets with the published library of Standard Webhooks.

    python webhooks.py http://127.0.0.1:8080

Against a server with the demonstration town that sends to loopback and without TLS. It makes a webhook, asks
for a ping, has a report filed, changes the secret over, and verifies each request with the secrets that sign
at the time, and with none else.
"""

import http.server
import json
import queue
import sys
import threading

import requests
from standardwebhooks.webhooks import Webhook, WebhookVerificationError

API = sys.argv[1]
PASSWORD = "demo-Patrol-2026"
REQUESTS = queue.Queue()


class Receiver(http.server.BaseHTTPRequestHandler):
    def do_POST(self):
        body = self.rfile.read(int(self.headers["content-length"])).decode()
        REQUESTS.put((dict(self.headers), body))
        self.send_response(204)
        self.end_headers()

    def log_message(self, *_):
        pass


def sign_in(username):
    answer = requests.post(
        f"{API}/v1/auth/login", json={"username": username, "password": PASSWORD}, timeout=30
    )
    answer.raise_for_status()
    return {"Authorization": f"Bearer {answer.json()['access_token']}"}


def post(path, who, body):
    answer = requests.post(f"{API}{path}", headers=who, json=body, timeout=30)
    answer.raise_for_status()
    return answer.json()


def verified(kind, right, wrong=()):
    """The next request, of this kind, signed with each right secret and with no wrong one."""
    headers, body = REQUESTS.get(timeout=30)
    for secret in right:
        envelope = Webhook(secret).verify(body, headers)
    for secret in wrong:
        try:
            Webhook(secret).verify(body, headers)
        except WebhookVerificationError:
            continue
        raise SystemExit(f"{kind} is signed with a secret that has ended")
    assert envelope["specversion"] == "1.0" and envelope["id"] == headers["webhook-id"], envelope
    assert envelope["type"].endswith(f".{kind}"), (kind, envelope["type"])
    try:
        Webhook(right[0]).verify(body.replace("1.0", "1.1"), headers)
    except WebhookVerificationError:
        return envelope
    raise SystemExit("a body that was tampered with passes")


server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Receiver)
threading.Thread(target=server.serve_forever, daemon=True).start()

leader, group = sign_in("town_leader"), sign_in("group_1_1")
town = requests.get(f"{API}/v1/me", headers=leader, timeout=30).json()["postings"][0]["grid_id"]
grid = requests.get(f"{API}/v1/me", headers=group, timeout=30).json()["postings"][0]["grid_id"]
made = post(
    "/v1/webhooks",
    leader,
    {
        "name": "对接",
        "grid_id": town,
        "url": f"http://127.0.0.1:{server.server_port}/",
        "kinds": ["escalated"],
    },
)
hook, first = f"/v1/webhooks/{made['webhook']['id']}", made["secret"]
requests.post(f"{API}{hook}/test", headers=leader, timeout=30).raise_for_status()
verified("ping", [first])

filing = {"grid_id": grid, "category": "straw_burning", "severity": "serious", "description": "河边烧秸秆"}
report = post("/v1/reports", group, filing)
escalated = verified("escalated", [first])
assert escalated["subject"] == report["id"], escalated
assert report["number"] in escalated["data"]["text"]["zh"], escalated
assert escalated["data"]["recipients"]["must_act"], escalated

second = post(f"{hook}/secrets", leader, {})["secret"]
requests.post(f"{API}{hook}/test", headers=leader, timeout=30).raise_for_status()
verified("ping", [first, second])
# The older one ends at once and makes room; asked again, the next one does.
third = post(f"{hook}/secrets", leader, {"old_valid_until": "2020-01-01T00:00:00Z"})["secret"]
requests.post(f"{API}{hook}/test", headers=leader, timeout=30).raise_for_status()
verified("ping", [second, third], [first])
fourth = post(f"{hook}/secrets", leader, {"old_valid_until": "2020-01-01T00:00:00Z"})["secret"]
requests.post(f"{API}{hook}/test", headers=leader, timeout=30).raise_for_status()
verified("ping", [third, fourth], [first, second])
print("every request is signed as it should be")
