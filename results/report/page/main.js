// The page's state, and what redraws when it changes.

const state = {
  doc: null, load: -1, chosen: '', compared: [], latencyLoad: -1, effectLoad: -1, find: '', sort: { column: 0, up: true },

  read(text) {
    this.doc = JSON.parse(text);
    this.byID = new Map(this.doc.trials.map(t => [t.id, t]));
    this.rowsBy = new Map();
    for (const r of this.doc.rows) { const c = this.config(r.trial); this.rowsBy.set(c, [...(this.rowsBy.get(c) || []), r]); }
    this.differences = new Map();
  },
  format(k) { return this.doc.objectives[k].seconds ? seconds : number; },
  trial(id) { return this.byID.get(id); },
  config(id) { return (this.trial(id) || {}).config; },
  rowsOf(id) { return this.rowsBy.get(this.config(id)) || []; }, // of its config, over all its launches
  rowAt(id, load) { return this.rowsOf(id).find(r => r.load === load); },
  difference(t) {
    if (!this.differences.has(t.id)) {
      const parts = this.doc.params.map((p, i) => [p, t.values[i] >= 0 ? p.values[t.values[i]] : '?']).filter(([p, v]) => v !== p.default).map(([p, v]) => `${p.name}=${v}`);
      this.differences.set(t.id, parts.join(' ') || '(the default)');
    }
    return this.differences.get(t.id);
  },

  // begin chooses what to show first: the trial that the answer names, or the surest of the front.
  begin() {
    if (!this.trial(this.chosen)) {
      const named = document.querySelectorAll('#answer a.trial');
      const best = named[1] || named[0];
      const on = this.doc.rows.filter(r => r.front).sort((a, b) => (b.p || 0) - (a.p || 0));
      this.chosen = best ? best.textContent : on.length ? on[0].trial : this.doc.trials.length ? this.doc.trials[0].id : '';
    }
    this.compared = this.compared.filter(id => this.doc.latency[id]);
    if (!this.compared.length) {
      const ids = Object.keys(this.doc.latency);
      const standard = ids.filter(id => this.trial(id) && this.trial(id).default);
      const named = [...document.querySelectorAll('#answer a.trial')].map(a => a.textContent).filter(id => ids.includes(id));
      this.compared = [...new Set([...standard, ...named, ...ids])].slice(0, 3);
    }
  },
  set(change) { Object.assign(this, change); redraw(Object.keys(change)); },
  choose(id) {
    if (!this.trial(id)) return;
    history.replaceState(null, '', `#${id}`);
    this.set({ chosen: id });
  },
  compare(id) {
    const without = this.compared.filter(c => c !== id);
    this.set({ compared: without.length < this.compared.length ? without : [...without, id].slice(-palette.length) });
  },
};

// parts are the drawings, each with what it depends on.
const parts = [
  [front, ['load', 'chosen']], [panel, ['chosen', 'compared']], [growth, []], [effects, ['effectLoad']],
  [latency, ['latencyLoad', 'compared']], [telemetry, ['chosen']], [trials, ['find', 'sort']],
];
const redraw = changed => {
  for (const [part, needs] of parts) {
    if (changed && !needs.some(n => changed.includes(n))) continue;
    try { part.draw(state); } catch (e) { console.error(e); } // what is wrong in one must not hide the others
  }
};

const theme = {
  order: ['light dark', 'light', 'dark'],
  at: 0,
  next() {
    this.at = (this.at + 1) % this.order.length;
    document.documentElement.style.colorScheme = this.order[this.at];
    document.getElementById('theme').textContent = ['theme', 'light', 'dark'][this.at];
  },
};

// renew takes over what changed of a newer version of the page; what did not stays as it is.
const renew = html => {
  const next = new DOMParser().parseFromString(html, 'text/html');
  for (const old of document.querySelectorAll('[data-live]')) {
    const fresh = next.getElementById(old.id);
    if (!fresh || fresh.innerHTML === old.innerHTML) continue;
    const open = [...old.querySelectorAll('details')].map(d => d.open);
    old.replaceChildren(...document.importNode(fresh, true).childNodes);
    old.querySelectorAll('details').forEach((d, i) => { if (open[i] !== undefined) d.open = open[i]; });
  }
  const data = document.getElementById('data'), fresh = next.getElementById('data');
  if (!fresh || fresh.textContent === data.textContent) return;
  data.textContent = fresh.textContent;
  state.read(data.textContent);
  state.begin();
  redraw();
};

const follow = () => {
  const live = document.getElementById('live');
  if (!live) return;
  const events = new EventSource(`events?since=${live.dataset.version}`);
  const say = text => { const now = document.getElementById('live'); if (now) now.textContent = text; };
  events.onmessage = async () => {
    try { renew(await (await fetch('.', { cache: 'no-store' })).text()); say('live'); } catch { say('no longer live'); }
  };
  events.onopen = () => say('live');
  events.onerror = () => say('no longer live: harness ended');
};

const start = () => {
  state.read(document.getElementById('data').textContent);
  const hash = () => decodeURIComponent(location.hash.slice(1));
  if (state.trial(hash())) state.chosen = hash();
  state.begin();
  redraw();
  document.getElementById('theme').addEventListener('click', () => theme.next());
  document.getElementById('find').addEventListener('input', e => state.set({ find: e.target.value }));
  document.addEventListener('click', e => {
    const a = e.target.closest('a.trial');
    if (!a) return;
    e.preventDefault();
    state.choose(a.textContent);
    document.getElementById(window.matchMedia('(max-width: 62rem)').matches ? 'trial' : 'front').scrollIntoView();
  });
  window.addEventListener('hashchange', () => { if (state.trial(hash())) state.choose(hash()); });
  let width = document.documentElement.clientWidth;
  new ResizeObserver(() => {
    const now = document.documentElement.clientWidth;
    if (now === width) return;
    width = now;
    redraw();
  }).observe(document.documentElement);
  follow();
};
start();
