// Who is signed in. Kept for this tab, over a reload; a closed tab forgets it.

import { element } from './element.js';

const KEY = 'gridpatrol.session';

const read = () => JSON.parse(sessionStorage.getItem(KEY) ?? 'null');
const write = (session) => (session ? sessionStorage.setItem(KEY, JSON.stringify(session)) : sessionStorage.removeItem(KEY));

/** The token that requests carry. */
export const token = () => read()?.access;

const ask = (root, route, body, access) =>
  fetch(new URL(`v1/auth/${route}`, root), {
    method: 'POST',
    headers: { 'Content-Type': 'application/json', 'Accept-Language': document.documentElement.lang, ...(access && { Authorization: `Bearer ${access}` }) },
    body: JSON.stringify(body),
  });

const keep = (answer) => write({ access: answer.access_token, refresh: answer.refresh_token, name: answer.officer?.name ?? read()?.name });

/** Exchanges the refresh token; whether there is a new access token. */
export async function renew(root) {
  const session = read();
  if (!session?.refresh) return false;
  const response = await ask(root, 'refresh', { refresh_token: session.refresh });
  if (response.ok) keep(await response.json());
  else write(null);
  return response.ok;
}

/** Shows who is signed in, or the way to sign in. */
export function show(place, root, texts) {
  const again = () => show(place, root, texts);
  const session = read();
  if (session) {
    const out = element('button', { type: 'button' }, texts.signOut);
    out.addEventListener('click', async () => {
      if (session.refresh) await ask(root, 'logout', {}, session.access).catch(() => undefined);
      write(null);
      again();
    });
    place.replaceChildren(element('span', {}, session.name ? texts.signedInAs + session.name : texts.tokenKept), out);
    return;
  }
  const username = element('input', { name: 'username', placeholder: texts.username, autocomplete: 'username' });
  const password = element('input', { name: 'password', type: 'password', placeholder: texts.password, autocomplete: 'current-password' });
  const pasted = element('input', { name: 'token', placeholder: texts.token, autocomplete: 'off' });
  const refused = element('p', { class: 'refused', role: 'alert' });
  const form = element('form', {}, username, password, pasted, element('button', {}, texts.signIn), refused);
  form.addEventListener('submit', async (event) => {
    event.preventDefault();
    if (pasted.value.trim()) {
      write({ access: pasted.value.trim().replace(/^Bearer /, '') });
      again();
      return;
    }
    try {
      const response = await ask(root, 'login', { username: username.value, password: password.value });
      const answer = await response.json();
      if (response.ok) {
        keep(answer);
        again();
      } else {
        refused.textContent = texts.signInFailed + (answer.detail ?? answer.title);
      }
    } catch (error) {
      refused.textContent = texts.signInFailed + error.message;
    }
  });
  place.replaceChildren(element('details', {}, element('summary', {}, texts.signIn), form));
}
