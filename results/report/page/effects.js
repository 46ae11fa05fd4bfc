// What matters: how far each parameter moves the objectives, and each of its values.

const mostDetailed = 6;
const mark = color => svg('svg', { width: 16, height: 9, 'aria-hidden': 'true' }, svg('rect', { y: 2, width: 12, height: 5, fill: css(color) }));
const labelWidth = (labels, p) => Math.min(p.width * .45, 12 + 6.6 * Math.max(...labels.map(l => l.length)));

const effects = {
  draw(state) {
    const doc = state.doc, all = doc.effects || [];
    const importance = document.getElementById('importance-chart'), grid = document.getElementById('effect-charts');
    importance.replaceChildren(); grid.replaceChildren();
    const loads = doc.loads.map((l, i) => ({ value: i, text: l.text })).filter(o => all.some(e => e.load === doc.loads[o.value].id));
    if (!loads.some(o => o.value === state.effectLoad)) state.effectLoad = loads.length ? loads[loads.length - 1].value : -1;
    choices(document.getElementById('effect-loads'), loads.length > 1 ? loads : [], state.effectLoad, v => state.set({ effectLoad: v }));
    if (state.effectLoad < 0) return;
    const objectives = doc.objectives.map((o, k) => [k, o.text, ['orange', 'blue'][k]]);
    const load = doc.loads[state.effectLoad].id, byParam = new Map();
    for (const e of all) if (e.load === load) byParam.set(e.param, Object.assign(byParam.get(e.param) || {}, { [e.objective]: e }));
    const order = [...byParam].map(([param, by]) => ({ param, by, size: Math.max(...Object.values(by).map(e => e.factor[0])) })).sort((a, b) => b.size - a.size);
    this.importance(importance, order, objectives);
    for (const o of order.slice(0, mostDetailed)) {
      const figure = el('figure', { class: 'chart' });
      grid.append(figure);
      this.values(figure, o, objectives);
    }
  },

  // importance draws a line for each parameter and objective, on one scale of factors.
  importance(host, order, objectives) {
    const row = 26, p = plot(host, { height: 40 + order.length * row, caption: el('span', {}, 'By what factor a parameter moves an objective, typically (the standard deviation over its values, all else alike): ', ...objectives.flatMap(([, name, color]) => [mark(color), `${name} `])), margin: { left: 0, top: 4 },
      title: 'Importance of the parameters', desc: order.slice(0, 8).map(o => `${o.param}: ${objectives.filter(k => o.by[k[0]]).map(k => `${k[1]} by ${number(o.by[k[0]].factor[0])}`).join(', ')}`).join('; ') });
    p.left = labelWidth(order.map(o => o.param), p);
    const high = Math.max(1.05, ...order.flatMap(o => Object.values(o.by).map(e => Math.min(e.factor[2], 3 * e.factor[0]))));
    const x = scale(1, high, p.left, p.right, true);
    axes(p, x, scale(0, 1, p.bottom, p.top), { yticks: [], xformat: v => `${number(v)}x` });
    order.forEach((o, i) => {
      const y = p.top + i * row + 11;
      p.root.append(svg('text', { x: p.left - 8, y: y + 5, 'text-anchor': 'end', class: 'strong' }, o.param));
      objectives.forEach(([key, , color], k) => {
        const e = o.by[key];
        if (!e) return;
        const at = y + k * 8 - 2;
        p.root.append(svg('line', { x1: x(1), x2: x(e.factor[0]), y1: at, y2: at, stroke: css(color), 'stroke-width': 5, 'stroke-opacity': .75 }));
        p.root.append(svg('line', { x1: x(Math.max(1, e.factor[1])), x2: x(Math.min(high, e.factor[2])), y1: at, y2: at, stroke: css('ink'), 'stroke-width': 1 }));
      });
    });
  },

  // values draws each value's ratio to the default, with its interval.
  values(host, o, objectives) {
    const first = Object.values(o.by)[0], row = 22;
    const p = plot(host, { height: 44 + first.values.length * row, caption: el('span', {}, el('code', {}, o.param), ': ratio to the default'), margin: { left: 0, top: 6 },
      title: `Effect of ${o.param}`, desc: objectives.filter(k => o.by[k[0]]).map(([key, name]) => `${name}: ${o.by[key].values.map(v => `${v.value} ${percent(v.ratio[0])} ${range(v.ratio, percent)}`).join(', ')}`).join('. ') });
    p.left = labelWidth(first.values.map(v => v.value.slice(0, 18)), p);
    const all = Object.values(o.by).flatMap(e => e.values.flatMap(v => v.ratio)).filter(v => known(v) && v > 0);
    const x = scale(Math.max(Math.min(...all, .95), .05), Math.min(Math.max(...all, 1.05), 20), p.left + 6, p.right - 6, true);
    axes(p, x, scale(0, 1, p.bottom, p.top), { yticks: [], xformat: v => `${number(v)}x` });
    p.root.append(svg('line', { x1: x(1), x2: x(1), y1: p.top, y2: p.bottom, stroke: css('soft'), 'stroke-dasharray': '2 2' }));
    const clamp = v => Math.max(p.left, Math.min(p.right, x(Math.max(v, 1e-3))));
    first.values.forEach((v, i) => {
      const y = p.top + i * row + 10;
      p.root.append(svg('text', { x: p.left - 6, y: y + 5, 'text-anchor': 'end', class: v.standard ? '' : 'strong' }, v.value.length > 18 ? v.value.slice(0, 17) + '…' : v.value));
      if (v.standard) {
        const left = x(1) + 70 > p.right;
        p.root.append(svg('text', { x: x(1) + (left ? -5 : 5), y: y + 5, 'text-anchor': left ? 'end' : 'start' }, 'the default'));
        return;
      }
      objectives.forEach(([key, , color], k) => {
        const w = o.by[key] && o.by[key].values.find(u => u.value === v.value);
        if (!w || !known(w.ratio[0])) return;
        const at = y + k * 8 - 2;
        p.root.append(svg('line', { x1: clamp(w.ratio[1]), x2: clamp(w.ratio[2]), y1: at, y2: at, stroke: css(color) }));
        p.root.append(svg('path', { transform: `translate(${clamp(w.ratio[0])} ${at})`, d: shape(k, 3.4), fill: w.configs ? css(color) : css('paper'), stroke: css(color) }));
      });
    });
  },
};
