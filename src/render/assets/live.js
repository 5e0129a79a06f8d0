// A session that goes on: what is new is grafted onto the page behind what is read, which does not move.
if ('live' in main.dataset) live();
function live() {
  const pill = make('button', { type: 'button', className: 'pill', hidden: true });
  const dot = $('.live');
  const region = make('div', { className: 'news' }, pill);
  region.setAttribute('aria-live', 'polite');
  document.body.append(region);
  // What the page shows, and the elements that came below what is read.
  let revision = 0;
  let fresh = [];
  let first;
  // Something came into a window that is not here.
  let beyond = false;
  let greeted = false;
  // An update is under way, and which news came meanwhile.
  let busy = false;
  let again = false;
  let tries = 0;

  // The windows as they came.
  boxes().forEach(w => {
    const was = w.cloneNode(true);
    $$('.copybar', was).forEach(b => b.remove());
    absolute(was, location.href);
    pristine.set(+w.dataset.no, was);
  });
  const none = make('p');
  const containers = '.window, .turn, .strip';

  // Changes `here`, which was made from `was`, so that it says what `now` says: what is equal in both stays as it is.
  function graft(here, was, now) {
    const kids = [...here.children].filter(e => !e.matches('.copybar'));
    const olds = [...was.children];
    const news = [...now.children];
    news.forEach((n, i) => {
      const k = kids[i];
      const o = olds[i];
      if (!k) {
        const e = document.importNode(n, true);
        here.append(e);
        added(e);
        return;
      }
      if (o && o.isEqualNode(n)) return;
      if (
        n.matches(containers) &&
        k.tagName === n.tagName &&
        k.className.split(' ')[0] === n.className.split(' ')[0]
      ) {
        return graft(k, o || none, n);
      }
      const e = document.importNode(n, true);
      const opened = $$('details[open]', k).map(d => pathOf(k, d));
      opened.forEach(at => {
        const d = byPath(e, at);
        if (d && d.tagName === 'DETAILS') d.open = true;
      });
      k.replaceWith(e);
      settled(e);
    });
    kids.slice(news.length).forEach(k => k.remove());
  }

  const settled = e => {
    settle(e);
    watch(e.parentNode);
    remark(e);
  };

  const added = e => {
    settled(e);
    const steps = e.matches('.step') ? [e] : $$('.step', e);
    fresh.push(...(steps.length ? steps : [e]));
    first = first || e;
  };

  // Brings the last window up to date.
  async function update(windows) {
    const known = +main.dataset.windows;
    main.dataset.windows = windows;
    const last = boxes().at(-1);
    const n = last ? +last.dataset.no : 0;
    beyond = greeted && (n < windows - 1 || !last || !!last.dataset.gone);
    greeted = true;
    if (!last || last.dataset.gone) return offer();
    const doc = await raw(n);
    const now = $('.window', doc);
    if (!now) return;
    absolute(doc, address(n));
    const turns = $$('.turn', last).length;
    keep(() => graft(last, pristine.get(n) || none, now));
    pristine.set(n, now);
    // What follows the window: the link to the next, or how it stands.
    $$('.window ~ .pager, .foot', main).forEach(e => e.remove());
    main.append(...[...doc.body.children].filter(e => e !== now).map(e => document.importNode(e, true)));
    attend();
    if ($$('.turn', last).length !== turns || windows !== known) await head();
    offer();
    mark();
  }

  // Brings outline, facts and timeline up to date.
  async function head() {
    const n = +(boxes()[0]?.dataset.no || 0);
    const doc = await raw(n, false);
    absolute(doc, address(n));
    keep(() =>
      ['.outline', '.facts', '.timeline', '.changed', '.ending'].forEach(part => {
        const e = $(part, doc);
        const old = $(part);
        if (!e) return;
        const now = document.importNode(e, true);
        old ? old.replaceWith(now) : $('.head').append(now);
      }),
    );
    relative(document);
    chart();
    watch(main);
    sift();
  }

  const isAtEnd = () => {
    const last = boxes().at(-1);
    return last && !last.dataset.gone && +last.dataset.no >= +main.dataset.windows - 1;
  };

  // The pill stands while what came first is below the screen, or not here.
  function offer() {
    fresh = fresh.filter(e => e.isConnected);
    const below = first && first.isConnected && first.getBoundingClientRect().top > innerHeight - 60;
    if (!below) {
      fresh = [];
      first = null;
    }
    beyond = beyond && !isAtEnd();
    const n = beyond ? 0 : fresh.filter(e => e.matches('.step')).length;
    pill.textContent = n ? `${n} new ${n === 1 ? 'step' : 'steps'}` : 'New below';
    pill.hidden = !below && !beyond;
  }

  pill.addEventListener('click', () => {
    if (first) first.scrollIntoView({ behavior: 'instant' });
    else if (beyond) toEnd();
    beyond = false;
    fresh = [];
    first = null;
    pill.hidden = true;
  });
  addEventListener(
    'scroll',
    () => {
      if (!pill.hidden) offer();
    },
    { passive: true },
  );

  const STATES = { live: 'Live', idle: 'Live, quiet at the moment', gone: 'Ended' };
  async function news(n) {
    tries = 0;
    if (dot) dot.textContent = STATES[n.state] || 'Live';
    if (n.revision === revision) return;
    revision = n.revision;
    if (busy) {
      again = n;
      return;
    }
    busy = true;
    try {
      await update(n.windows);
    } catch {
      revision = 0;
    }
    busy = false;
    if (again) {
      const n = again;
      again = false;
      revision = 0;
      news(n);
    }
  }

  // A WebSocket first; where an edge does not let it through, a request that waits for its answer.
  const pause = () =>
    new Promise(r => setTimeout(r, Math.min(30000, 1000 * 2 ** tries++) * (0.75 + Math.random() / 2)));

  const lost = () => {
    if (dot && tries > 1) dot.textContent = 'Connecting again';
  };

  function socket() {
    const url = new URL('live', home);
    url.protocol = url.protocol.replace('http', 'ws');
    let heard = false;
    let ws;
    try {
      ws = new WebSocket(url);
    } catch {
      return poll();
    }
    const silent = setTimeout(() => ws.close(), 6000);
    ws.onmessage = e => {
      heard = true;
      clearTimeout(silent);
      news(JSON.parse(e.data));
    };
    ws.onclose = async () => {
      clearTimeout(silent);
      lost();
      if (!heard) return poll();
      await pause();
      socket();
    };
  }

  async function poll() {
    for (let rounds = 0; ; rounds++) {
      try {
        const answer = await fetch(new URL('live?since=' + revision, home), { method: 'POST' });
        if (answer.status === 404 && ++tries > 5) {
          if (dot) dot.textContent = 'Ended';
          return;
        }
        if (!answer.ok) throw answer.status;
        await news(await answer.json());
        // Perhaps the way is free by now.
        if (rounds > 20) return socket();
      } catch {
        lost();
        await pause();
        if (tries % 3 === 0) return socket();
      }
    }
  }
  html.classList.add('listening');
  socket();

  // How long it has been at work, for the steps that are.
  setInterval(() => {
    $$('time[data-running]').forEach(t => {
      const s = Math.floor((Date.now() - Date.parse(t.dateTime)) / 1000);
      const minutes = Math.floor(s / 60);
      t.textContent = s < 1 || s >= 86400 ? '' : minutes ? `${minutes} min ${s % 60} s` : `${s} s`;
    });
  }, 1000);
}
