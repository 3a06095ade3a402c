// Reads an OpenAPI 3.1 document: its operations by section, its references, examples of its schemas.
// Touches no page, so that it can be tested without one.

const METHODS = ['get', 'put', 'post', 'patch', 'delete'];

/** The sections of a document in the order of its tags, each with its operations. */
export function sections(document) {
  const byTag = new Map((document.tags ?? []).map((tag) => [tag.name, { ...tag, operations: [] }]));
  const add = (method, path, item) => {
    const operation = item[method];
    const name = operation.tags?.[0] ?? '';
    if (!byTag.has(name)) byTag.set(name, { name, operations: [] });
    const parameters = [...(item.parameters ?? []), ...(operation.parameters ?? [])];
    byTag.get(name).operations.push({ ...operation, parameters, method, path, id: operation.operationId ?? `${method}-${path}` });
  };
  for (const [path, item] of Object.entries(document.paths ?? {})) {
    for (const method of METHODS) if (item[method]) add(method, path, item);
  }
  for (const [name, item] of Object.entries(document.webhooks ?? {})) {
    if (item.post) {
      const tag = item.post.tags?.[0] ?? '';
      if (!byTag.has(tag)) byTag.set(tag, { name: tag, operations: [] });
      byTag.get(tag).operations.push({ ...item.post, parameters: item.post.parameters ?? [], method: 'post', path: name, id: item.post.operationId ?? name, webhook: true });
    }
  }
  return [...byTag.values()].filter((section) => section.operations.length > 0);
}

/** Whether an operation has all words of a filter in its path, id, summary or description. */
export function matches(operation, filter) {
  const words = filter.toLowerCase().split(/\s+/).filter(Boolean);
  const text = [operation.method, operation.path, operation.id, operation.summary, operation.description].join(' ').toLowerCase();
  return words.every((word) => text.includes(word));
}

/** What a reference leads to; its own members (such as a description) go before. */
export function resolve(document, value) {
  let own = {};
  for (let hops = 0; value?.$ref && hops < 20; hops += 1) {
    const { $ref, ...beside } = value;
    own = { ...beside, ...own };
    value = $ref.slice(2).split('/').reduce((at, step) => at?.[step.replaceAll('~1', '/').replaceAll('~0', '~')], document) ?? {};
  }
  return { ...value, ...own };
}

/** The name of a referenced schema, or its type in words. */
export function typeOf(document, schema) {
  if (schema === true || schema === undefined) return 'any';
  if (schema.$ref) {
    const target = resolve(document, schema);
    return target.type === 'object' || target.properties || target.oneOf || target.allOf ? schema.$ref.split('/').pop() : typeOf(document, target);
  }
  const types = [schema.type ?? []].flat().filter((type) => type !== 'null');
  const whole = types.map((type) => {
    if (type === 'array') return `${typeOf(document, schema.items)}[]`;
    return schema.format ? `${type} (${schema.format})` : type;
  });
  if (whole.length > 0) return whole.join(' | ');
  const one = variants(schema);
  return one.length > 0 ? one.map((variant) => typeOf(document, variant)).join(' | ') : 'any';
}

/** The alternatives of a schema, without null. */
export function variants(schema) {
  return (schema.oneOf ?? schema.anyOf ?? []).filter((variant) => variant.type !== 'null');
}

/** A schema whose parts (allOf) are put together. */
export function merged(document, schema) {
  const whole = resolve(document, schema);
  if (!whole.allOf) return whole;
  const parts = whole.allOf.map((part) => merged(document, part));
  const { allOf, ...own } = whole;
  return {
    ...Object.assign({}, ...parts),
    ...own,
    properties: Object.assign({}, ...parts.map((part) => part.properties), own.properties),
    required: [...parts.flatMap((part) => part.required ?? []), ...(own.required ?? [])],
  };
}

/** An example of a schema: its own, or one made from its members. */
export function exampleOf(document, schema, depth = 0) {
  const whole = merged(document, schema ?? {});
  if (whole.example !== undefined) return whole.example;
  if (Array.isArray(whole.examples) && whole.examples.length > 0) return whole.examples[0];
  if (whole.default !== undefined && whole.default !== null) return whole.default;
  if (whole.const !== undefined) return whole.const;
  if (whole.enum) return whole.enum[0];
  if (depth > 4) return null;
  const variant = variants(whole)[0];
  if (variant) return exampleOf(document, variant, depth + 1);
  const type = [whole.type ?? (whole.properties ? 'object' : '')].flat().find((name) => name !== 'null');
  if (type === 'object') {
    const wanted = Object.entries(whole.properties ?? {}).filter(([name]) => depth === 0 || whole.required?.includes(name));
    return Object.fromEntries(wanted.map(([name, member]) => [name, exampleOf(document, member, depth + 1)]));
  }
  if (type === 'array') return [exampleOf(document, whole.items, depth + 1)];
  if (type === 'integer' || type === 'number') return whole.minimum ?? 0;
  if (type === 'boolean') return false;
  if (whole.format === 'uuid') return '00000000-0000-0000-0000-000000000000';
  if (whole.format === 'date-time') return '2026-11-20T08:15:00+08:00';
  return '';
}

/** The example of a body: the one that the document gives, or one of its schema. */
export function bodyExample(document, content) {
  if (content.example !== undefined) return content.example;
  const named = Object.values(content.examples ?? {})[0];
  if (named) return resolve(document, named).value;
  return exampleOf(document, content.schema);
}
