// The chosen trial: what it is against the default, what came of it, how it was started.

const panel = {
  draw(state) {
    const host = document.getElementById('trial'), t = state.trial(state.chosen);
    if (!t) { host.replaceChildren(el('p', { class: 'note' }, state.doc.trials.length ? 'No trial is chosen.' : 'There is no trial yet.')); return; }
    const compared = state.compared.includes(t.id);
    host.replaceChildren(...[
      el('h3', {}, t.id, t.default ? ' (the default)' : '', ' ', el('span', { class: `state-${t.outcome}` }, t.outcome), ' ', el('span', { class: 'purpose' }, t.purpose + (t.attempt > 1 ? `, launch ${t.attempt}` : ''))),
      t.outcome === 'failed' ? this.failure(t) : null,
      this.points(t, state),
      el('p', { class: 'note' }, this.times(t)),
      t.reason ? el('p', { class: 'note' }, `Why it was tried: ${t.reason}.`) : null,
      t.deviates ? el('p', { class: 'state-failed' }, `The server runs with other values: ${t.deviates.join('; ')}.`) : null,
      t.drift ? el('p', { class: 'state-failed' }, `The machine had drifted: ${t.drift}.`) : null,
      t.gate ? el('p', { class: 'state-failed' }, `Before it the machine was not as it should be: ${t.gate}.`) : null,
      state.doc.latency[t.id] ? el('p', {}, el('button', { type: 'button', 'aria-pressed': String(compared), on: { click: () => state.compare(t.id) } }, compared ? 'leave out of the latencies' : 'compare its latencies')) : null,
      this.use(t, state), this.config(t, state), this.command(t, state), this.runs(t, state), this.log(t),
    ].filter(e => e));
  },

  failure(t) {
    const exit = t.exit === undefined || t.exit === null ? '' : t.exit < 0 ? `, ended by signal ${-t.exit}` : `, exit status ${t.exit}`;
    return el('p', { class: 'state-failed' }, el('code', {}, t.class), ` in phase ${t.phase || '?'}${exit}`, t.line ? ': ' : '', t.line ? el('code', {}, t.line) : null);
  },

  points(t, state) {
    const rows = state.rowsOf(t.id);
    if (!rows.length) return t.outcome === 'ok' ? el('p', { class: 'note' }, 'It has no valid run.') : null;
    const cell = (v, format, to) => el('span', { title: range(v, format), 'data-value': v[0] }, format(v[0]), to ? el('small', { class: 'purpose', title: `to the default ${range(to, percent)}` }, ` ${percent(to[0])}`) : '');
    const launches = state.doc.trials.filter(u => u.config === t.config && u.outcome === 'ok').length;
    const numbers = table(['load', ...state.doc.objectives.map(o => o.text), 'P(front)'], rows.map(r => [state.doc.loads[r.load].id, ...r.values.map((v, k) => cell(v, state.format(k), r.ratios[k])),
      r.kept ? known(r.p) ? r.p.toFixed(2) : '?' : 'breaks a limit']), [1, 2, 3]);
    return launches > 1 ? el('div', {}, numbers, el('p', { class: 'note' }, `Of all ${launches} launches of this config.`)) : numbers;
  },

  times(t) {
    const parts = [];
    if (t.launch > 0) parts.push(`launch ${seconds(t.launch)}`);
    if (t.warmup > 0) parts.push(`warm-up ${seconds(t.warmup)}${t.steady ? '' : ' (not steady)'}`);
    if (t.total > 0) parts.push(`${seconds(t.total)} in all`);
    if (t.started) parts.push(`began ${t.started} UTC`);
    return parts.join(', ');
  },

  // use is what the runs took of the GPUs: means over valid runs by load.
  use(t, state) {
    const runs = (state.doc.runs[t.id] || []).filter(r => r.valid && r.use);
    if (!runs.length) return null;
    const share = v => `${number(100 * v)} %`;
    const columns = [['J/token', number], ['mean W', number], ['peak memory', v => `${number(v / 1e9)} GB`], ['throttled', share], ['at power limit', share], ['per 1M tokens', number]];
    const mean = (of, k) => { const vs = of.map(r => r.use[k]).filter(known); return vs.length ? vs.reduce((a, b) => a + b) / vs.length : null; };
    const shown = columns.map((c, k) => k).filter(k => known(mean(runs, k)));
    const loads = [...new Set(runs.map(r => r.load))];
    return el('div', { class: 'scroll' }, table(['load', ...shown.map(k => columns[k][0])], loads.map(l => [l, ...shown.map(k => { const v = mean(runs.filter(r => r.load === l), k); return known(v) ? columns[k][1](v) : ''; })]), shown.map((k, i) => i + 1)));
  },

  config(t, state) {
    const rows = [], same = [];
    state.doc.params.forEach((p, i) => {
      const v = i < t.values.length && t.values[i] >= 0 ? p.values[t.values[i]] : '?';
      (v === p.default ? same : rows).push([el('code', {}, p.name), el('code', {}, v), el('code', { class: 'purpose' }, p.default)]);
    });
    return el('div', {}, rows.length ? table(['parameter', 'value', 'default'], rows) : el('p', {}, 'Every parameter is at its default.'),
      same.length ? el('details', {}, el('summary', {}, `${plural(same.length, 'parameter')} at the default`), table(['parameter', 'value'], same.map(r => r.slice(0, 2)))) : null);
  },

  command(t, state) {
    if (!t.argv || !t.argv.length) return null;
    const quote = w => /^[\w@%+=:,./{}-]+$/.test(w) ? w : `'${w.replaceAll("'", `'\\''`)}'`;
    return el('details', {}, el('summary', {}, 'the command that ran'), el('pre', { tabindex: 0 }, t.argv.map(i => quote(state.doc.words[i])).join(' ')));
  },

  runs(t, state) {
    const runs = state.doc.runs[t.id] || [];
    if (!runs.length) return null;
    const head = ['run', 'TTFT p50', 'p99', 'ITL p50', 'E2E p50', 'tok/s', 'requests', ''];
    return el('details', {}, el('summary', {}, plural(runs.length, 'run')), el('div', { class: 'scroll' }, table(head, runs.map(r => [`${r.load} r${r.repeat}`, seconds(r.ttft[0]), seconds(r.ttft[2]), seconds(r.itl[0]), seconds(r.e2e[0]),
      number(r.tps), r.failed ? `${r.requests}, ${r.failed} failed` : String(r.requests), r.valid ? r.why || '' : el('span', { class: 'state-failed' }, `invalid: ${r.reason}`)]), [1, 2, 3, 4, 5, 6])));
  },

  log(t) {
    if (!t.log) return null;
    return el('details', { open: t.outcome === 'failed' }, el('summary', {}, "the log's end"), el('pre', { tabindex: 0 }, t.log));
  },
};
