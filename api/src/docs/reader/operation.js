// One operation: what it does, a form to try it, and what it may answer.

import { bodyExample, resolve, typeOf } from './document.js';
import { element, paragraphs } from './element.js';
import { curl, headersOf, target } from './request.js';
import { opening, tree } from './schema.js';
import { renew, token } from './session.js';

const SHOWN_AS_TEXT = /json|yaml|text|xml|javascript/;

function access(operation, texts) {
  const ways = (operation.security ?? []).flatMap((way) => Object.keys(way));
  const open = ways.length === 0 || (operation.security ?? []).some((way) => Object.keys(way).length === 0);
  return [...(open ? ['open'] : []), ...ways].map((way) => element('span', { class: 'access' }, texts[way] ?? way));
}

function parameterField(api, parameter, texts) {
  const schema = resolve(api, parameter.schema ?? {});
  const name = `${parameter.in}.${parameter.name}`;
  const isFile = parameter.in === 'form' && (schema.format === 'binary' || schema.contentMediaType !== undefined);
  const options = schema.enum ?? (schema.type === 'boolean' ? ['true', 'false'] : undefined);
  // Only what a path needs is filled in: whoever wants a condition or a filter types it.
  const given = parameter.in === 'path' ? (parameter.example ?? schema.example ?? '') : '';
  const field = options
    ? element('select', { name }, element('option', { value: '' }), options.map((option) => element('option', { value: option }, String(option))))
    : element('input', { name, type: isFile && 'file', value: isFile ? undefined : given, placeholder: parameter.example ?? schema.example ?? '' });
  field.dataset.place = parameter.in;
  field.dataset.name = parameter.name;
  return element(
    'div',
    { class: 'parameter' },
    element('label', {}, element('code', { class: 'name' }, parameter.name), element('span', { class: 'type' }, `${texts[parameter.in] ?? parameter.in} · ${typeOf(api, parameter.schema)}`), parameter.required && element('span', { class: 'required' }, texts.required)),
    field,
    element('div', { class: 'told' }, paragraphs(parameter.description)),
  );
}

function bodyField(api, body, texts) {
  const [kind, content] = Object.entries(body.content ?? {})[0] ?? [];
  if (!kind) return undefined;
  if (kind === 'multipart/form-data') {
    const whole = resolve(api, content.schema);
    const parts = Object.entries(whole.properties ?? {}).map(([name, schema]) => {
      const parameter = { name, in: 'form', schema, required: whole.required?.includes(name), description: resolve(api, schema).description };
      return parameterField(api, parameter, texts);
    });
    return element('section', {}, element('h3', {}, texts.body, ' ', element('small', {}, kind)), paragraphs(body.description), parts);
  }
  let field;
  if (kind.includes('json')) {
    const text = JSON.stringify(bodyExample(api, content), null, 2);
    field = element('textarea', { name: 'body', spellcheck: 'false', rows: Math.min(24, text.split('\n').length + 1) });
    field.value = text;
  } else {
    field = element('input', { name: 'body', type: 'file', 'aria-label': texts.file });
  }
  field.dataset.kind = kind;
  const schema = opening(element('details', {}, element('summary', {}, typeOf(api, content.schema))), () => tree(api, content.schema, texts));
  return element('section', {}, element('h3', {}, texts.body, ' ', element('small', {}, kind, body.required ? '' : `, ${texts.optional}`)), paragraphs(body.description), field, schema);
}

