// The reader of /docs, without a browser: it finds every operation and makes requests that are understood.
import assert from 'node:assert/strict';
import test from 'node:test';

const api = process.env.GRIDPATROL_API;
const load = async (name) => {
  const source = await (await fetch(`${api}/docs/${name}`)).text();
  return import(`data:text/javascript;base64,${Buffer.from(source).toString('base64')}`);
};
const { bodyExample, matches, resolve, sections } = await load('document.js');
const { curl, headersOf, target } = await load('request.js');
const document = await (await fetch(`${api}/openapi.json?lang=zh`)).json();
const all = sections(document);
const operations = all.flatMap((section) => section.operations);
const named = (id) => operations.find((operation) => operation.id === id);

test('sections stand in the order in which an app is built, and have all operations', () => {
  assert.equal(all[0].name, 'auth');
  assert.equal(all.at(-1).name, 'operation');
  const documented = Object.values(document.paths).flatMap((item) => Object.keys(item)).length + Object.keys(document.webhooks).length;
  assert.equal(operations.length, documented);
  assert.equal(new Set(operations.map((operation) => operation.id)).size, documented);
});

test('the filter takes words of either language', () => {
  const found = (filter) => operations.filter((operation) => matches(operation, filter)).map((operation) => operation.id);
  assert.ok(found('登录').includes('signIn'));
  assert.ok(found('POST reports approve').includes('approveReport'));
  assert.deepEqual(found('nothing has these words'), []);
});

test('every JSON body has an example that holds what is required', () => {
  for (const operation of operations) {
    const content = resolve(document, operation.requestBody ?? {}).content?.['application/json'];
    if (!content) continue;
    const example = bodyExample(document, content);
    assert.equal(typeof example, 'object', operation.id);
    for (const name of resolve(document, content.schema).required ?? []) assert.ok(name in example, `${operation.id}: ${name}`);
  }
});

test('a request that the form makes is answered', async () => {
  const signIn = await fetch(api + target(named('signIn'), []), {
    method: 'POST',
    headers: headersOf([], 'zh-CN', undefined, 'application/json'),
    body: JSON.stringify({ username: 'group_1_1', password: 'demo-Patrol-2026' }),
  });
  const { access_token: token } = await signIn.json();
  const values = [
    { place: 'query', name: 'view', value: 'mine' },
    { place: 'query', name: 'q', value: '' },
    { place: 'header', name: 'If-None-Match', value: '' },
  ];
  const path = target(named('listReports'), values);
  assert.equal(path, '/v1/reports?view=mine');
  const headers = headersOf(values, 'zh-CN', token);
  const reports = await (await fetch(api + path, { headers })).json();
  assert.ok(reports.items.length > 0);
  const one = target(named('getReport'), [{ place: 'path', name: 'id', value: reports.items[0].id }]);
  assert.equal((await fetch(api + one, { headers })).status, 200);
  assert.equal(curl('get', `${api}/x`, { A: "it's" }), `curl -sS '${api}/x' \\\n  -H 'A: it'\\''s'`);
});
