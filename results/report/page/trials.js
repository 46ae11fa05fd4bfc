// All trials, as a table to search and sort.

const shownTrials = 300;

const trials = {
  draw(state) {
    const doc = state.doc, host = document.getElementById('trial-table'), words = state.find.toLowerCase().split(/\s+/).filter(w => w);
    const columns = [
      { name: 'trial', of: t => t.id }, { name: 'purpose', of: t => t.purpose }, { name: 'outcome', of: t => t.class || t.outcome },
      ...doc.loads.flatMap((l, i) => [
        ...doc.objectives.map((o, k) => ({ name: `${o.text} ${l.id}`, right: true, down: o.higher, of: t => { const r = state.rowAt(t.id, i); return r ? r.values[k][0] : o.higher ? -Infinity : Infinity; },
          show: v => Number.isFinite(v) ? state.format(k)(v) : '' }))]),
      { name: 'P(front)', right: true, down: true, of: t => Math.max(-1, ...state.rowsOf(t.id).map(r => known(r.p) ? r.p : -1)), show: v => v < 0 ? '' : v.toFixed(2) },
      { name: 'seconds', right: true, down: true, of: t => t.total || 0, show: v => v ? seconds(v) : '' },
      { name: 'config, where it differs from the default', of: t => state.difference(t) },
    ];
    const c = columns[state.sort.column] || columns[0], sign = state.sort.up ? 1 : -1;
    const found = doc.trials.filter(t => words.every(w => `${t.id} ${t.purpose} ${t.outcome} ${t.class || ''} ${state.difference(t)}`.toLowerCase().includes(w)))
      .sort((a, b) => { const x = c.of(a), y = c.of(b); return sign * (x < y ? -1 : x > y ? 1 : 0) || (a.id < b.id ? -1 : 1); });
    document.getElementById('found').textContent = `${plural(found.length, 'trial')}${found.length > shownTrials ? `, the first ${shownTrials} shown` : ''}`;
    const head = columns.map((k, i) => el('th', { scope: 'col', class: k.right ? 'n' : undefined, 'aria-sort': c === k ? (state.sort.up ? 'ascending' : 'descending') : undefined },
      el('button', { type: 'button', on: { click: () => state.set({ sort: { column: i, up: c === k ? !state.sort.up : !k.down } }) } }, k.name + (c === k ? (state.sort.up ? ' ↑' : ' ↓') : ''))));
    host.replaceChildren(el('table', {}, el('thead', {}, el('tr', {}, ...head)), el('tbody', {}, ...found.slice(0, shownTrials).map(t => el('tr', {}, ...columns.map((k, i) => {
      const v = k.of(t), text = k.show ? k.show(v) : String(v);
      if (!i) return el('td', {}, el('a', { href: `#${t.id}`, class: 'trial' }, text));
      return el('td', { class: [k.right ? 'n' : '', i === 2 ? `state-${t.outcome}` : '', i === columns.length - 1 ? 'config' : ''].join(' ').trim() || undefined, title: i === columns.length - 1 ? text : undefined }, text);
    }))))));
  },
};