async function sent(form, operation, root, texts, out) {
  const fields = [...form.querySelectorAll('[data-place]')];
  const values = fields.map((field) => ({ place: field.dataset.place, name: field.dataset.name, value: field.value.trim() }));
  const field = form.elements.body;
  let body;
  let kind = field?.dataset.kind;
  if (field?.type === 'file') {
    body = field.files[0];
    kind = body?.type || kind;
  } else if (fields.some((part) => part.dataset.place === 'form')) {
    body = new FormData();
    for (const part of fields.filter((one) => one.dataset.place === 'form')) {
      if (part.type === 'file' && part.files[0]) body.append(part.dataset.name, part.files[0]);
      else if (part.type !== 'file' && part.value.trim()) body.append(part.dataset.name, part.value.trim());
    }
  } else if (field) {
    body = field.value.trim() === '' ? undefined : field.value;
  }
  const url = new URL(target(operation, values).slice(1), root);
  const language = document.documentElement.lang;
  const go = () => fetch(url, { method: operation.method.toUpperCase(), headers: headersOf(values, language, token(), body && kind), body });
  const command = element('pre', { class: 'curl' }, curl(operation.method, url.href, headersOf(values, language, token() && '…', body && kind), body));
  out.replaceChildren(element('p', {}, texts.sending));
  const started = performance.now();
  try {
    let response = await go();
    if (response.status === 401 && token() && (await response.clone().json()).code === 'token_expired' && (await renew(root))) response = await go();
    const took = Math.round(performance.now() - started);
    out.replaceChildren(...(await shown(response, took, texts)), element('details', {}, element('summary', {}, texts.curl), command));
  } catch (error) {
    out.replaceChildren(element('p', { class: 'refused' }, texts.noAnswer + error.message), command);
  }
}

async function shown(response, took, texts) {
  const kind = response.headers.get('content-type') ?? '';
  const blob = await response.blob();
  const head = element('p', {}, element('strong', { class: `status s${String(response.status)[0]}` }, String(response.status)), ` ${took} ${texts.milliseconds} · ${kind || texts.empty} · ${blob.size} ${texts.bytes}`);
  const headers = element('details', {}, element('summary', {}, texts.headers), element('pre', {}, [...response.headers].map(([name, value]) => `${name}: ${value}`).join('\n')));
  if (blob.size === 0) return [head, headers];
  if (kind.startsWith('image/') && !kind.includes('svg')) {
    const picture = element('img', { alt: '', src: URL.createObjectURL(blob) });
    picture.addEventListener('load', () => URL.revokeObjectURL(picture.src), { once: true });
    return [head, picture, headers];
  }
  if (!SHOWN_AS_TEXT.test(kind)) return [head, headers];
  let text = await blob.text();
  if (kind.includes('json')) {
    try {
      text = JSON.stringify(JSON.parse(text), null, 2);
    } catch {
      // Shown as it came.
    }
  }
  return [head, element('pre', { class: 'answer' }, text), headers];
}

function answerView(api, status, given, texts) {
  const response = resolve(api, given);
  const [kind, content] = Object.entries(response.content ?? {})[0] ?? [];
  const summary = element('summary', {}, element('strong', { class: `status s${status[0]}` }, status), ' ', element('small', {}, kind ?? ''));
  const details = element('details', { class: 'response' }, summary, paragraphs(response.description));
  if (!content?.schema) return details;
  return opening(details, () => {
    const example = bodyExample(api, content);
    return [tree(api, content.schema, texts), example !== undefined && SHOWN_AS_TEXT.test(kind) && typeof example === 'object' && element('div', {}, element('h4', {}, texts.example), element('pre', {}, JSON.stringify(example, null, 2)))];
  });
}

/** The view of an operation. */
export function operationView(api, operation, root, texts) {
  const parameters = operation.parameters.map((parameter) => resolve(api, parameter));
  const out = element('div', { class: 'out', 'aria-live': 'polite' });
  const form = element(
    'form',
    { class: 'try' },
    parameters.length > 0 && element('section', {}, element('h3', {}, texts.parameters), parameters.map((parameter) => parameterField(api, parameter, texts))),
    operation.requestBody && bodyField(api, resolve(api, operation.requestBody), texts),
    !operation.webhook && element('p', {}, element('button', {}, texts.send), operation.method !== 'get' && element('small', {}, ' ', texts.changesData)),
    out,
  );
  form.addEventListener('submit', (event) => {
    event.preventDefault();
    void sent(form, operation, root, texts, out);
  });
  return [
    element('h1', {}, operation.summary ?? operation.id),
    element('p', { class: 'address' }, element('span', { class: `method ${operation.method}` }, operation.method.toUpperCase()), ' ', element('code', {}, operation.path), ' ', element('small', {}, operation.id)),
    !operation.webhook && element('p', {}, access(operation, texts)),
    ...paragraphs(operation.description),
    form,
    element('h3', {}, texts.responses),
    ...Object.entries(operation.responses ?? {}).map(([status, response]) => answerView(api, status, response, texts)),
  ].filter(Boolean);
}
