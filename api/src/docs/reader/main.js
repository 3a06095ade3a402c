// The reader of the API: sections and a filter at the side, one operation at a time beside them.

import { matches, sections } from './document.js';
import { element, paragraphs } from './element.js';
import { operationView } from './operation.js';
import { show as showSession } from './session.js';
import { textsOf } from './texts.js';

const language = document.documentElement.lang;
const texts = textsOf(language);
// The page is `…/docs`: what it reads and asks stands beside it, whatever a proxy puts in front.
const root = new URL('.', location.href);
const main = document.getElementById('main');

function contents(all) {
  const filter = element('input', { type: 'search', placeholder: texts.filter, 'aria-label': texts.filter });
  const nothing = element('p', { hidden: true }, texts.nothing);
  const groups = all.map((section) => {
    const links = section.operations.map((operation) => ({
      operation,
      link: element('a', { href: `#${operation.id}`, title: `${operation.method.toUpperCase()} ${operation.path}` }, element('span', { class: `method ${operation.method}` }, operation.webhook ? '⇠' : operation.method.toUpperCase()), element('span', {}, operation.summary ?? operation.path)),
    }));
    const details = element('details', {}, element('summary', { title: section.description ?? '' }, section['x-displayName'] ?? section.name, element('small', {}, ` ${links.length}`)), links.map(({ link }) => link));
    return { details, links };
  });
  const apply = () => {
    let any = false;
    for (const { details, links } of groups) {
      let found = false;
      for (const { operation, link } of links) {
        link.hidden = !matches(operation, filter.value);
        found ||= !link.hidden;
      }
      details.hidden = !found;
      if (filter.value.trim()) details.open = found;
      any ||= found;
    }
    nothing.hidden = any;
  };
  filter.addEventListener('input', apply);
  document.getElementById('contents').replaceChildren(filter, element('a', { href: '#', class: 'intro' }, texts.intro), ...groups.map(({ details }) => details), nothing);
  return groups;
}

function intro(api, all) {
  const lists = all.map((section) =>
    element('li', {}, element('a', { href: `#${section.operations[0].id}` }, section['x-displayName'] ?? section.name), ': ', section.description ?? ''));
  return [element('h1', {}, `${api.info.title} ${api.info.version}`), ...paragraphs(api.info.description), element('ul', {}, lists)];
}

async function start() {
  showSession(document.getElementById('session'), root, texts);
  const response = await fetch(new URL(`openapi.json?lang=${language === 'en' ? 'en' : 'zh'}`, root));
  if (!response.ok) throw new Error(String(response.status));
  const api = await response.json();
  const all = sections(api);
  const groups = contents(all);
  const route = () => {
    const id = decodeURIComponent(location.hash.slice(1));
    let shown;
    for (const { details, links } of groups) {
      for (const { operation, link } of links) {
        const here = operation.id === id;
        link.toggleAttribute('aria-current', here);
        if (here) {
          shown = operation;
          details.open = true;
        }
      }
    }
    main.replaceChildren(...(shown ? operationView(api, shown, root, texts) : intro(api, all)));
    main.scrollTop = 0;
    document.title = `${shown?.summary ?? texts.intro} · ${api.info.title}`;
    // The same operation in the other language.
    document.querySelector('a.language').hash = location.hash;
  };
  addEventListener('hashchange', route);
  route();
}

start().catch((error) => main.replaceChildren(element('p', { class: 'refused' }, texts.failed + error.message)));
