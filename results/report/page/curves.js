// Curves: the growth of the hypervolume, distributions of latencies, device samples.

// lines draws several series with names at their ends; each has points [x, y].
const lines = (p, x, y, series) => {
  const ends = [];
  series.forEach((s, i) => {
    const points = s.points.map(q => [x(q[0]), y(q[1])]);
    if (!points.length) return;
    const color = s.color || palette[i % palette.length];
    p.root.append(path(points, { stroke: color, 'stroke-dasharray': s.dash ?? dashes[i % dashes.length] }));
    if (s.name) ends.push({ at: points[points.length - 1], name: s.name, color });
  });
  ends.sort((a, b) => a.at[1] - b.at[1]);
  let last = -Infinity;
  for (const e of ends) {
    const at = Math.max(e.at[1], last + 12);
    last = at;
    p.root.append(svg('text', { x: Math.min(e.at[0] + 5, p.right + 4), y: at + 4, fill: e.color, class: 'end' }, e.name));
  }
};

// stroke is the sign of the series i beside its name.
const stroke = i => svg('svg', { width: 18, height: 8, 'aria-hidden': 'true' }, path([[0, 4], [18, 4]], { stroke: palette[i % palette.length], 'stroke-dasharray': dashes[i % dashes.length], 'stroke-width': 2 }));

const growth = {
  draw(state) {
    const g = state.doc.growth, host = document.getElementById('growth-chart'), other = document.getElementById('control-chart');
    host.replaceChildren(); other.replaceChildren();
    if (!g.all.length || !state.doc.rows.length) return;
    const top = Math.max(...g.all, ...g.chosen, 1e-9);
    const p = plot(host, { height: 220, caption: 'all trials, in the order of their launches', title: 'Hypervolume after each trial', desc: `It ends at ${number(g.all[g.all.length - 1])} after ${plural(g.all.length, 'trial')}.`, margin: { right: 20 } });
    const x = scale(0, Math.max(1, g.all.length), p.left, p.right), y = scale(0, top * 1.05, p.bottom, p.top);
    axes(p, x, y, { xname: 'trial', yname: 'hypervolume', xformat: v => String(Math.round(v)) });
    const steps = [[0, 0]];
    g.all.forEach((v, i) => steps.push([i + 1, steps[steps.length - 1][1]], [i + 1, v]));
    lines(p, x, y, [{ points: steps, color: css('blue'), dash: '' }]);
    if (!g.control || !g.control.length || !g.chosen.length) return;
    const n = Math.min(g.chosen.length, g.control.length);
    const q = plot(other, { height: 220, caption: `as many trials of each: ${n}`, title: 'Hypervolume of chosen configs beside uniform draws', margin: { right: 62 },
      desc: `After ${n}: chosen ${number(g.chosen[n - 1])}, uniform ${number(g.control[n - 1][0])} on average.` });
    const u = scale(0, Math.max(2, n), q.left, q.right);
    const high = Math.max(...g.chosen.slice(0, n), ...g.control.map(c => c[2])), w = scale(0, high * 1.05, q.bottom, q.top);
    axes(q, u, w, { xname: 'trials of the kind', yname: 'hypervolume', xformat: v => Number.isInteger(v) ? String(v) : '' });
    const band = g.control.slice(0, n).map((c, i) => [u(i + 1), w(c[2])]).concat(g.control.slice(0, n).map((c, i) => [u(i + 1), w(c[1])]).reverse());
    q.root.append(path(band, { fill: css('dot'), 'fill-opacity': .2, stroke: 'none' }));
    lines(q, u, w, [{ name: 'chosen', points: g.chosen.slice(0, n).map((v, i) => [i + 1, v]), color: css('blue'), dash: '' },
      { name: 'uniform', points: g.control.slice(0, n).map((c, i) => [i + 1, c[0]]), color: css('dot'), dash: '4 3' }]);
  },
};

// probit is the quantile function of the normal distribution: Acklam's approximation.
const probit = q => {
  const a = [-39.69683028665376, 220.9460984245205, -275.9285104469687, 138.357751867269, -30.66479806614716, 2.506628277459239];
  const b = [-54.47609879822406, 161.5858368580409, -155.6989798598866, 66.80131188771972, -13.28068155288572];
  const c = [-.007784894002430293, -.3223964580411365, -2.400758277161838, -2.549732539343734, 4.374664141464968, 2.938163982698783];
  const d = [.007784695709041462, .3224671290700398, 2.445134137142996, 3.754408661907416];
  const poly = (k, v) => k.reduce((sum, f) => sum * v + f, 0);
  if (q < .02425) { const r = Math.sqrt(-2 * Math.log(q)); return poly(c, r) / (poly(d, r) * r + 1); }
  if (q > 1 - .02425) return -probit(1 - q);
  const r = q - .5, s = r * r;
  return poly(a, s) * r / (poly(b, s) * s + 1);
};

