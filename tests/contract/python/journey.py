"""A report filed and read with the Python client that is generated from openapi.yaml: the settings with
their lengths of time, a list, the inbox and problem documents as well.

    python journey.py http://127.0.0.1:8080      against a server with the demonstration town
"""

import sys
from uuid import uuid4

import gridpatrol_client as client
from gridpatrol_client.exceptions import ApiException

PASSWORD = "demo-Patrol-2026"


def connected(token=None):
    return client.ApiClient(client.Configuration(host=sys.argv[1], access_token=token))


def sign_in(username):
    request = client.SignInRequest(username=username, password=PASSWORD)
    tokens = client.AuthApi(connected()).sign_in(request)
    assert tokens.token_type == "Bearer", tokens
    return connected(tokens.access_token)


def refused(call, status, code):
    """The problem document of a call that is to be refused."""
    try:
        call()
    except ApiException as refusal:
        assert isinstance(refusal.data, client.Problem), refusal
        assert (refusal.status, refusal.data.code) == (status, code), refusal
        return refusal.data
    raise SystemExit(f"{code} was expected")


leader, secretary, town = (sign_in(name) for name in ("group_1_1", "secretary_1", "town_leader"))
group = client.AuthApi(leader).get_me().postings[0]
assert group.role == "group_leader", group

reports = client.ReportsApi(leader)
filing = client.ReportFiling(
    grid_id=group.grid_id,
    category="straw_burning",
    severity="serious",
    description="河边田里有人烧秸秆",
    location=client.LocationRequest(lat=26.69, lon=101.854, crs="wgs84"),
)
filed = reports.file_report_with_id(uuid4(), filing)
read = reports.get_report(filed.id)
assert (read.number, read.status, read.location.lat) == (filed.number, "escalating", 26.69), read
assert read.desk.duty == "decide" and read.deadline_at > read.received_at, read

found, cursor = set(), None
while True:
    page = reports.list_reports(view="mine", limit=5, cursor=cursor)
    found.update(report.id for report in page.items)
    cursor = page.next_cursor
    if not cursor:
        break
assert filed.id in found, found

waiting = {item.id: item for item in client.ReportsApi(secretary).get_inbox(limit=200).items}
assert "approve" in [action.action for action in waiting[filed.id].allowed_actions], waiting
approval = client.Approval(further=True, comment="请镇里协调")
approved = client.ActionsApi(secretary).approve_report(filed.id, approval=approval)
assert (approved.status, approved.tier) == ("open", "town"), approved

rules = client.SettingsApi(town).get_settings().settings.reports
assert rules.limits["straw_burning"].critical.hours == 1, rules
assert rules.minor.working_days == 15 and rules.minor.days is None, rules
assert rules.pressing.supervision_after.days == 3, rules
assert client.ReportsApi(town).get_report(filed.id).number == filed.number

filing.location = client.LocationRequest(lat=0, lon=0, crs="wgs84")
invalid = refused(lambda: reports.file_report(filing), 422, "validation_failed")
assert invalid.errors[0].pointer == "/location/lat", invalid
refused(lambda: reports.get_report(uuid4()), 404, "not_found")
print(f"{filed.number}: filed, read and approved")
