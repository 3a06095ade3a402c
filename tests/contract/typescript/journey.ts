// The whole way of a report, from the field to closed, as an app developer would write it who has
// openapi.yaml and nothing else: every call is the generated client's, every type the compiler's.
//
//   node journey.js http://127.0.0.1:8080      against a server with the demonstration town

import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { deflateSync } from "node:zlib";

import { createClient, createConfig, type Client } from "./client/client/index.js";
import * as api from "./client/index.js";

const baseUrl = process.argv[2];
assert(baseUrl, "give the server's address");
const password = "demo-Patrol-2026";

/** What was answered, or what the problem document says. */
function answered<T>(reply: { data?: T; error?: unknown; response?: Response }): T {
  assert(reply.data !== undefined, `${reply.response?.url}: ${JSON.stringify(reply.error)}`);
  return reply.data;
}

/** The problem document that was answered. */
function refused(reply: { data?: unknown; error?: api.Problem; response?: Response }, code: string): api.Problem {
  assert(reply.error, `${reply.response?.url} was to be refused with ${code}`);
  assert.equal(reply.error.code, code);
  return reply.error;
}

/** A client of one officer. */
function clientOf(accessToken?: string): Client {
  return createClient(createConfig({ baseUrl, auth: accessToken }));
}

async function signIn(username: string): Promise<Client> {
  const tokens = answered(
    await api.signIn({
      client: clientOf(),
      body: { username, password, device: { id: `device-of-${username}`, platform: "node" } },
    }),
  );
  assert.equal(tokens.token_type, "Bearer");
  return clientOf(tokens.access_token);
}

/** A picture that differs each time: a PNG of 64 by 48 made here. */
function picture(): Blob {
  const [width, height] = [64, 48];
  const shade = randomUUID();
  const rows = Buffer.alloc(height * (1 + width * 3));
  for (let at = 0; at < rows.length; at += 1) {
    rows[at] = at % (1 + width * 3) === 0 ? 0 : shade.charCodeAt(at % 36);
  }
  const chunk = (kind: string, content: Buffer) => {
    const body = Buffer.concat([Buffer.from(kind, "latin1"), content]);
    const [length, check] = [Buffer.alloc(4), Buffer.alloc(4)];
    length.writeUInt32BE(content.length);
    check.writeUInt32BE(crc32(body));
    return Buffer.concat([length, body, check]);
  };
  const header = Buffer.alloc(13);
  header.writeUInt32BE(width, 0);
  header.writeUInt32BE(height, 4);
  header.set([8, 2, 0, 0, 0], 8);
  const parts = [
    Buffer.from([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]),
    chunk("IHDR", header),
    chunk("IDAT", deflateSync(rows)),
    chunk("IEND", Buffer.alloc(0)),
  ];
  return new Blob(parts.map((part) => new Uint8Array(part)), { type: "image/png" });
}

function crc32(bytes: Buffer): number {
  let crc = 0xffffffff;
  for (const byte of bytes) {
    crc ^= byte;
    for (let bit = 0; bit < 8; bit += 1) crc = (crc >>> 1) ^ (crc & 1 ? 0xedb88320 : 0);
  }
  return (crc ^ 0xffffffff) >>> 0;
}

async function send(client: Client, id: string): Promise<api.Photo> {
  return answered(
    await api.uploadPhoto({ client, path: { id }, body: picture(), headers: { "Content-Type": "image/png" } }),
  );
}

function may(report: api.Report, action: string): boolean {
  return report.allowed_actions.some((allowed) => allowed.action === action);
}

// The secretary makes a new group leader known and invites the phone in: nobody types a password.
const secretary = await signIn("secretary_1");
const grids = answered(await api.listGrids({ client: secretary, query: { tier: "group", limit: 200 } }));
const home = grids.items.find((grid) => grid.code === "990001100200001");
assert(home);
const recruit = answered(
  await api.createOfficer({
    client: secretary,
    body: { username: "recruit", name: "新组长", posting: { role: "group_leader", grid_id: home.id } },
  }),
);
const invitation = answered(await api.inviteOfficer({ client: secretary, path: { id: recruit.id } }));
const device = { id: randomUUID(), name: "红米 Note 12", platform: "android" };
const accepted = answered(
  await api.acceptInvitation({ client: clientOf(), body: { code: invitation.code, device } }),
);
const leader = clientOf(accepted.access_token);
const start = answered(await api.getBootstrap({ client: leader }));
assert(start.grids.some((grid) => grid.id === home.id));

// The group leader finds straw burning and files it with a photo under ids of the phone's own.
const me = answered(await api.getMe({ client: leader }));
const group = me.postings[0];
assert(group && group.role === "group_leader");
const [report, before, after] = [randomUUID(), randomUUID(), randomUUID()];
const filing: api.ReportFiling = {
  grid_id: group.grid_id,
  category: "straw_burning",
  severity: "serious",
  description: "河边田里有人烧秸秆，烟往村里飘",
  location: { lat: 26.69, lon: 101.854, crs: "wgs84", accuracy_m: 12 },
  photos: [{ id: before, role: "before" }],
};
const filed = answered(await api.fileReportWithId({ client: leader, path: { id: report }, body: filing }));
assert.equal(filed.status, "escalating");
assert.equal(filed.complete, false);
const again = await api.fileReportWithId({ client: leader, path: { id: report }, body: filing });
assert.equal(again.response?.status, 200, "the same filing again is the same report");
refused(
  await api.fileReportWithId({ client: leader, path: { id: report }, body: { ...filing, description: "别的" } }),
  "id_conflict",
);
assert.equal((await send(leader, before)).state, "ready");
assert.equal(answered(await api.getReport({ client: leader, path: { id: report } })).complete, true);

