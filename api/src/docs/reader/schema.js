// A schema as a tree: members that hold more open when they are asked for.

import { merged, typeOf, variants } from './document.js';
import { element, paragraphs } from './element.js';

const LIMITS = ['minimum', 'maximum', 'exclusiveMinimum', 'exclusiveMaximum', 'minLength', 'maxLength', 'minItems', 'maxItems', 'pattern'];

function facts(schema, texts) {
  const values = schema.enum ?? (schema.const !== undefined ? [schema.const] : []);
  const limits = LIMITS.filter((name) => schema[name] !== undefined).map((name) => `${name}: ${schema[name]}`);
  return [
    values.length > 0 && element('div', { class: 'facts' }, `${texts.values}: `, values.flatMap((value, at) => [at > 0 ? ' ' : '', element('code', {}, JSON.stringify(value))])),
    limits.length > 0 && element('div', { class: 'facts' }, element('code', {}, limits.join(', '))),
    schema.default !== undefined && schema.default !== null && element('div', { class: 'facts' }, `${texts.default}: `, element('code', {}, JSON.stringify(schema.default))),
  ];
}

/** What stands below a schema: its members, or its alternatives. */
function below(api, schema, texts) {
  const whole = merged(api, schema);
  const alternatives = variants(whole);
  if (whole.properties) {
    return Object.entries(whole.properties).map(([name, member]) => row(api, name, member, whole.required?.includes(name), texts));
  }
  if (alternatives.length === 1) return below(api, alternatives[0], texts);
  if (alternatives.length > 1) return alternatives.map((variant) => row(api, texts.oneOf, variant, false, texts));
  if (whole.items) return below(api, whole.items, texts);
  if (whole.additionalProperties && typeof whole.additionalProperties === 'object') return [row(api, texts.anyKey, whole.additionalProperties, false, texts)];
  return [];
}

function holdsMore(api, schema) {
  const whole = merged(api, schema);
  if (whole.properties || (typeof whole.additionalProperties === 'object' && whole.additionalProperties)) return true;
  if (whole.items) return holdsMore(api, whole.items);
  return variants(whole).some((variant) => holdsMore(api, variant) || variant.description || variant.const || variant.enum);
}

function row(api, name, schema, required, texts) {
  const whole = merged(api, schema);
  const title = [
    element('code', { class: 'name' }, name),
    element('span', { class: 'type' }, typeOf(api, schema)),
    required && element('span', { class: 'required' }, texts.required),
    whole.deprecated && element('span', { class: 'deprecated' }, texts.deprecated),
  ];
  const told = [paragraphs(whole.description), facts(whole, texts)];
  if (!holdsMore(api, schema)) return element('div', { class: 'member' }, element('div', {}, title), told);
  return opening(element('details', { class: 'member' }, element('summary', {}, title), told), () => below(api, schema, texts));
}

/** Fills a part of the page when it is first opened. */
export function opening(details, content) {
  details.addEventListener('toggle', () => details.append(element('div', { class: 'members' }, content())), { once: true });
  return details;
}

/** The tree of a schema. */
export function tree(api, schema, texts) {
  const whole = merged(api, schema);
  const members = below(api, schema, texts);
  return element('div', { class: 'schema' }, element('div', { class: 'type' }, typeOf(api, schema)), paragraphs(whole.description), members.length > 0 ? members : facts(whole, texts));
}
