// Elements and marked-up texts, without ever reading a text as HTML.

/** An element with attributes and children; what is not there is left out. */
export function element(name, attributes = {}, ...children) {
  const made = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) {
    if (value !== undefined && value !== false) made.setAttribute(key, value === true ? '' : value);
  }
  made.append(...children.flat().filter((child) => child !== undefined && child !== null && child !== false));
  return made;
}

const INLINE = /`([^`]+)`|\*\*([^*]+)\*\*|\[([^\]]+)\]\((https?:[^)\s]+)\)/g;

function inline(text) {
  const parts = [];
  let end = 0;
  for (const found of text.matchAll(INLINE)) {
    parts.push(text.slice(end, found.index));
    if (found[1]) parts.push(element('code', {}, found[1]));
    else if (found[2]) parts.push(element('strong', {}, ...inline(found[2])));
    else parts.push(element('a', { href: found[4], rel: 'noreferrer' }, found[3]));
    end = found.index + found[0].length;
  }
  parts.push(text.slice(end));
  return parts;
}

/** The paragraphs and lists of a description. */
export function paragraphs(text) {
  return (text ?? '')
    .trim()
    .split(/\n{2,}/)
    .filter(Boolean)
    .map((block) => {
      const lines = block.split('\n');
      if (lines.every((line) => /^(- | {2})/.test(line))) {
        const items = block.split(/^- /m).filter(Boolean);
        return element('ul', {}, items.map((item) => element('li', {}, inline(item.replaceAll('\n', ' ')))));
      }
      return element('p', {}, inline(block.replaceAll('\n', ' ')));
    });
}
