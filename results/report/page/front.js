// The front: all points, what is on it, and the failures at its margin.

const front = {
  at: -1, // of the drawn points: the one that the keyboard is at

  // rows that are shown, by TTFT.
  rows(state) {
    return state.doc.rows.filter(r => state.load < 0 || r.load === state.load).sort((a, b) => a.values[0][0] - b.values[0][0]);
  },

  // on tells which of them are on the front: of one load alone, those that no other there dominates.
  on(rows, state) {
    if (state.load < 0) return rows.filter(r => r.front);
    const sign = state.doc.objectives.map(o => o.higher ? 1 : -1), v = (r, k) => sign[k] * r.values[k][0];
    let most = -Infinity;
    return rows.filter(r => r.kept).sort((a, b) => v(b, 0) - v(a, 0) || v(b, 1) - v(a, 1)).filter(r => v(r, 1) > most && ((most = v(r, 1)), true));
  },

  describe(r, state) {
    const load = state.doc.loads[r.load], t = state.trial(r.trial);
    return [`${r.trial}${t && t.default ? ' (the default)' : ''}, ${load.text}`,
      ...state.doc.objectives.map((o, k) => `${o.text} ${state.format(k)(r.values[k][0])} ${range(r.values[k], state.format(k))}`),
      `${plural(r.runs, 'run')}, ${r.kept ? `P(front) ${known(r.p) ? r.p.toFixed(2) : '?'}` : 'breaks a limit'}`, t ? state.difference(t) : ''];
  },

  draw(state) {
    const host = document.getElementById('front-chart'), doc = state.doc;
    const marks = doc.loads.map((l, i) => ({ value: i, text: l.text, mark: svg('svg', { width: 10, height: 10, viewBox: '-5 -5 10 10', 'aria-hidden': 'true' }, svg('path', { d: shape(i, 3.6), fill: 'currentColor' })) }));
    choices(document.getElementById('loads'), doc.loads.length > 1 ? [{ value: -1, text: 'all loads' }, ...marks] : [], state.load, v => state.set({ load: v }));
    const failed = doc.trials.filter(t => t.outcome === 'failed');
    const rows = this.rows(state), on = this.on(rows, state);
    if (!rows.length) {
      host.replaceChildren(el('p', {}, failed.length ? 'No config was measured: every trial that ended failed.' : 'No config was measured yet.'));
      if (!failed.length) return;
    }
    const wide = host.getBoundingClientRect().width || 600;
    const lines = this.margin(failed, wide);
    const base = rows.length ? (wide < 500 ? 340 : 460) : 26;
    const p = plot(host, { height: base + lines.length * 15 + (failed.length ? 8 : 0), margin: { bottom: 36 + lines.length * 15 + (failed.length ? 8 : 0) }, role: 'group',
      title: `Pareto front: ${doc.objectives[0].text} against ${doc.objectives[1].text}`,
      desc: `${plural(rows.length, 'point')}, ${on.length} on the front, ${plural(failed.length, 'failed trial')}. ${on.slice(0, 8).map(r => this.describe(r, state).slice(0, 3).join(', ')).join('; ')}` });
    if (rows.length) this.points(p, rows, on, state);
    this.failures(p, lines, base, state);
  },

  points(p, rows, on, state) {
    const xs = rows.map(r => r.values[0][0]), ys = rows.map(r => r.values[1][0]), names = state.doc.objectives;
    const x = scale(...span(xs, isWide(xs)), p.left, p.right, isWide(xs)), y = scale(...span(ys, isWide(ys)), p.bottom, p.top + 14, isWide(ys));
    axes(p, x, y, { xformat: state.format(0), yformat: state.format(1), xname: names[0].text + (x.log ? ', log' : ''), yname: names[1].text + (y.log ? ', log' : '') });
    const steps = [], leftBest = !names[0].higher; // the corner of a step lies on the side that is worse
    [...on].sort((a, b) => a.values[0][0] - b.values[0][0]).forEach((r, i, all) => {
      if (i) steps.push([x((leftBest ? r : all[i - 1]).values[0][0]), y((leftBest ? all[i - 1] : r).values[1][0])]);
      steps.push([x(r.values[0][0]), y(r.values[1][0])]);
    });
    p.root.append(path(steps, { stroke: css('blue'), 'stroke-width': 1, 'stroke-opacity': .6 }));
    const inside = (s, v) => Math.max(Math.min(s.from, s.to), Math.min(Math.max(s.from, s.to), s(v)));
    const whiskers = svg('g', { stroke: css('blue'), 'stroke-opacity': .28, 'aria-hidden': 'true' });
    for (const r of on) {
      const cx = x(r.values[0][0]), cy = y(r.values[1][0]);
      if (known(r.values[0][1]) && r.values[0][1] > 0) whiskers.append(svg('line', { x1: inside(x, r.values[0][1]), x2: inside(x, r.values[0][2]), y1: cy, y2: cy }));
      if (known(r.values[1][1]) && r.values[1][1] > 0) whiskers.append(svg('line', { x1: cx, x2: cx, y1: inside(y, r.values[1][1]), y2: inside(y, r.values[1][2]) }));
    }
    p.root.append(whiskers);
    const isOn = new Set(on), spots = [];
    const dots = svg('g', { 'aria-hidden': 'true' });
    for (const r of rows.filter(r => !isOn.has(r)).concat(on)) {
      const t = state.trial(r.trial), lit = isOn.has(r);
      const d = svg('path', { class: 'spot', 'data-trial': r.trial, 'data-load': state.doc.loads[r.load].id, transform: `translate(${x(r.values[0][0]).toFixed(1)} ${y(r.values[1][0]).toFixed(1)})`, d: shape(r.load, lit ? 4.4 : 2.8) });
      if (lit) { d.setAttribute('fill', css('blue')); d.setAttribute('fill-opacity', known(r.p) ? (.15 + .85 * r.p).toFixed(2) : .5); d.setAttribute('stroke', css('blue')); }
      else if (r.kept) { d.setAttribute('fill', css('dot')); d.setAttribute('fill-opacity', .5); }
      else { d.setAttribute('fill', 'none'); d.setAttribute('stroke', css('dot')); }
      if (t && t.default) { d.setAttribute('stroke', css('orange')); d.setAttribute('stroke-width', 2.2); }
      dots.append(d);
      spots.push({ r, x: x(r.values[0][0]), y: y(r.values[1][0]) });
    }
    p.root.append(dots);
    this.labels(p, spots.filter(s => isOn.has(s.r) || (state.trial(s.r.trial) || {}).default), state);
    this.chosen(p, spots, state);
    this.watch(p, spots.sort((a, b) => a.x - b.x), state);
  },

  // labels names points where there is room.
  labels(p, spots, state) {
    const taken = [], g = svg('g', { 'aria-hidden': 'true' });
    for (const s of [...spots].sort((a, b) => (state.trial(b.r.trial).default ? 1 : 0) - (state.trial(a.r.trial).default ? 1 : 0))) {
      const t = state.trial(s.r.trial), text = t.default ? 'default' : s.r.trial, w = text.length * 6.2;
      const box = [s.x + 8, s.y + 3, s.x + 8 + w, s.y + 15];
      if (box[2] > p.right || taken.some(b => b[0] < box[2] && box[0] < b[2] && b[1] < box[3] && box[1] < b[3])) continue;
      taken.push(box);
      g.append(svg('text', { x: box[0], y: s.y + 14, class: t.default ? 'strong' : '' }, text));
    }
    p.root.append(g);
  },

  // chosen rings the points of the chosen trial.
  chosen(p, spots, state) {
    const own = spots.filter(s => state.config(s.r.trial) === state.config(state.chosen)).sort((a, b) => a.r.load - b.r.load);
    if (own.length > 1) p.root.append(path(own.map(s => [s.x, s.y]), { stroke: css('orange'), 'stroke-dasharray': '3 3', 'stroke-width': 1 }));
    for (const s of own) p.root.append(svg('circle', { cx: s.x, cy: s.y, r: 9, fill: 'none', stroke: css('orange'), 'stroke-width': 2 }));
  },

  watch(p, spots, state) {
    const ring = svg('circle', { r: 7, fill: 'none', stroke: css('ink'), 'stroke-width': 1.5, visibility: 'hidden' });
    p.root.append(ring);
    const nearest = e => {
      const box = p.root.getBoundingClientRect(), k = p.width / box.width;
      const mx = (e.clientX - box.left) * k, my = (e.clientY - box.top) * k;
      let best = -1, least = 26 * 26;
      spots.forEach((s, i) => { const d = (s.x - mx) ** 2 + (s.y - my) ** 2; if (d < least) { least = d; best = i; } });
      return best;
    };
    const mark = (i, point) => {
      this.at = i;
      ring.setAttribute('visibility', i < 0 ? 'hidden' : 'visible');
      if (i < 0) return tip.hide();
      const s = spots[i], lines = this.describe(s.r, state), box = p.root.getBoundingClientRect(), k = box.width / p.width;
      ring.setAttribute('cx', s.x); ring.setAttribute('cy', s.y);
      document.getElementById('readout').textContent = lines.join(' · ');
      if (point) tip.show(lines, box.left + s.x * k, box.top + s.y * k);
    };
    p.root.addEventListener('mousemove', e => { if (!e.target.closest('.failure')) mark(nearest(e), true); });
    p.root.addEventListener('mouseleave', () => mark(-1));
    p.root.addEventListener('click', e => { const i = nearest(e); if (i >= 0 && !e.target.closest('.failure')) state.choose(spots[i].r.trial); });
    p.root.setAttribute('tabindex', 0);
    p.root.addEventListener('blur', () => mark(-1));
    p.root.addEventListener('keydown', e => {
      const step = { ArrowRight: 1, ArrowUp: 1, ArrowLeft: -1, ArrowDown: -1 }[e.key];
      if (step) mark(Math.max(0, Math.min(spots.length - 1, this.at + step)), true);
      else if (e.key === 'Home') mark(0, true);
      else if (e.key === 'End') mark(spots.length - 1, true);
      else if (e.key === 'Enter' && this.at >= 0) { state.choose(spots[this.at].r.trial); document.getElementById('trial').focus(); }
      else if (e.key === 'Escape') mark(-1);
      else return;
      e.preventDefault();
    });
  },

  // margin lays out the failed trials by class, in lines of a width.
  margin(failed, wide) {
    const byClass = new Map();
    for (const t of failed) byClass.set(t.class, [...(byClass.get(t.class) || []), t]);
    const lines = [];
    for (const [name, trials] of [...byClass].sort((a, b) => b[1].length - a[1].length)) {
      const per = Math.max(8, Math.floor((wide - 190) / 9));
      for (let i = 0; i < trials.length; i += per) lines.push({ name: i ? '' : `${name} ${trials.length}`, trials: trials.slice(i, i + per) });
    }
    return lines;
  },

  failures(p, lines, base, state) {
    lines.forEach((line, i) => {
      const y = base + 10 + i * 15;
      p.root.append(svg('text', { x: 140, y: y + 4, 'text-anchor': 'end' }, line.name));
      line.trials.forEach((t, k) => {
        const g = svg('g', { class: 'failure', 'data-trial': t.id, transform: `translate(${152 + k * 9} ${y})`, cursor: 'pointer' },
          svg('rect', { x: -4.5, y: -7, width: 9, height: 14, fill: 'transparent' }),
          svg('path', { d: 'M-3 -3L3 3M-3 3L3 -3', stroke: t.id === state.chosen ? css('orange') : css('bad'), 'stroke-width': t.id === state.chosen ? 2.5 : 1.3 }));
        g.addEventListener('mousemove', e => tip.show([`${t.id} failed: ${t.class}`, `phase ${t.phase || '?'}`, t.line || '', state.difference(t)], e.clientX, e.clientY));
        g.addEventListener('mouseleave', () => tip.hide());
        g.addEventListener('click', () => state.choose(t.id));
        p.root.append(g);
      });
    });
  },
};