// The secretary finds it in the inbox, by name of whose turn it is, and sends it on to the town.
const inbox = answered(await api.getInbox({ client: secretary, query: { limit: 200 } }));
const waiting = inbox.items.find((item) => item.id === report);
assert(waiting && waiting.desk, "it waits for the secretary");
assert.equal(waiting.desk.duty, "decide");
assert(may(waiting, "approve"));
const approval = { client: secretary, path: { id: report }, body: { further: true, comment: "离林子近，请镇里协调" } };
const key = randomUUID();
const approved = answered(await api.approveReport({ ...approval, headers: { "Idempotency-Key": key } }));
assert.deepEqual([approved.status, approved.tier], ["open", "town"]);
const repeated = await api.approveReport({ ...approval, headers: { "Idempotency-Key": key } });
assert.equal(repeated.response?.headers.get("Idempotent-Replayed"), "true");
const refusal = refused(await api.approveReport(approval), "wrong_status");
assert.equal(refusal.status, 409);
assert(refusal.allowed_actions, "a refusal says what is possible instead");

// The town gives the work to the village, whose officer shows that it is done.
const office = await signIn("town_officer");
const tree = answered(await api.listGrids({ client: office, query: { tier: "village" } }));
const village = tree.items.find((grid) => grid.id === approved.desk?.grid_id) ?? tree.items[0];
assert(village);
const assigned = answered(
  await api.assignReport({
    client: office,
    path: { id: report },
    body: { grid_id: village.id, instruction: "立即到场扑灭并清运秸秆" },
  }),
);
assert.equal(assigned.handler?.grid_id, village.id);
const worker = await signIn("village_officer_1");
answered(
  await api.resolveReport({
    client: worker,
    path: { id: report },
    body: { result: "明火已扑灭，秸秆已清运", photos: [{ id: after }] },
  }),
);
assert.equal((await send(worker, after)).role, "after");

// The town leader closes it; everybody on its path reads the record.
const townLeader = await signIn("town_leader");
const seen = await api.getReport({ client: townLeader, path: { id: report } });
assert(may(answered(seen), "close"));
const etag = seen.response?.headers.get("ETag");
assert(etag);
const unchanged = await api.getReport({ client: townLeader, path: { id: report }, headers: { "If-None-Match": etag } });
assert.equal(unchanged.response?.status, 304);
const closed = answered(
  await api.closeReport({ client: townLeader, path: { id: report }, body: { outcome: "handled" }, headers: { "If-Match": etag } }),
);
assert.deepEqual([closed.status, closed.outcome], ["closed", "handled"]);
const record = answered(await api.listReportEvents({ client: leader, path: { id: report } }));
assert.deepEqual(
  record.items.map((event) => event.kind),
  ["filed", "escalated", "photo_arrived", "approved", "approved", "assigned", "resolved", "photo_arrived", "closed"],
);

// The picture is there in small, by a link that an image tag can follow.
const link = closed.photos[0]?.thumbnail_url;
assert(link);
let thumbnail = await fetch(new URL(link, baseUrl));
for (let tries = 0; thumbnail.status === 404 && tries < 240; tries += 1) {
  await new Promise((resolve) => setTimeout(resolve, 500));
  thumbnail = await fetch(new URL(link, baseUrl));
}
assert.equal(thumbnail.headers.get("Content-Type"), "image/jpeg");

// The settings state lengths of time as hours, days or working days.
const rules = answered(await api.getSettings({ client: townLeader })).settings.reports;
assert.deepEqual(rules?.limits?.["straw_burning"]?.critical, { hours: 1 });
assert.deepEqual([rules?.minor, rules?.pressing?.supervision_after], [{ working_days: 15 }, { days: 3 }]);

// Lists page by cursor; what is outside one's grids does not exist.
const found = new Set<string>();
let cursor: string | undefined;
do {
  const page = answered(await api.listReports({ client: leader, query: { view: "mine", limit: 5, cursor } }));
  page.items.forEach((item) => found.add(item.id));
  cursor = page.next_cursor;
} while (cursor);
assert(found.has(report));
refused(await api.getReport({ client: await signIn("group_2_1"), path: { id: report } }), "not_found");
const invalid = refused(
  await api.fileReport({ client: leader, body: { ...filing, photos: [], location: { lat: 0, lon: 0, crs: "wgs84" } } }),
  "validation_failed",
);
assert.equal(invalid.errors?.[0]?.pointer, "/location/lat");
answered({ data: (await api.signOut({ client: leader })).response?.status });
refused(await api.getMe({ client: leader }), "session_ended");
console.log(`${closed.number}: ${record.items.length} events`);