const latency = {
  kinds: [['ttft', 'TTFT'], ['itl', 'ITL, between tokens'], ['e2e', 'E2E, whole requests']],

  draw(state) {
    const doc = state.doc, host = document.getElementById('latency-charts');
    const have = doc.loads.map((l, i) => ({ value: i, text: l.text })).filter(o => Object.values(doc.latency).some(l => l[doc.loads[o.value].id]));
    if (!have.some(o => o.value === state.latencyLoad)) state.latencyLoad = have.length ? have[have.length - 1].value : -1;
    choices(document.getElementById('latency-loads'), have.length > 1 ? have : [], state.latencyLoad, v => state.set({ latencyLoad: v }));
    this.trials(state);
    host.replaceChildren();
    if (state.latencyLoad < 0) return;
    for (const [kind, name] of this.kinds) {
      const figure = el('figure', { class: 'chart' });
      host.append(figure);
      this.curve(figure, kind, name, state);
    }
  },

  // trials are buttons for those whose requests the page has.
  trials(state) {
    document.getElementById('latency-trials').replaceChildren(...Object.keys(state.doc.latency).sort().map(id => {
      const i = state.compared.indexOf(id), t = state.trial(id);
      return el('button', { type: 'button', 'aria-pressed': String(i >= 0), on: { click: () => state.compare(id) } }, i < 0 ? null : stroke(i), id + (t && t.default ? ' (default)' : ''));
    }));
  },

  curve(figure, kind, name, state) {
    const load = state.doc.loads[state.latencyLoad].id, series = [];
    state.compared.forEach((id, i) => {
      const l = (state.doc.latency[id] || {})[load];
      if (!l || !l[kind] || !l[kind].length) return;
      const count = kind === 'itl' ? Infinity : l.n; // gaps are many
      const points = state.doc.shares.map((q, k) => [q, l[kind][k]]).filter(([q, v]) => q > 0 && q < 1 && q * count >= .5 && (1 - q) * count >= .5 && v > 0);
      series.push({ id, color: palette[i % palette.length], dash: dashes[i % dashes.length], points: points.map(([q, v]) => [probit(q), v]), n: l.n });
    });
    const values = series.flatMap(s => s.points.map(q => q[1]));
    if (!values.length) { figure.replaceChildren(el('figcaption', {}, `${name}: no values of the chosen trials at this load.`)); return; }
    const p = plot(figure, { height: 250, caption: name, title: `${name} by share of requests`, margin: { left: 58 },
      desc: series.map(s => { const m = s.points.reduce((a, b) => Math.abs(b[0]) < Math.abs(a[0]) ? b : a); return `${s.id}: median ${seconds(m[1])}, ${plural(s.n, 'request')}`; }).join('; ') });
    const shares = [.01, .1, .25, .5, .75, .9, .99].map(probit);
    const x = scale(probit(.005), probit(.995), p.left, p.right), y = scale(...span(values, isWide(values)), p.bottom, p.top, isWide(values));
    axes(p, x, y, { xticks: shares, xformat: v => `p${Math.round(100 * [.01, .1, .25, .5, .75, .9, .99][shares.indexOf(v)])}`, yformat: seconds });
    lines(p, x, y, series);
  },
};

const telemetry = {
  // units are the ends of metrics' names.
  format(metric) {
    if (/_w$|watts/.test(metric)) return v => `${number(v)} W`;
    if (/bytes/.test(metric)) return v => v >= 1e9 ? `${number(v / 1e9)} GB` : `${number(v / 1e6)} MB`;
    if (/hz$/.test(metric)) return /mhz$/.test(metric) ? v => `${number(v)} MHz` : v => `${number(v / 1e9)} GHz`;
    if (/_c$|celsius/.test(metric)) return v => `${number(v)} °C`;
    return number;
  },

  draw(state) {
    const host = document.getElementById('gpu-charts'), all = Object.keys(state.doc.telemetry);
    host.replaceChildren();
    if (!all.length) { document.getElementById('gpu-note').textContent = 'This study has no samples of GPUs: there was none, or it could not be asked.'; return; }
    const id = all.includes(state.chosen) ? state.chosen : all[0];
    document.getElementById('gpu-note').textContent = `Trial ${id}${id === state.chosen ? '' : ' (the page has no samples of the chosen one)'}, over its time from the launch: of each stretch the lowest and the highest value.`;
    const devices = [...new Set(state.doc.telemetry[id].map(s => s.device))].sort();
    if (devices.length > 1) document.getElementById('gpu-note').append(...devices.flatMap((d, i) => [' ', stroke(i), ` ${d}`]));
    const byMetric = new Map();
    for (const s of state.doc.telemetry[id]) byMetric.set(s.metric, [...(byMetric.get(s.metric) || []), s]);
    for (const [metric, series] of byMetric) {
      const figure = el('figure', { class: 'chart' }), format = this.format(metric);
      host.append(figure);
      const ts = series.flatMap(s => s.t), vs = series.flatMap(s => s.v).filter(known);
      if (!vs.length) continue;
      const p = plot(figure, { height: 190, caption: metric, title: `${metric} of ${plural(series.length, 'device')} over trial ${id}`, margin: { left: 62 },
        desc: series.map(s => `${s.device}: from ${format(Math.min(...s.v.filter(known)))} to ${format(Math.max(...s.v.filter(known)))}`).join('; ') });
      const low = Math.min(...vs), high = Math.max(...vs);
      const x = scale(0, Math.max(...ts), p.left, p.right), y = scale(low > .5 * high ? low - (high - low) * .1 - 1e-9 : Math.min(0, low), high + (high - low || 1) * .08, p.bottom, p.top);
      axes(p, x, y, { xformat: seconds, yformat: format });
      lines(p, x, y, series.map(s => ({ color: palette[devices.indexOf(s.device) % palette.length], dash: dashes[devices.indexOf(s.device) % dashes.length], points: s.t.map((t, i) => [t, s.v[i]]).filter(q => known(q[1])) })));
    }
  },
};
