// Makes a request from what was typed into the form of an operation. Touches no page.

/** Where a request goes: the path with its parameters, and the query. Empty fields are left out. */
export function target(operation, values) {
  const query = new URLSearchParams();
  let path = operation.path;
  for (const { place, name, value } of values) {
    if (value === '') continue;
    if (place === 'path') path = path.replace(`{${name}}`, encodeURIComponent(value));
    if (place === 'query') query.append(name, value);
  }
  const written = query.toString();
  return written ? `${path}?${written}` : path;
}

/** The headers of a request. */
export function headersOf(values, language, token, contentType) {
  const headers = { 'Accept-Language': language };
  if (token) headers.Authorization = `Bearer ${token}`;
  if (contentType) headers['Content-Type'] = contentType;
  for (const { place, name, value } of values) {
    if (place === 'header' && value !== '') headers[name] = value;
  }
  return headers;
}

/** The request as a command line. */
export function curl(method, url, headers, body) {
  const quoted = (text) => `'${text.replaceAll("'", "'\\''")}'`;
  const parts = [`curl -sS ${method === 'get' ? '' : `-X ${method.toUpperCase()} `}${quoted(url)}`];
  for (const [name, value] of Object.entries(headers)) parts.push(`-H ${quoted(`${name}: ${value}`)}`);
  if (typeof body === 'string') parts.push(`-d ${quoted(body)}`);
  else if (body) parts.push('--data-binary @FILE');
  return parts.join(' \\\n  ');
}
