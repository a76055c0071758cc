// What a page of the bundle finds: window.vitrine with the rows of its source, and the filling in of elements that name
// columns. What it is called with is put in by package web. Only the page itself has it, not the frames in it.
(data => {
  'use strict';
  if (window !== window.top || !data.hosts.includes(location.host)) return;

  const vitrine = { rows: data.rows, locale: data.locale, zone: data.zone, now: () => new Date() };
  Object.defineProperty(window, 'vitrine', { value: vitrine, enumerable: true });

  const faults = [];
  addEventListener('error', e => { if (e.message && faults.length < 5) faults.push(e.message + ' (' + (e.filename || '').split('/').pop() + ':' + e.lineno + ')'); }, true);
  addEventListener('unhandledrejection', e => { if (faults.length < 5) faults.push(String(e.reason)); });
  addEventListener('securitypolicyviolation', e => { if (faults.length < 5) faults.push('not allowed: ' + (e.blockedURI || e.violatedDirective)); });

  // A picture that is not there leaves its place empty: the browser's sign for it is not for an audience.
  document.addEventListener('error', e => { if (e.target instanceof HTMLImageElement) e.target.style.opacity = '0'; }, true);
  document.addEventListener('load', e => { if (e.target instanceof HTMLImageElement && e.target.style.opacity === '0') e.target.style.opacity = ''; }, true);

  // Sound and video wait, as all else that moves does, until the page is on the screen.
  let held = data.held;
  const waiting = new Set();
  document.addEventListener('play', e => { if (held) { waiting.add(e.target); e.target.pause(); } }, true);

  // {{column}} in texts and attributes. Text stays text: what a row holds is never read as HTML or as a script.
  const mark = /\{\{\s*([^{}]*?)\s*\}\}/g;
  const has = s => s.includes('{{');
  const addresses = new Set(['href', 'src', 'poster', 'action', 'formaction', 'data', 'xlink:href', 'background', 'cite', 'ping']);
  const fill = (text, row) => text.replace(mark, (_, column) => row && Object.hasOwn(row, column) ? row[column] : '');
  const mayLead = address => {
    try {
      const u = new URL(address, document.baseURI);
      return u.protocol === 'https:' || u.protocol === location.protocol || u.protocol === 'blob:' || /^data:image\/(png|jpeg|gif|webp|avif)[;,]/i.test(address.trim());
    } catch { return false; }
  };
  const closed = /^(script|style|iframe|object|embed|base|meta|link|template|noscript)$/i;

  function fillAttribute(element, a, row) {
    const name = a.name.toLowerCase(), value = fill(a.value, row);
    const never = name.startsWith('on') || name === 'srcdoc' || name === 'srcset';
    if (never || addresses.has(name) && !mayLead(value)) { element.removeAttribute(a.name); return; }
    element.setAttribute(a.name, name === 'style' ? value.replace(/url\s*\(|[\\@]|expression/gi, '') : value);
  }

  function fillAll(root, row) {
    if (root.nodeType === Node.TEXT_NODE) { if (has(root.data)) root.data = fill(root.data, row); return; }
    if (root.nodeType !== Node.ELEMENT_NODE || closed.test(root.localName)) return;
    const wanted = root.getAttribute('data-vitrine-if');
    if (wanted !== null && !(row && row[wanted])) { root.remove(); return; }
    for (const a of [...root.attributes]) if (has(a.value)) fillAttribute(root, a, row);
    for (const child of [...root.childNodes]) fillAll(child, row);
  }

  // each: an element that is repeated for every row, or for the first so many; once: one that shows the first row; empty:
  // one that is there while there are no rows. Each keeps its place by an empty text node.
  const places = [];
  function learn() {
    for (const e of document.querySelectorAll('[data-vitrine-each], [data-vitrine-first], [data-vitrine-empty]')) {
      if (!e.isConnected || e.parentElement.closest('[data-vitrine-each], [data-vitrine-first], [data-vitrine-empty]')) continue;
      const place = document.createTextNode('');
      const most = Number(e.getAttribute('data-vitrine-each')) || Infinity;
      const kind = e.hasAttribute('data-vitrine-each') ? 'each' : e.hasAttribute('data-vitrine-first') ? 'first' : 'empty';
      e.replaceWith(place);
      for (const name of ['each', 'first', 'empty']) e.removeAttribute('data-vitrine-' + name);
      places.push({ place, model: e, kind, most, made: [] });
    }
  }
  function draw() {
    for (const p of places) {
      for (const e of p.made) e.remove();
      const rows = vitrine.rows;
      const of = p.kind === 'each' ? rows.slice(0, p.most) : p.kind === 'first' ? rows.slice(0, 1) : rows.length ? [] : [{}];
      p.made = of.map(row => { const e = p.model.cloneNode(true); fillAll(e, row); return e; });
      p.place.before(...p.made);
    }
  }
  const begin = () => { learn(); draw(); };
  if (document.readyState === 'loading') document.addEventListener('DOMContentLoaded', begin, { capture: true, once: true });
  else begin(); // a page without a script of its own: the browser runs this one when it is asked for the first time

  Object.defineProperty(window, data.key, { value: {
    rows(rows) {
      vitrine.rows = rows;
      draw();
      document.dispatchEvent(new CustomEvent('vitrine:rows', { bubbles: true, detail: { rows } }));
    },
    play() { held = false; for (const e of waiting) e.play().catch(() => {}); waiting.clear(); document.dispatchEvent(new CustomEvent('vitrine:play', { bubbles: true })); },
    faults: () => faults.splice(0).join('; '),
  } });
})(%DATA%);
