// Plots: scales, axes and what screen readers get, for all charts.

const css = name => `var(--${name})`;
const palette = ['orange', 'blue', 'green', 'pink', 'sky', 'ink'].map(css);
const dashes = ['', '6 3', '2 2', '8 3 2 3', '1 3', '10 4'];

// scale maps a domain to pixels. Ratios count where it is logarithmic.
const scale = (low, high, from, to, log) => {
  const f = log ? Math.log10 : v => v;
  const a = f(low), b = f(high) === f(low) ? f(low) + 1 : f(high);
  const map = v => from + (f(v) - a) / (b - a) * (to - from);
  return Object.assign(map, { low, high, log, from, to });
};

// span of values with room at both ends; a single value gets room around it.
const span = (values, log) => {
  let low = Math.min(...values), high = Math.max(...values);
  if (log) {
    const room = Math.max(Math.pow(high / low, 0.06), 1.06);
    return [low / room, high * room];
  }
  const room = (high - low) * 0.06 || Math.abs(high) * 0.1 || 1;
  return [low - room, high + room];
};
const isWide = values => Math.min(...values) > 0 && Math.max(...values) > 4 * Math.min(...values);

// ticks are round values in a domain, about as many as are wanted.
const ticks = (s, wanted) => {
  if (s.log && s.high / s.low > 4) {
    const decades = Math.log10(s.high / s.low);
    const steps = decades > wanted ? [1] : decades * 2 > wanted ? [1, 3] : decades * 3 > wanted ? [1, 2, 5] : [1, 1.5, 2, 3, 5, 7];
    const every = Math.max(1, Math.ceil(decades / wanted));
    const out = [];
    for (let d = Math.floor(Math.log10(s.low)); d <= Math.log10(s.high); d++) {
      if (d % every) continue;
      for (const m of steps) { const v = m * Math.pow(10, d); if (v >= s.low * 0.9999 && v <= s.high * 1.0001) out.push(v); }
    }
    return out;
  }
  const raw = (s.high - s.low) / wanted, power = Math.pow(10, Math.floor(Math.log10(raw)));
  const step = [1, 2, 2.5, 5, 10].map(m => m * power).find(m => m >= raw);
  const out = [];
  for (let i = Math.ceil(s.low / step); i * step <= s.high * (1 + 1e-9); i++) out.push(Number((i * step).toPrecision(12)));
  return out;
};

let plots = 0;

// plot begins a chart of a host's width; title and desc are what a screen reader says.
const plot = (host, o) => {
  const width = Math.max(260, Math.round(host.getBoundingClientRect().width || 600));
  const m = Object.assign({ top: 10, right: 14, bottom: 36, left: 52 }, o.margin);
  const id = `plot${++plots}`;
  const root = svg('svg', { class: 'plot', viewBox: `0 0 ${width} ${o.height}`, role: o.role || 'img', 'aria-labelledby': `${id}t ${id}d` },
    svg('title', { id: `${id}t` }, o.title), svg('desc', { id: `${id}d` }, o.desc || ''));
  host.replaceChildren(...(o.caption ? [el('figcaption', {}, o.caption)] : []), root);
  return { root, width, height: o.height, left: m.left, right: width - m.right, top: m.top, bottom: o.height - m.bottom };
};

// axes draws both, with light lines at the ticks and the names at their ends.
const axes = (p, x, y, o) => {
  const g = svg('g', { 'aria-hidden': 'true' });
  let last = -Infinity;
  const xs = o.xticks || ticks(x, Math.max(3, Math.floor((p.right - p.left) / 75)));
  for (const v of xs) {
    const at = x(v), text = short(o.xformat || number)(v);
    g.append(svg('line', { class: 'grid-line', x1: at, x2: at, y1: p.top, y2: p.bottom }));
    if (at - last < text.length * 6.4 + 8) continue;
    last = at;
    g.append(svg('text', { x: at, y: p.bottom + 15, 'text-anchor': 'middle' }, text));
  }
  const ys = o.yticks || ticks(y, Math.max(2, Math.floor((p.bottom - p.top) / 45)));
  for (const v of ys) {
    g.append(svg('line', { class: 'grid-line', x1: p.left, x2: p.right, y1: y(v), y2: y(v) }));
    g.append(svg('text', { x: p.left - 6, y: y(v) + 4, 'text-anchor': 'end' }, short(o.yformat || number)(v)));
  }
  g.append(svg('line', { class: 'axis', x1: p.left, x2: p.right, y1: p.bottom, y2: p.bottom }));
  if (o.xname) g.append(svg('text', { x: p.right, y: p.bottom + 30, 'text-anchor': 'end' }, o.xname));
  if (o.yname) g.append(svg('text', { x: p.left + 4, y: p.top + 4, class: 'strong' }, o.yname));
  p.root.append(g);
};

const path = (points, o) => svg('path', Object.assign({ fill: 'none', 'stroke-width': 1.6, 'stroke-linejoin': 'round',
  d: points.map((q, i) => `${i ? 'L' : 'M'}${q[0].toFixed(1)} ${q[1].toFixed(1)}`).join('') }, o));

// shapes tell the loads apart without a color.
const shapes = [
  r => `M${-r} 0a${r} ${r} 0 1 0 ${2 * r} 0a${r} ${r} 0 1 0 ${-2 * r} 0z`,
  r => `M${-.9 * r} ${-.9 * r}h${1.8 * r}v${1.8 * r}h${-1.8 * r}z`,
  r => `M0 ${-1.2 * r}L${1.15 * r} ${.85 * r}H${-1.15 * r}z`,
  r => `M0 ${-1.3 * r}L${1.3 * r} 0L0 ${1.3 * r}L${-1.3 * r} 0z`,
  r => `M0 ${1.2 * r}L${1.15 * r} ${-.85 * r}H${-1.15 * r}z`,
  r => `M${-1.2 * r} ${-.45 * r}h${2.4 * r}v${.9 * r}h${-2.4 * r}z`,
];
const shape = (load, r) => shapes[load % shapes.length](r);

// tip shows text beside the pointer or a point.
const tip = {
  show(lines, x, y) {
    const t = document.getElementById('tip');
    t.replaceChildren(...lines.map((l, i) => el(i ? 'div' : 'strong', {}, l)));
    t.hidden = false;
    const box = t.getBoundingClientRect(), wide = document.documentElement.clientWidth;
    t.style.left = `${Math.max(4, Math.min(x + 14, wide - box.width - 8)) + window.scrollX}px`;
    t.style.top = `${(y + 18 + box.height > window.innerHeight ? y - box.height - 12 : y + 18) + window.scrollY}px`;
  },
  hide() { document.getElementById('tip').hidden = true; },
};
