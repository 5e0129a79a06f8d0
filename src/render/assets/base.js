// What all parts use.
const $ = (s, e = document) => e.querySelector(s), $$ = (s, e = document) => [...e.querySelectorAll(s)];
const make = (tag, props = {}, ...inside) => { const e = Object.assign(document.createElement(tag), props); e.append(...inside); return e };
const main = $('main'), rail = $('#rail');
const typing = e => e.closest && e.closest('input,textarea,select,dialog');

// A word on what was just done, for the eye and for who does not see.
const told = make('p', { className: 'told' });
told.setAttribute('role', 'status');
let telling;
function tell(words) {
  if (!told.isConnected) document.body.append(told);
  told.textContent = words; told.classList.add('on');
  clearTimeout(telling); telling = setTimeout(() => told.classList.remove('on'), 2500);
}

// The date says how long ago; the exact time is in its title.
function relative(e) {
  $$('time[data-rel], time[data-since]', e).forEach(t => {
    const s = (Date.now() - Date.parse(t.dateTime)) / 1000, f = new Intl.RelativeTimeFormat('en', { numeric: 'auto' });
    if (!(s >= 0)) return;
    const [n, u] = s < 3600 ? [s / 60, 'minute'] : s < 86400 ? [s / 3600, 'hour'] : s < 2592e3 ? [s / 86400, 'day'] : s < 31536e3 ? [s / 2592e3, 'month'] : [s / 31536e3, 'year'];
    const ago = f.format(-Math.floor(n), u);
    if ('since' in t.dataset) t.textContent = 'started ' + ago;
    else if (!t.firstElementChild) t.append(make('span', { className: 'sub', textContent: ' ' + ago }));
  });
}
relative(document);
