// Texts: numbers with their units, and elements made of text (never of HTML).

const digits = v => {
  const a = Math.abs(v);
  if (a >= 99.95) return v.toFixed(0);
  if (a >= 9.995) return v.toFixed(1);
  if (a >= 0.9995) return v.toFixed(2);
  return String(Number(v.toPrecision(3)));
};
const known = v => v !== null && v !== undefined && Number.isFinite(v);
const number = v => known(v) ? digits(v) : '?';
const seconds = s => {
  if (!known(s)) return '?';
  const a = Math.abs(s);
  if (a === 0) return '0 s';
  if (a < 0.9995e-3) return digits(s * 1e6) + ' us';
  if (a < 0.9995) return digits(s * 1e3) + ' ms';
  return a < 599.5 ? digits(s) + ' s' : digits(s / 60) + ' min';
};
const percent = r => {
  if (!known(r)) return '?';
  const p = 100 * (r - 1);
  if (r >= 3) return number(r) + 'x';
  return (p < 0 ? '' : '+') + (Math.abs(p) < 9.95 ? p.toFixed(1) : p.toFixed(0)) + ' %';
};
const range = (v, format) => {
  if (!known(v[1]) || !known(v[2])) return '';
  return v[2] > 1000 * v[1] ? '[too wide to tell]' : `[${format(v[1])}, ${format(v[2])}]`;
};
// Ticks have no more digits than they need.
const short = format => v => format(v).replace(/(\.\d*?)0+(?= |$|x)/, '$1').replace(/\.(?= |$|x)/, '');
const plural = (n, one) => n === 1 ? `1 ${one}` : `${n} ${one}s`;

// el makes an HTML element; what it holds is text or further elements.
const el = (name, attributes = {}, ...content) => {
  const e = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) {
    if (key === 'on') for (const [event, act] of Object.entries(value)) e.addEventListener(event, act);
    else if (value !== undefined && value !== false) e.setAttribute(key, value === true ? '' : value);
  }
  e.append(...content.filter(c => c !== undefined && c !== null));
  return e;
};

// svg makes an SVG element likewise.
const svg = (name, attributes = {}, ...content) => {
  const e = document.createElementNS('http://www.w3.org/2000/svg', name);
  for (const [key, value] of Object.entries(attributes)) if (value !== undefined) e.setAttribute(key, value);
  e.append(...content);
  return e;
};

// table makes one of rows of texts; columns named in right are numbers.
const table = (head, rows, right = []) => el('table', {},
  el('thead', {}, el('tr', {}, ...head.map((h, i) => el('th', { scope: 'col', class: right.includes(i) ? 'n' : undefined }, h)))),
  el('tbody', {}, ...rows.map(r => el('tr', {}, ...r.map((c, i) => el('td', { class: right.includes(i) ? 'n' : undefined }, c))))));

// choices is a group of buttons of which one is pressed.
const choices = (host, options, chosen, choose) => {
  host.replaceChildren(...options.map(o => el('button', { type: 'button', 'aria-pressed': String(o.value === chosen), on: { click: () => choose(o.value) } },
    ...(o.mark ? [o.mark] : []), o.text)));
};
